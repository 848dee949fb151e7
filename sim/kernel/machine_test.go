package kernel

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockd/server/core"
	"lockd/server/loop"
)

var somebody = core.Peer{Addr: "10.0.0.1:1"}

// dial connects a client and accepts it.
func dial(t *testing.T, p loop.Kernel, m *Machine, listener loop.FD) (*End, loop.FD) {
	t.Helper()
	e, ok := m.Dial(listener, somebody)
	if !ok {
		t.Fatal("Dial: no listener")
	}
	fd, peer, errno := p.Accept(listener)
	if errno != 0 || e.FD() != fd {
		t.Fatalf("Accept: %d, %v, %v; the client says %d", fd, peer, errno, e.FD())
	}
	return e, fd
}

func TestMisuse(t *testing.T) {
	for _, c := range []struct {
		want   string
		misuse func(p, other *Poller, listener, fd loop.FD) syscall.Errno
		errno  syscall.Errno
	}{
		{"Read of a closed descriptor: descriptor 9", func(p, _ *Poller, _, _ loop.FD) syscall.Errno {
			_, errno := p.Read(9, make([]byte, 1))
			return errno
		}, syscall.EBADF},
		{"Write of a closed descriptor: descriptor 9", func(p, _ *Poller, _, _ loop.FD) syscall.Errno {
			_, errno := p.Write(9, make([]byte, 1))
			return errno
		}, syscall.EBADF},
		{"CloseWrite of a closed descriptor: descriptor -1", func(p, _ *Poller, _, _ loop.FD) syscall.Errno {
			return p.CloseWrite(-1)
		}, syscall.EBADF},
		{"Watch of a closed descriptor: descriptor 9", func(p, _ *Poller, _, _ loop.FD) syscall.Errno {
			return p.Watch(9, loop.Readable, 1)
		}, syscall.EBADF},
		{"Unwatch of a closed descriptor: descriptor 9", func(p, _ *Poller, _, _ loop.FD) syscall.Errno {
			p.Unwatch(9)
			return 0
		}, 0},
		{"Close of a closed descriptor: descriptor 4", func(p, _ *Poller, _, fd loop.FD) syscall.Errno {
			p.Close(fd)
			p.Close(fd)
			return 0
		}, 0},
		{"Close of a descriptor that another Poller watches: descriptor 4", func(p, other *Poller, _, fd loop.FD) syscall.Errno {
			other.Watch(fd, 0, 1)
			p.Close(fd)
			return 0
		}, 0},
		{"Accept on something that is not a listener: descriptor 9", func(p, _ *Poller, _, _ loop.FD) syscall.Errno {
			_, _, errno := p.Accept(9)
			return errno
		}, syscall.EBADF},
		{"Accept on something that is not a listener: descriptor 4", func(p, _ *Poller, _, fd loop.FD) syscall.Errno {
			_, _, errno := p.Accept(fd)
			return errno
		}, syscall.EINVAL},
		{"Read of a listener: descriptor 3", func(p, _ *Poller, listener, _ loop.FD) syscall.Errno {
			_, errno := p.Read(listener, make([]byte, 1))
			return errno
		}, syscall.ENOTCONN},
		{"Wait for no events: descriptor -1", func(p, _ *Poller, _, _ loop.FD) syscall.Errno {
			p.Wait(nil, 0)
			return 0
		}, 0},
	} {
		m := New(Options{})
		p, other := m.Poller(), m.Poller()
		listener := m.Listen("tcp")
		_, fd := dial(t, p, m, listener)
		if err := m.Misuse(); err != nil {
			t.Fatal(err)
		}
		errno := c.misuse(p, other, listener, fd)
		if err := m.Misuse(); err == nil || err.Error() != c.want || errno != c.errno {
			t.Errorf("%v, %v, want %s, %v", err, errno, c.want, c.errno)
		}
		p.Read(99, nil)
		if err := m.Misuse(); strings.Contains(err.Error(), "99") {
			t.Errorf("not the first misuse: %v", err)
		}
	}
}

// TestDescriptors checks that the table assigns the lowest number, and lists open
// descriptors.
func TestDescriptors(t *testing.T) {
	m := New(Options{Backlog: 2})
	p := m.Poller()
	listener := m.Listen("unix")
	_, a := dial(t, p, m, listener)
	e, b := dial(t, p, m, listener)
	p.Close(a)
	_, again := dial(t, p, m, listener)
	if want := []loop.FD{3, 4, 5}; !slices.Equal(m.Descriptors(), want) || again != a || b != 5 {
		t.Errorf("descriptors %v, want %v", m.Descriptors(), want)
	}
	e.Write([]byte("abc"))
	if m.Unread(b) != 3 || e.Unread() != 3 {
		t.Errorf("unread: %d, %d, want 3", m.Unread(b), e.Unread())
	}
	p.CloseWrite(b)
	if !e.ServerEnded() || e.ServerClosed() {
		t.Error("the server has ended its stream, and not closed")
	}
	p.Close(b)
	if !e.ServerClosed() || e.FD() != -1 || m.Open(b) {
		t.Error("the server has closed the connection")
	}
	for range 2 {
		if _, ok := m.Dial(listener, somebody); !ok {
			t.Error("the queue is not full")
		}
	}
	if _, ok := m.Dial(listener, somebody); ok || m.Queued(listener) != 2 {
		t.Error("the queue is full")
	}
	if m.Misuse() != nil {
		t.Error(m.Misuse())
	}
}

// TestFairness checks that each of many ready descriptors is reported in turn, in the
// order of their numbers.
func TestFairness(t *testing.T) {
	m := New(Options{})
	p := m.Poller()
	listener := m.Listen("tcp")
	for i := range 5 {
		e, fd := dial(t, p, m, listener)
		p.Watch(fd, loop.Readable, uint64(i))
		e.Write([]byte("x"))
	}
	var got []uint64
	events := make([]loop.Event, 2)
	for range 5 {
		for _, e := range events[:p.Wait(events, core.Never)] {
			got = append(got, e.Token)
		}
	}
	if diff := cmp.Diff([]uint64{0, 1, 2, 3, 4, 0, 1, 2, 3, 4}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWakeAndTime(t *testing.T) {
	m := New(Options{Start: 7})
	p := m.Poller()
	events := make([]loop.Event, 1)
	if p.HasWork() || p.Wait(events, 50) != 0 || p.Until() != 50 {
		t.Error("there is work already")
	}
	p.Wake()
	p.Wake()
	if !p.HasWork() || p.Wait(events, 60) != 0 || p.HasWork() {
		t.Error("Wake is remembered until the next Wait")
	}
	m.Advance(3)
	if m.Now() != 10 || p.Now() != 10 {
		t.Errorf("it is %d, want 10", p.Now())
	}
}

// TestPollers checks that two Pollers may watch the same listener, and that closing it
// ends the reports of both.
func TestPollers(t *testing.T) {
	m := New(Options{})
	a, b := m.Poller(), m.Poller()
	listener := m.Listen("tcp")
	a.Watch(listener, loop.Readable, 1)
	b.Watch(listener, 0, 2)
	m.Dial(listener, somebody)
	if !a.HasWork() || b.HasWork() {
		t.Error("only one wants it")
	}
	b.Watch(listener, loop.Readable, 2)
	events := make([]loop.Event, 2)
	if n := b.Wait(events, 0); n != 1 || events[0] != (loop.Event{Token: 2, Ready: loop.Readable}) {
		t.Errorf("events %v", events[:n])
	}
	b.Unwatch(listener)
	a.Close(listener)
	if _, on := a.Watching(listener); on || a.HasWork() || m.Misuse() != nil {
		t.Error("closed, and watched", m.Misuse())
	}
}

// TestBuffers checks small buffers: data without room waits, in order, and the end of the
// stream after it.
func TestBuffers(t *testing.T) {
	m := New(Options{Buffers: Buffers{ServerReceive: 3, ClientSend: 4}})
	p := m.Poller()
	e, fd := dial(t, p, m, m.Listen("tcp"))
	n, _ := e.Write([]byte("0123456789"))
	_, errno := e.Write([]byte("x"))
	if n != 7 || errno != syscall.EAGAIN || m.Unread(fd) != 3 || e.Unsent() != 4 || e.Poll() != 0 {
		t.Errorf("wrote %d, then %v; %d there, %d here", n, errno, m.Unread(fd), e.Unsent())
	}
	e.Close()
	var got []byte
	buffer := make([]byte, 2)
	for {
		n, errno := p.Read(fd, buffer)
		if errno != 0 {
			t.Fatal(errno)
		}
		if n == 0 {
			break
		}
		got = append(got, buffer[:n]...)
	}
	if string(got) != "0123456" {
		t.Errorf("read %q", got)
	}
}

func BenchmarkCalls(b *testing.B) {
	m := New(Options{})
	p := m.Poller()
	listener := m.Listen("tcp")
	e, _ := m.Dial(listener, somebody)
	fd, _, _ := p.Accept(listener)
	p.Watch(fd, loop.Readable, 1)
	line, buffer, events := make([]byte, 32), make([]byte, 1024), make([]loop.Event, 8)
	b.ReportAllocs()
	for b.Loop() {
		e.Write(line)
		p.Wait(events, 0)
		p.Read(fd, buffer)
		p.Write(fd, line)
		e.Read(buffer)
	}
}
