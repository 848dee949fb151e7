package fuzz

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"lockd/fuzz/schedule"
	"lockd/server"
	"lockd/sim/judge"
)

// FuzzConn plays a schedule against the production connection code, Server.Serve and
// all that it calls, over connections in memory. The connections follow one another.
// Each sends its bytes in the pieces of the schedule and ends as the schedule says, by
// a half-close or a reset. Every reply byte is compared with the model. The next
// connection begins when the server has closed the one before, whose locks must be free
// then (END-4, END-5).
func FuzzConn(f *testing.F) {
	for _, seed := range coreSeeds {
		f.Add([]byte(seed))
	}
	f.Add([]byte("0g a\ng b\xf6\nsg c\xf4g a\nsi c\nq\n\xf5g a\ni b\ntorn"))
	f.Add(append([]byte("0iam "), append(bytes.Repeat([]byte("x"), 3000), []byte("\nme\nme\nme\n\xf4q\n")...)...))
	f.Fuzz(func(t *testing.T, coded []byte) {
		if len(coded) == 0 {
			return
		}
		config := schedule.Config(coded[0])
		config.LastToken = 1 << 62 // from which tokens count on, although the clocks differ
		s := server.New(server.Config{Core: config})
		l := &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
		served := make(chan error, 1)
		go func() { served <- s.Serve(l) }()
		model := judge.Model(config)
		granted := false
		for _, script := range scripts(coded[1:]) {
			id, ok := model.Open("h:0")
			var want []byte
			if ok {
				for _, piece := range script.pieces {
					replies, _ := model.Receive(id, piece)
					want = append(want, replies...)
				}
				model.Close(id)
			}
			l.conns <- script
			<-script.closed
			if got := script.written.Bytes(); !bytes.Equal(got, want) {
				t.Fatalf("%q is answered %q, want %q", script.pieces, got, want)
			}
			granted = granted || bytes.HasPrefix(want, []byte("1 "))
		}
		s.Close()
		if err := <-served; !errors.Is(err, server.ErrClosed) {
			t.Fatal(err)
		}
		if conns, locks := s.Held(); conns+locks > 0 {
			t.Fatalf("%d connections and %d locks are left", conns, locks)
		}
		reached(f, granted)
	})
}

// scripts divides a schedule into connections: CloseConn ends one with a half-close,
// EndMessage with a reset; the other steps end a packet.
func scripts(coded []byte) []*scriptedConn {
	current := newScriptedConn()
	all := []*scriptedConn{current}
	for s := range schedule.Steps(coded) {
		switch {
		case len(s.Data) > 0:
			current.pieces = append(current.pieces, s.Data)
		case s.What == schedule.CloseConn || s.What == schedule.EndMessage:
			if s.What == schedule.EndMessage {
				current.end = errReset
			}
			current = newScriptedConn()
			all = append(all, current)
		}
		if len(all) == 50 {
			break
		}
	}
	return all
}

var errReset = errors.New("connection reset by peer")

// scriptedConn is the server's side of a connection whose client sends pieces and then
// ends it.
type scriptedConn struct {
	pieces  [][]byte
	next    int // index of the next piece
	offset  int // in the next piece
	end     error
	written bytes.Buffer
	once    sync.Once
	closed  chan struct{}
}

func newScriptedConn() *scriptedConn {
	return &scriptedConn{end: io.EOF, closed: make(chan struct{})}
}

func (c *scriptedConn) Read(p []byte) (int, error) {
	if c.next == len(c.pieces) {
		return 0, c.end
	}
	piece := c.pieces[c.next][c.offset:]
	n := copy(p, piece)
	if c.offset += n; n == len(piece) {
		c.next, c.offset = c.next+1, 0
	}
	return n, nil
}

func (c *scriptedConn) Write(p []byte) (int, error)      { return c.written.Write(p) }
func (c *scriptedConn) Close() error                     { c.once.Do(func() { close(c.closed) }); return nil }
func (c *scriptedConn) CloseWrite() error                { return nil }
func (c *scriptedConn) LocalAddr() net.Addr              { return address("h:1") }
func (c *scriptedConn) RemoteAddr() net.Addr             { return address("h:0") }
func (c *scriptedConn) SetDeadline(time.Time) error      { return nil }
func (c *scriptedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *scriptedConn) SetWriteDeadline(time.Time) error { return nil }

type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }

// memoryListener accepts the connections that are sent to conns.
type memoryListener struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *memoryListener) Addr() net.Addr { return address("h:1") }
