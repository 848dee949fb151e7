package kernel

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"lockd/server/core"
	"lockd/server/loop"
)

// faultyMachine is a Machine with watched connections, and a Faulty on which some faults
// occur whenever they can.
type faultyMachine struct {
	*Machine
	*Faulty
	listener loop.FD
	ends     []*End
	fds      []loop.FD
}

func newFaulty(t *testing.T, connections, patience int, strike ...Fault) *faultyMachine {
	m := New(Options{})
	p := m.Poller()
	f := &faultyMachine{Machine: m, Faulty: NewFaulty(p, Rates{}, patience), listener: m.Listen("tcp")}
	for i := range connections {
		e, fd := dial(t, p, m, f.listener)
		p.Watch(fd, loop.Readable, uint64(i))
		f.ends, f.fds = append(f.ends, e), append(f.fds, fd)
	}
	var rates Rates
	for _, fault := range strike {
		rates[fault] = 100
	}
	f.SetRates(rates)
	f.SetRandom(rand.New(rand.NewPCG(1, 2)).IntN)
	return f
}

// struck checks how often the fault occurred.
func (f *faultyMachine) struck(t *testing.T, fault Fault, want int) {
	t.Helper()
	var counts Counts
	counts[fault] = want
	if f.Counts() != counts {
		t.Errorf("%v occurred %v, want %d times", fault, f.Counts(), want)
	}
	if err := f.Misuse(); err != nil {
		t.Error(err)
	}
}

func (f *faultyMachine) wait(room int) []loop.Event {
	events := make([]loop.Event, room)
	return events[:f.Wait(events, core.Never)]
}

func TestShortTransfers(t *testing.T) {
	f := newFaulty(t, 1, 1, ShortRead, ShortWrite)
	text := bytes.Repeat([]byte("abcdefghij"), 10)
	f.ends[0].Write(text)
	var got []byte
	buffer := make([]byte, 100)
	for len(got) < len(text) {
		left := len(text) - len(got)
		n, errno := f.Read(f.fds[0], buffer)
		if errno != 0 || n == 0 || n >= left && left > 1 {
			t.Fatalf("read %d, %v of %d", n, errno, left)
		}
		got = append(got, buffer[:n]...)
	}
	if !bytes.Equal(got, text) {
		t.Errorf("read %q", got)
	}
	n, errno := f.Write(f.fds[0], text)
	if errno != 0 || n == 0 || n >= len(text) || f.ends[0].Buffered() != n {
		t.Errorf("wrote %d, %v of %d", n, errno, len(text))
	}
	if f.Counts()[ShortRead] == 0 || f.Counts()[ShortWrite] != 1 {
		t.Errorf("struck %v", f.Counts())
	}
}

// TestAgain checks that EAGAIN is returned as often as patience permits, only if there
// was something to do, and that the descriptor stays ready.
func TestAgain(t *testing.T) {
	f := newFaulty(t, 1, 3, ReadAgain)
	buffer := make([]byte, 10)
	if _, errno := f.Read(f.fds[0], buffer); errno != syscall.EAGAIN {
		t.Errorf("read %v of nothing", errno)
	}
	f.struck(t, ReadAgain, 0)
	f.ends[0].Write([]byte("ab"))
	for range 3 {
		if _, errno := f.Read(f.fds[0], buffer); errno != syscall.EAGAIN || len(f.wait(1)) != 1 {
			t.Errorf("read %v", errno)
		}
	}
	if n, errno := f.Read(f.fds[0], buffer); n != 2 || errno != 0 {
		t.Errorf("read %d, %v", n, errno)
	}
	f.struck(t, ReadAgain, 3)

	f = newFaulty(t, 1, 2, WriteAgain)
	for range 2 {
		if _, errno := f.Write(f.fds[0], buffer); errno != syscall.EAGAIN {
			t.Errorf("wrote %v", errno)
		}
	}
	if n, errno := f.Write(f.fds[0], buffer); n != 10 || errno != 0 {
		t.Errorf("wrote %d, %v", n, errno)
	}
	f.CloseWrite(f.fds[0])
	if _, errno := f.Write(f.fds[0], buffer); errno != syscall.EPIPE {
		t.Errorf("wrote %v after the end", errno)
	}
	f.struck(t, WriteAgain, 2)
}

// TestInterrupted checks that the Wait after an interrupted one reports the Wake.
func TestInterrupted(t *testing.T) {
	f := newFaulty(t, 1, 2, Interrupted)
	f.wait(1)
	f.struck(t, Interrupted, 0)
	f.Wake()
	f.ends[0].Write([]byte("x"))
	for range 2 {
		if len(f.wait(1)) != 0 || !f.woken || f.Until() != core.Never {
			t.Error("not interrupted")
		}
	}
	if len(f.wait(1)) != 1 || f.woken {
		t.Error("interrupted for ever")
	}
	f.struck(t, Interrupted, 2)
}

func TestSpurious(t *testing.T) {
	f := newFaulty(t, 2, 1, Spurious)
	events := f.wait(4)
	if len(events) != 1 || events[0].Ready != loop.Readable {
		t.Errorf("events %v", events)
	}
	f.ends[0].Write([]byte("x"))
	f.ends[1].Write([]byte("x"))
	f.wait(4) // nothing that was not wanted is reported
	f.struck(t, Spurious, 1)
	f.Watch(f.fds[0], loop.Writable|loop.Readable, 0)
	f.Watch(f.fds[1], 0, 1)
	f.Read(f.fds[0], make([]byte, 1))
	if events := f.wait(4); !slices.Equal(events, []loop.Event{{Token: 0, Ready: loop.Readable | loop.Writable}}) {
		t.Errorf("events %v", events)
	}
	f.struck(t, Spurious, 2)
	f.Unwatch(f.fds[0])
	if events := f.wait(4); len(events) != 0 {
		t.Errorf("unwanted events %v", events)
	}
}

func TestLate(t *testing.T) {
	f := newFaulty(t, 3, 4, Late)
	for _, e := range f.ends {
		e.Write([]byte("x"))
	}
	for range 4 {
		if events := f.wait(4); len(events) != 0 || !f.HasWork() {
			t.Errorf("events %v", events)
		}
	}
	if events := f.wait(4); len(events) != 3 {
		t.Errorf("late for ever: %v", events)
	}
	f.struck(t, Late, 12)
}

// TestFew checks that all descriptors are reported in turn, though few at a time.
func TestFew(t *testing.T) {
	f := newFaulty(t, 5, 1, Few)
	for _, e := range f.ends {
		e.Write([]byte("x"))
	}
	waits, next := 0, uint64(0)
	for ; waits < 10; waits++ {
		events := f.wait(8)
		if len(events) == 0 || len(events) == 5 {
			t.Errorf("%d events", len(events))
		}
		for _, e := range events {
			if e.Token != next%5 {
				t.Errorf("token %d, want %d", e.Token, next%5)
			}
			next++
		}
	}
	f.struck(t, Few, waits)
}

func TestReordered(t *testing.T) {
	f := newFaulty(t, 3, 1, Reordered)
	for _, e := range f.ends {
		e.Write([]byte("x"))
	}
	events := f.wait(8)
	var tokens []uint64
	for _, e := range events {
		tokens = append(tokens, e.Token)
	}
	if slices.IsSorted(tokens) {
		t.Errorf("tokens %v", tokens)
	}
	slices.Sort(tokens)
	if !slices.Equal(tokens, []uint64{0, 1, 2}) {
		t.Errorf("tokens %v", tokens)
	}
	f.struck(t, Reordered, 1)
}

// TestAcceptErrors checks that a connection is accepted after failed accepts.
func TestAcceptErrors(t *testing.T) {
	for fault, want := range map[Fault]syscall.Errno{
		AcceptEMFILE: syscall.EMFILE, AcceptENFILE: syscall.ENFILE,
		AcceptENOBUFS: syscall.ENOBUFS, AcceptEINTR: syscall.EINTR,
	} {
		f := newFaulty(t, 0, 2, fault)
		f.Watch(f.listener, loop.Readable, 9)
		if _, _, errno := f.Accept(f.listener); errno != syscall.EAGAIN {
			t.Errorf("%v: %v from an empty queue", fault, errno)
		}
		e, _ := f.Dial(f.listener, somebody)
		for range 2 {
			if _, _, errno := f.Accept(f.listener); errno != want || len(f.wait(1)) != 1 {
				t.Errorf("%v: %v", fault, errno)
			}
		}
		fd, peer, errno := f.Accept(f.listener)
		if errno != 0 || peer != somebody || e.FD() != fd {
			t.Errorf("%v: %d, %v, %v in the end", fault, fd, peer, errno)
		}
		f.struck(t, fault, 2)
	}
}

func TestAcceptAborted(t *testing.T) {
	f := newFaulty(t, 0, 1, AcceptECONNABORTED)
	e, _ := f.Dial(f.listener, somebody)
	if _, _, errno := f.Accept(f.listener); errno != syscall.ECONNABORTED || f.Queued(f.listener) != 0 {
		t.Errorf("Accept: %v", errno)
	}
	if _, errno := e.Read(make([]byte, 1)); errno != syscall.ECONNRESET || !e.ServerClosed() {
		t.Errorf("the client reads %v", errno)
	}
	f.struck(t, AcceptECONNABORTED, 1)
}

func TestWatchFails(t *testing.T) {
	f := newFaulty(t, 1, 1, WatchENOMEM)
	if errno := f.Watch(f.fds[0], loop.Writable, 5); errno != syscall.ENOMEM {
		t.Errorf("Watch: %v", errno)
	}
	if want, on := f.Watching(f.fds[0]); want != loop.Readable || !on {
		t.Errorf("watched for %d, %v", want, on)
	}
	f.Watch(f.fds[0], loop.Writable, 5)
	if want, _ := f.Watching(f.fds[0]); want != loop.Writable {
		t.Errorf("watched for %d", want)
	}
	f.Watch(f.listener, loop.Readable, 6)
	if _, on := f.Watching(f.listener); on {
		t.Error("watched in spite of ENOMEM")
	}
	f.struck(t, WatchENOMEM, 2)
}
