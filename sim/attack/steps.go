package attack

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"lockd/sim/transport"
)

// The steps of attacks.

type step = func(context.Context, *Target) error

// hold makes one connection acquire n locks with short names, with the command verb.
func hold(verb string, n int) step {
	return func(ctx context.Context, t *Target) error {
		c, err := t.keep()
		if err != nil {
			return err
		}
		return acquire(c, verb, t.scaled(n))
	}
}

// both does two steps one after the other.
func both(first, second step) step {
	return func(ctx context.Context, t *Target) error {
		if err := first(ctx, t); err != nil {
			return err
		}
		return second(ctx, t)
	}
}

// acquire acquires n locks.
func acquire(c net.Conn, verb string, n int) error {
	const batch = 10_000
	var text []byte
	for i := range n {
		text = fmt.Appendf(text, "%s lock-%d\n", verb, i)
		if (i+1)%batch == 0 || i == n-1 {
			if err := send(c, text, i%batch+1); err != nil {
				return err
			}
			text = text[:0]
		}
	}
	return nil
}

// holdLong makes one connection acquire n locks, exclusive and shared, with names of
// that many bytes. Their number is the same in a small attack.
func holdLong(n, bytes int) step {
	return func(ctx context.Context, t *Target) error {
		c, err := t.keep()
		if err != nil {
			return err
		}
		for i := range n {
			name := fmt.Sprintf("%0*d", bytes, i)
			if err := send(c, []byte("g "+name+"\nsg "+name+"\n"), 2); err != nil {
				return err
			}
		}
		return nil
	}
}

// each opens many connections that send a line and wait for a reply.
func each(n int, line string) step {
	return func(ctx context.Context, t *Target) error {
		for range t.scaled(n) {
			c, err := t.keep()
			if err != nil {
				return err
			}
			if err := send(c, []byte(line), 1); err != nil {
				return err
			}
		}
		return nil
	}
}

// register registers one name for many connections.
func register(name string, n int) step { return each(n, "iam "+name+"\n") }

// share makes many connections hold one shared lock.
func share(name string, n int) step { return each(n, "sg "+name+"\n") }

// pipeline sends a command many times at once, and reads all replies. A last command
// marks their end.
func pipeline(command string, n int) step {
	return func(ctx context.Context, t *Target) error {
		c, err := t.dial()
		if err != nil {
			return err
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(c, strings.Repeat(command, n)+"me\n"); err != nil {
			return err
		}
		r := bufio.NewReaderSize(c, 1<<20)
		for {
			line, err := r.ReadSlice('\n')
			switch {
			case err == bufio.ErrBufferFull:
			case err != nil:
				return fmt.Errorf("a client that reads its replies: %w", err)
			case strings.HasPrefix(string(line), "1 "+c.LocalAddr().String()):
				return nil
			}
		}
	}
}

// clients runs many clients at the same time for a duration.
func (t *Target) clients(ctx context.Context, n int, d time.Duration, do func(context.Context, net.Conn, int)) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var all sync.WaitGroup
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
		all.Wait()
	}()
	for i := range n {
		c, err := t.dial()
		if err != nil {
			return err
		}
		conns = append(conns, c)
		// Unread data must not fill the kernel's memory, which alone would delay all
		// clients if server and clients share a machine.
		c.(*net.TCPConn).SetReadBuffer(64 << 10)
		all.Go(func() { do(ctx, c, i) })
	}
	<-ctx.Done()
	return nil
}

// askLoop makes many clients send lines again and again, and read. Client i sends text i,
// cyclically.
func askLoop(n int, d time.Duration, texts ...string) step {
	return func(ctx context.Context, t *Target) error {
		return t.clients(ctx, n, d, func(ctx context.Context, c net.Conn, i int) {
			go io.Copy(io.Discard, c)
			for ctx.Err() == nil {
				if _, err := io.WriteString(c, texts[i%len(texts)]); err != nil {
					return
				}
			}
		})
	}
}

// unread makes many clients send a text again and again, and never read. One more client
// asks for dumps, and reads slowly but steadily: it must be served or refused, and keep
// its connection.
func unread(n int, text string, d time.Duration) step {
	return func(ctx context.Context, t *Target) error {
		reader := make(chan error, 1)
		err := t.clients(ctx, t.scaled(n)+1, d, func(ctx context.Context, c net.Conn, i int) {
			if i == 0 {
				reader <- readSteadily(ctx, c)
				return
			}
			for ctx.Err() == nil {
				if _, err := io.WriteString(c, text); err != nil {
					return
				}
				// What matters is how much waits, not how often it is sent.
				time.Sleep(100 * time.Millisecond)
			}
		})
		if err != nil {
			return err
		}
		return <-reader
	}
}

// readSteadily asks for dumps and reads them at some 10 MB/s, until ctx ends.
func readSteadily(ctx context.Context, c net.Conn) error {
	go func() {
		for ctx.Err() == nil {
			if _, err := io.WriteString(c, "d\ni x\n"); err != nil {
				return
			}
			time.Sleep(time.Second)
		}
	}()
	buf := make([]byte, 100<<10)
	for ctx.Err() == nil {
		c.SetReadDeadline(time.Now().Add(time.Second))
		_, err := c.Read(buf)
		var late net.Error
		if err != nil && !(errors.As(err, &late) && late.Timeout()) && ctx.Err() == nil {
			return fmt.Errorf("a client that read its dump steadily was dropped: %w", err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

var (
	tornLine        = strings.Repeat("x", 65_500)
	longInspections = strings.Repeat("i "+strings.Repeat("n", 60_000)+"\n", 2)
	manyInspections = strings.Repeat("i job\n", 2_000)
)

// end closes the kept connections.
func end(ctx context.Context, t *Target) error {
	t.drop()
	time.Sleep(time.Second)
	return nil
}

// beside does two steps at the same time.
func beside(first, second step) step {
	return func(ctx context.Context, t *Target) error {
		other := make(chan error, 1)
		go func() { other <- second(ctx, t) }()
		err := first(ctx, t)
		return errors.Join(err, <-other)
	}
}

// paced makes many clients send a command, wait for the reply, and pause.
func paced(n int, d time.Duration) step {
	return func(ctx context.Context, t *Target) error {
		return t.clients(ctx, t.scaled(n), d, func(ctx context.Context, c net.Conn, _ int) {
			for ctx.Err() == nil && send(c, []byte("i job\n"), 1) == nil {
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}

// askLoopWeb makes many WebSockets send a message again and again, and read.
func askLoopWeb(n int, d time.Duration, text string) step {
	return func(ctx context.Context, t *Target) error {
		ctx, cancel := context.WithTimeout(ctx, d)
		defer cancel()
		var all sync.WaitGroup
		defer all.Wait()
		for range t.scaled(n) {
			c, err := transport.DialWebSocket(ctx, "ws://"+t.Web+"/", "")
			if err != nil {
				if ctx.Err() != nil {
					return nil // the server was busy enough
				}
				return err
			}
			all.Go(func() {
				for c.Write(ctx, websocket.MessageText, []byte(text)) == nil {
				}
			})
			all.Go(func() {
				defer c.CloseNow()
				for {
					_, r, err := c.Reader(ctx)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, r); err != nil {
						return
					}
				}
			})
		}
		<-ctx.Done()
		return nil
	}
}

// unserved opens n connections that send nothing, or HTTP, and wait.
func unserved(n int) step {
	return func(ctx context.Context, t *Target) error {
		return t.clients(ctx, t.scaled(n), 2*time.Second, func(_ context.Context, c net.Conn, i int) {
			if i%2 == 0 {
				io.WriteString(c, "GET / HTTP/1.1\r\n")
			}
		})
	}
}

// tornHandshakes opens n connections to the HTTP port that send half a request, or
// nothing.
func tornHandshakes(n int) step {
	return func(ctx context.Context, t *Target) error {
		var conns []net.Conn
		defer func() {
			for _, c := range conns {
				c.Close()
			}
		}()
		for i := range t.scaled(n) {
			c, err := net.DialTimeout("tcp", t.Web, time.Second)
			if err != nil {
				break // as many as the server accepts
			}
			conns = append(conns, c)
			if i%2 == 0 {
				io.WriteString(c, "GET / HTTP/1.1\r\nHost: ")
			}
		}
		time.Sleep(2 * time.Second)
		return nil
	}
}
