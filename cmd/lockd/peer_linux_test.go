package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// peer is a client.
type peer struct {
	net.Conn
	r *bufio.Reader
}

// connect returns a client with a deadline of patience.
func (d *live) connect(network string) (*peer, error) {
	c, err := net.DialTimeout(network, d.address(network), patience)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(patience))
	return &peer{c, bufio.NewReaderSize(c, 1<<10)}, nil
}

// dial is connect for the goroutine of the test.
func (d *live) dial(network string) *peer {
	d.t.Helper()
	p, err := d.connect(network)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { p.Close() })
	return p
}

// ask sends a line and returns the reply line.
func (p *peer) ask(line string) (string, error) {
	if _, err := io.WriteString(p, line+"\n"); err != nil {
		return "", err
	}
	return p.line()
}

func (p *peer) line() (string, error) {
	reply, err := p.r.ReadString('\n')
	return strings.TrimSuffix(reply, "\n"), err
}

// rest sends the last lines and returns all replies, to the end of the stream.
func (p *peer) rest(lines string) (string, error) {
	if _, err := io.WriteString(p, lines); err != nil {
		return "", err
	}
	if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return "", err
	}
	all, err := io.ReadAll(p.r)
	return string(all), err
}

// wants is ask for the goroutine of the test, with the expected reply.
func (p *peer) wants(t testing.TB, line, want string) {
	t.Helper()
	if got, err := p.ask(line); got != want || err != nil {
		t.Fatalf("%s is answered %q, %v, want %q", line, got, err, want)
	}
}

// reset ends a TCP connection by a reset, which leaves no port in TIME_WAIT.
func (p *peer) reset() {
	if c, ok := p.Conn.(*net.TCPConn); ok {
		c.SetLinger(0)
	}
	p.Close()
}

// pipeline gets and releases a name, depth lines at a time, until over, and
// checks every byte of the replies. It returns the number of reply lines.
func (p *peer) pipeline(name string, depth int, over *atomic.Bool) (lines int, err error) {
	in := []byte(strings.Repeat("g "+name+"\nr "+name+"\n", depth/2))
	want := []byte(strings.Repeat("1 Lock Get Success: "+name+"\n1 Lock Release Success: "+name+"\n", depth/2))
	got := make([]byte, len(want))
	for !over.Load() {
		sent := make(chan error, 1)
		if depth < 100 {
			_, err := p.Write(in)
			sent <- err
		} else {
			// Otherwise both sides might wait until the other reads.
			go func() {
				_, err := p.Write(in)
				sent <- err
			}()
		}
		if _, err := io.ReadFull(p, got); err != nil {
			return lines, err
		}
		if err := <-sent; err != nil {
			return lines, err
		}
		if !bytes.Equal(got, want) {
			return lines, fmt.Errorf("the replies are wrong: %.200q", got)
		}
		lines += depth
	}
	return lines, nil
}

// endless sends lines for ever and checks the replies. It returns nil if the stream ends
// after a whole reply.
func (p *peer) endless(name string) error {
	first := "1 Lock Get Success: " + name + "\n"
	want := []byte(strings.Repeat(first+"1 Lock Release Success: "+name+"\n", 1000))
	cycle := len(want) / 1000
	in := []byte(strings.Repeat("g "+name+"\nr "+name+"\n", 500))
	written := make(chan struct{})
	go func() {
		defer close(written)
		for {
			if _, err := p.Write(in); err != nil {
				return
			}
		}
	}()
	defer func() {
		p.Close()
		<-written
	}()
	buf := make([]byte, 32<<10)
	for at := 0; ; {
		n, err := p.Read(buf)
		for got := buf[:n]; len(got) > 0; {
			piece := want[at:min(len(want), at+len(got))]
			if !bytes.Equal(got[:len(piece)], piece) {
				return fmt.Errorf("the replies are wrong: %.200q", got)
			}
			got = got[len(piece):]
			at = (at + len(piece)) % cycle
		}
		switch {
		case err == nil:
		case err != io.EOF:
			return err
		case at != 0 && at != len(first):
			return errors.New("the stream ends inside a reply")
		default:
			return nil
		}
	}
}

// load runs some clients at the same time until stop is called, which returns how many
// reply lines they got.
func (d *live) load(network string, clients, depth int) (stop func() int) {
	d.t.Helper()
	var over atomic.Bool
	var lines atomic.Int64
	var working sync.WaitGroup
	for i := range clients {
		p := d.dial(network)
		working.Go(func() {
			n, err := p.pipeline(fmt.Sprintf("%s-%d", network, i), depth, &over)
			if err != nil {
				d.t.Errorf("client %d of %s, after %d lines: %v", i, network, n, err)
			}
			lines.Add(int64(n))
			p.reset()
		})
	}
	stop = sync.OnceValue(func() int {
		over.Store(true)
		working.Wait()
		return int(lines.Load())
	})
	d.t.Cleanup(func() { stop() })
	return stop
}

// centiles sorts, and returns the median and the 99th percentile.
func centiles(all []time.Duration) (p50, p99 time.Duration) {
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], all[len(all)*99/100]
}
