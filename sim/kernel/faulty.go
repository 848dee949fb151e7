package kernel

import (
	"syscall"

	"lockd/server/core"
	"lockd/server/loop"
)

// Faulty is a loop.Kernel that injects Faults into a Poller. Make one with NewFaulty.
//
// No fault that only delays something does so for ever: after patience times in a row,
// for the same descriptor, it does not occur once.
type Faulty struct {
	*Poller
	rates    Rates
	below    func(n int) int
	patience int

	counts      Counts
	delays      []delays // by descriptor
	interrupted int
	late        func(fd int) bool // isLate
}

// delays counts consecutive delays, for one descriptor.
type delays struct{ read, write, accept, watch, late int }

var _ loop.Kernel = (*Faulty)(nil)

// NewFaulty returns a Faulty around a Poller. It injects no faults until SetRandom is
// called. patience is at least 1.
func NewFaulty(p *Poller, rates Rates, patience int) *Faulty {
	f := &Faulty{Poller: p, rates: rates, patience: max(patience, 1)}
	f.late = f.isLate
	return f
}

// SetRandom sets the source of random numbers that decides on faults: below returns a
// number from 0 to n-1. With nil there are no faults.
func (f *Faulty) SetRandom(below func(n int) int) { f.below = below }

// SetRates changes the rates of the faults.
func (f *Faulty) SetRates(r Rates) { f.rates = r }

// Counts returns how often each fault has occurred.
func (f *Faulty) Counts() Counts { return f.counts }

// strikes decides whether a fault occurs where it can.
func (f *Faulty) strikes(fault Fault) bool {
	if f.below == nil || f.rates[fault] == 0 || f.below(100) >= int(f.rates[fault]) {
		return false
	}
	f.counts[fault]++
	return true
}

// delaysBy decides whether a fault occurs that delays something, and has done so the
// given times in a row.
func (f *Faulty) delaysBy(fault Fault, times *int) bool {
	if *times < f.patience && f.strikes(fault) {
		*times++
		return true
	}
	*times = 0
	return false
}

func (f *Faulty) of(fd loop.FD) *delays {
	for int(fd) >= len(f.delays) {
		f.delays = append(f.delays, delays{})
	}
	return &f.delays[fd]
}

// Wait implements loop.Kernel.
func (f *Faulty) Wait(events []loop.Event, until core.Time) int {
	if f.below == nil || len(events) == 0 {
		return f.Poller.Wait(events, until)
	}
	if f.rates[Interrupted] > 0 && f.HasWork() && f.delaysBy(Interrupted, &f.interrupted) {
		f.until = until
		return 0
	}
	room := events
	if f.rates[Few] > 0 {
		if ready := min(f.countReady(), len(events)); ready > 1 && f.strikes(Few) {
			room = events[:1+f.below(ready-1)]
		}
	}
	f.until, f.woken = until, false
	n := f.collect(room, f.late)
	n = f.addSpurious(events, n)
	if n > 1 && f.strikes(Reordered) {
		f.shuffle(events[:n])
	}
	return n
}

func (f *Faulty) isLate(fd int) bool {
	return f.delaysBy(Late, &f.of(loop.FD(fd)).late)
}

// addSpurious adds a spurious readiness to an event, or a spurious event.
func (f *Faulty) addSpurious(events []loop.Event, n int) int {
	if len(f.watches) == 0 || f.rates[Spurious] == 0 {
		return n
	}
	start := f.below(len(f.watches))
	for i := range f.watches {
		fd := (start + i) % len(f.watches)
		w := &f.watches[fd]
		if !w.on || w.want&^f.ready(fd) == 0 {
			continue
		}
		at := f.inBatch(loop.FD(fd))
		if at < 0 && n == len(events) {
			continue
		}
		if !f.strikes(Spurious) {
			return n
		}
		if at >= 0 {
			events[at].Ready |= w.want
			return n
		}
		// Its real readiness was omitted for another reason.
		events[n] = loop.Event{Token: w.token, Ready: w.want &^ f.ready(fd)}
		return n + 1
	}
	return n
}

func (f *Faulty) inBatch(fd loop.FD) int {
	for i, other := range f.batch {
		if fd == other {
			return i
		}
	}
	return -1
}

// shuffle makes sure that the order changes.
func (f *Faulty) shuffle(events []loop.Event) {
	first := events[0]
	for i := len(events) - 1; i > 0; i-- {
		j := f.below(i + 1)
		events[i], events[j] = events[j], events[i]
	}
	if events[0] == first {
		last := len(events) - 1
		events[0], events[last] = events[last], events[0]
	}
}

// Accept implements loop.Kernel.
func (f *Faulty) Accept(fd loop.FD) (loop.FD, core.Peer, syscall.Errno) {
	l := f.m.file(fd).listener
	if l == nil || len(l.queue) == 0 {
		return f.Poller.Accept(fd)
	}
	for _, c := range [...]struct {
		fault Fault
		errno syscall.Errno
	}{
		{AcceptEMFILE, syscall.EMFILE}, {AcceptENFILE, syscall.ENFILE},
		{AcceptENOBUFS, syscall.ENOBUFS}, {AcceptEINTR, syscall.EINTR},
	} {
		if times := &f.of(fd).accept; *times < f.patience && f.strikes(c.fault) {
			*times++
			return -1, core.Peer{}, c.errno
		}
	}
	f.of(fd).accept = 0
	if f.strikes(AcceptECONNABORTED) {
		l.take().abort()
		return -1, core.Peer{}, syscall.ECONNABORTED
	}
	return f.Poller.Accept(fd)
}

// Watch implements loop.Kernel.
func (f *Faulty) Watch(fd loop.FD, want loop.Ready, token uint64) syscall.Errno {
	if f.m.Open(fd) && f.delaysBy(WatchENOMEM, &f.of(fd).watch) {
		return syscall.ENOMEM
	}
	return f.Poller.Watch(fd, want, token)
}

// Read implements loop.Kernel.
func (f *Faulty) Read(fd loop.FD, p []byte) (int, syscall.Errno) {
	s := f.m.file(fd).socket
	if s == nil || f.below == nil || s.in.n == 0 {
		return f.Poller.Read(fd, p)
	}
	if f.delaysBy(ReadAgain, &f.of(fd).read) {
		return 0, syscall.EAGAIN
	}
	if n := min(len(p), s.in.n); n > 1 && f.strikes(ShortRead) {
		p = p[:1+f.below(n-1)]
	}
	return f.Poller.Read(fd, p)
}

// Write implements loop.Kernel.
func (f *Faulty) Write(fd loop.FD, p []byte) (int, syscall.Errno) {
	s := f.m.file(fd).socket
	if s == nil || f.below == nil || len(p) == 0 || !s.writable() {
		return f.Poller.Write(fd, p)
	}
	if f.delaysBy(WriteAgain, &f.of(fd).write) {
		return 0, syscall.EAGAIN
	}
	if n := min(len(p), s.room()); n > 1 && f.strikes(ShortWrite) {
		p = p[:1+f.below(n-1)]
	}
	return f.Poller.Write(fd, p)
}

// Close implements loop.Kernel.
func (f *Faulty) Close(fd loop.FD) {
	if uint(fd) < uint(len(f.delays)) {
		f.delays[fd] = delays{}
	}
	f.Poller.Close(fd)
}
