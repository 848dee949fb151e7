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

// What attacks are made of.

type step = func(context.Context, *Target) error

// hold lets one connection hold so many locks with short names, which a command gets.
func hold(verb string, n int) step {
	return func(ctx context.Context, t *Target) error {
		c, err := t.keep()
		if err != nil {
			return err
		}
		return acquire(c, verb, t.scaled(n))
	}
}

// both does one thing and then another.
func both(first, second step) step {
	return func(ctx context.Context, t *Target) error {
		if err := first(ctx, t); err != nil {
			return err
		}
		return second(ctx, t)
	}
}

// acquire gets so many locks.
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

// holdLong lets one connection hold so many locks, exclusive and shared, whose
// names have so many bytes. They are as many in a small attack.
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

// each lets many connections say something, and waits for a line of reply.
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

// bear gives many connections one name.
func bear(name string, n int) step { return each(n, "iam "+name+"\n") }

// share lets many connections hold one shared lock.
func share(name string, n int) step { return each(n, "sg "+name+"\n") }

// pipeline sends a command many times at once, and reads all replies: the last is
// to a command behind them.
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

// crowd lets many clients do something until a time is over.
func (t *Target) crowd(ctx context.Context, n int, d time.Duration, do func(context.Context, net.Conn, int)) error {
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
		// What is not read must not fill the memory of the kernel, which on one
		// machine holds up everybody by itself.
		c.(*net.TCPConn).SetReadBuffer(64 << 10)
		all.Go(func() { do(ctx, c, i) })
	}
	<-ctx.Done()
	return nil
}

// askLoop lets many clients send lines again and again, and read: the first sends the
// first text, and so on, round and round.
func askLoop(n int, d time.Duration, texts ...string) step {
	return func(ctx context.Context, t *Target) error {
		return t.crowd(ctx, n, d, func(ctx context.Context, c net.Conn, i int) {
			go io.Copy(io.Discard, c)
			for ctx.Err() == nil {
				if _, err := io.WriteString(c, texts[i%len(texts)]); err != nil {
					return
				}
			}
		})
	}
}

// unread lets many clients send something, again and again, and never read. One
// among them asks for a dump, and reads it slowly but steadily: it must be served,
// or refused, and keep its connection.
func unread(n int, text string, d time.Duration) step {
	return func(ctx context.Context, t *Target) error {
		reader := make(chan error, 1)
		err := t.crowd(ctx, t.scaled(n)+1, d, func(ctx context.Context, c net.Conn, i int) {
			if i == 0 {
				reader <- readSteadily(ctx, c)
				return
			}
			for ctx.Err() == nil {
				if _, err := io.WriteString(c, text); err != nil {
					return
				}
				// The harm is in what waits, not in how often it is sent.
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

// end ends the connections that were kept.
func end(ctx context.Context, t *Target) error {
	t.drop()
	time.Sleep(time.Second)
	return nil
}

// beside does two things at a time.
func beside(first, second step) step {
	return func(ctx context.Context, t *Target) error {
		other := make(chan error, 1)
		go func() { other <- second(ctx, t) }()
		err := first(ctx, t)
		return errors.Join(err, <-other)
	}
}

// polite lets many clients ask, wait for the answer, and pause.
func polite(n int, d time.Duration) step {
	return func(ctx context.Context, t *Target) error {
		return t.crowd(ctx, t.scaled(n), d, func(ctx context.Context, c net.Conn, _ int) {
			for ctx.Err() == nil && send(c, []byte("i job\n"), 1) == nil {
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
}

// askLoopWeb lets many WebSockets send a message again and again, and read.
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
					return nil // it was busy enough
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

// unserved connects so many times, says nothing, or what is another protocol, and
// waits.
func unserved(n int) step {
	return func(ctx context.Context, t *Target) error {
		return t.crowd(ctx, t.scaled(n), 2*time.Second, func(_ context.Context, c net.Conn, i int) {
			if i%2 == 0 {
				io.WriteString(c, "GET / HTTP/1.1\r\n")
			}
		})
	}
}

// tornHandshakes connects to the HTTP port and says half a request, or nothing.
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
				break // as many as it takes
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
