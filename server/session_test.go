package server

import (
	"io"
	"net"
	"testing"
	"time"

	"lockd/server/life"
)

// TestLateRead checks that a server that was too busy to read in time reads what is
// there before it gives a client up, whether it can look at the socket or not.
func TestLateRead(t *testing.T) {
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"socket": func(c net.Conn) net.Conn { return c },
		"other":  func(c net.Conn) net.Conn { return struct{ net.Conn }{c} },
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Config{IdleTimeout: 20 * time.Millisecond})
			defer s.Close()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			client := connect(t, l.Addr().String())
			defer client.Close()
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
			if got := string(x.input); got != "g x\n" {
				t.Fatalf("%q is read, and the connection has %v", got, x.life.End())
			}
			x.execute()
			x.flush()
			for range 10 {
				if x.life.Step() == life.Read {
					x.read(life.Read)
				}
			}
			if x.life.End() != life.TimedOut {
				t.Errorf("the connection of a silent client is %v", x.life.End())
			}
			x.release()
		})
	}
}

// stuck is a connection whose socket takes long to close, as one does whose goroutine
// is busy.
type stuck struct {
	net.Conn
	closing chan struct{}
}

func (c stuck) Close() error {
	<-c.closing
	return c.Conn.Close()
}

// TestDropWaitsForNobody checks that dropping sessions releases their locks at once, and
// does not wait for their sockets, of which there may be many.
func TestDropWaitsForNobody(t *testing.T) {
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
