package server

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"syscall"
	"testing"

	"lockd/server/core"
	"lockd/wire"
)

// TestOneWrite checks REPLY-5: the replies to what arrived together leave in
// one write, so that a client that reads once gets them all.
func TestOneWrite(t *testing.T) {
	writes := 0
	client, server := net.Pipe()
	s := New(Config{})
	x := newSession(s, countWrites{server, &writes})
	s.begin(x)
	x.open()
	done := make(chan struct{})
	go func() { x.serve(); close(done) }()
	go io.WriteString(client, strings.Repeat("g job\nsg pool\nq\n", 16))
	buf := make([]byte, 64<<10)
	n, err := client.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(buf[:n], []byte("shared_orphans: 0\n")); got != 16 {
		t.Errorf("the first read has %d replies to q, not 16", got)
	}
	client.Close()
	<-done
	if writes != 1 {
		t.Errorf("%d writes", writes)
	}
}

type countWrites struct {
	net.Conn
	writes *int
}

func (c countWrites) Write(p []byte) (int, error) { *c.writes++; return c.Conn.Write(p) }

// TestGarbage sends random bytes to the server, resets connections in the middle, and
// checks that another client keeps its lock (BAD-6).
func TestGarbage(t *testing.T) { onDrivers(t, testGarbage) }

func testGarbage(t *testing.T) {
	s, addr := start(t, Config{Core: core.Config{MaxLine: 100}})
	bystander := connect(t, addr)
	ask(t, bystander, "g mine\n", "1 Lock Get Success: mine\n")
	const alphabet = "grisq \r\n\x00\xffmine"
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		c := connect(t, addr)
		noise := make([]byte, r.IntN(2000))
		for i := range noise {
			noise[i] = alphabet[r.IntN(len(alphabet))]
		}
		c.Write(noise)
		if r.IntN(2) == 0 {
			c.(*net.TCPConn).SetLinger(0) // a reset
		}
		c.Close()
	}
	// Connections are admitted in order: once the last is, all have been.
	ask(t, connect(t, addr), "i mine\n", "1 Lock Is Locked: mine\n")
	waitUntil(t, "the connections to end", func() bool { n, _ := s.Held(); return n == 2 })
	ask(t, bystander, "r mine\n", "1 Lock Release Success: mine\n")
	if _, locks := s.Held(); locks != 0 {
		t.Errorf("%d locks are left", locks)
	}
}

// TestSnapshots checks END-7, STATS-8 and DUMP-8 on sockets: the locks of a
// connection that ends are released together.
func TestSnapshots(t *testing.T) { onDrivers(t, testSnapshots) }

func testSnapshots(t *testing.T) {
	_, addr := start(t, Config{Core: core.Config{Dump: true}})
	observer := connect(t, addr)
	replies := wire.NewReplyReader(observer, 0)
	for range 200 {
		c := connect(t, addr)
		ask(t, c, "g a\ng b\ng c\n", "1 Lock Get Success: a\n1 Lock Get Success: b\n1 Lock Get Success: c\n")
		c.(*net.TCPConn).SetLinger(0)
		go c.Close()
		for held := 3; held > 0; {
			io.WriteString(observer, "dump\n")
			line, err := replies.Line()
			if err != nil {
				t.Fatal(err)
			}
			if held = bytes.Count(line, []byte("127.0.0.1")); held != 0 && held != 3 {
				t.Fatalf("a dump shows %q", line)
			}
		}
	}
}

// TestAcceptErrors checks that serving continues after failed accepts, whatever the
// reason, and that they do not fill the log.
func TestAcceptErrors(t *testing.T) {
	t.Parallel()
	for _, web := range []bool{false, true} {
		inner, err := ListenTCP("127.0.0.1", 0, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		log := new(lines)
		s := New(Config{Logger: slog.New(slog.NewTextHandler(log, nil))})
		serve, dial := s.Serve, func(addr string) (wireConn, error) { return dialStream("tcp", addr) }
		if web {
			serve, dial = s.ServeWebSocket, dialWebSocket
		}
		done := make(chan error, 1)
		go func() {
			done <- serve(&failingListener{inner, []error{syscall.EMFILE, syscall.ENOMEM, syscall.ENETDOWN, syscall.EPROTO, io.ErrUnexpectedEOF}})
		}()
		c, err := dial(inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.write([]byte("g job\n")); err != nil {
			t.Fatal(err)
		}
		want := "1 Lock Get Success: job\n"
		if got, err := c.read(len(want)); err != nil || string(got) != want {
			t.Errorf("got %q, %v", got, err)
		}
		c.close()
		s.Close()
		if err := <-done; !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
		if n := log.count("cannot accept"); n != 1 {
			t.Errorf("logged %d times: %s", n, log.text.String())
		}
	}
}

// failingListener returns some errors before it accepts.
type failingListener struct {
	net.Listener
	failures []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.failures) > 0 {
		err := l.failures[0]
		l.failures = l.failures[1:]
		return nil, &net.OpError{Op: "accept", Err: err}
	}
	return l.Listener.Accept()
}
