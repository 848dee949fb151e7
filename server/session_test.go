package server

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"lockd/server/life"
)

// counted is a connection that counts the reads that may wait.
type counted struct {
	*net.TCPConn
	reads int
}

func (c *counted) Read(p []byte) (int, error) {
	c.reads++
	return c.TCPConn.Read(p)
}

// TestLateRead checks that a server that was too busy to read in time reads what is
// there before it drops a client, whether look is supported or not. With look it waits
// for no more: a client that keeps sending commands would keep it from stopping.
func TestLateRead(t *testing.T) {
	t.Run("socket", func(t *testing.T) {
		var c *counted
		reads := testLateRead(t, func(conn net.Conn) net.Conn {
			c = &counted{TCPConn: conn.(*net.TCPConn)}
			return c
		})
		if runtime.GOOS != "windows" && c.reads != reads {
			t.Errorf("%d of %d reads waited for the socket", c.reads, reads)
		}
	})
	t.Run("other", func(t *testing.T) {
		testLateRead(t, func(conn net.Conn) net.Conn { return struct{ net.Conn }{conn} })
	})
}

// testLateRead returns how often the session has read.
func testLateRead(t *testing.T, wrap func(net.Conn) net.Conn) (reads int) {
	s := New(Config{IdleTimeout: 20 * time.Millisecond})
	defer s.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client := connect(t, l.Addr().String())
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	x := newSession(s, wrap(conn))
	x.open()
	x.life.Heard(s.clock.now(), 0)
	io.WriteString(client, "g x\n")
	time.Sleep(50 * time.Millisecond) // too busy
	x.read(life.Read)
	reads++
	if got := string(x.input); got != "g x\n" {
		t.Fatalf("%q is read, and the connection has %v", got, x.life.End())
	}
	x.execute()
	x.flush()
	for x.life.Step() == life.Read && reads < 10 {
		x.read(life.Read)
		reads++
	}
	if x.life.End() != life.TimedOut {
		t.Errorf("the connection of a silent client is %v", x.life.End())
	}
	x.release()
	return reads
}

// stuck is a connection whose Close takes long, as it does while the goroutine of the
// connection is busy.
type stuck struct {
	net.Conn
	closing chan struct{}
}

func (c stuck) Close() error {
	<-c.closing
	return c.Conn.Close()
}

// TestDropDoesNotWait checks that dropping sessions releases their locks at once, and
// does not wait for their sockets to close.
func TestDropDoesNotWait(t *testing.T) {
	s := New(Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	closing := make(chan struct{})
	var all []*session
	for _, name := range []string{"a", "b", "c"} {
		client := connect(t, l.Addr().String())
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		x := newSession(s, stuck{conn, closing})
		s.begin(x)
		x.open()
		go x.serve()
		ask(t, client, "g "+name+"\n", "1 Lock Get Success: "+name+"\n")
		all = append(all, x)
	}
	dropped := make(chan struct{})
	go func() {
		s.drop(all)
		close(dropped)
	}()
	select {
	case <-dropped:
	case <-time.After(patience):
		t.Error("dropping waits for a socket")
	}
	if conns, locks := s.Held(); conns+locks > 0 {
		t.Errorf("%d connections and %d locks are left", conns, locks)
	}
	close(closing)
	s.Close()
}
