package kernel

import (
	"syscall"

	"lockd/server/core"
	"lockd/server/loop"
)

// Poller is one epoll instance, for one loop: a loop.Kernel without faults.
type Poller struct {
	m       *Machine
	watches []watch // by descriptor
	last    int     // the descriptor that was reported last
	batch   []loop.FD
	woken   bool
	until   core.Time
}

type watch struct {
	on    bool
	want  loop.Ready
	token uint64
}

// always is reported regardless of what is watched for.
const always = loop.Hangup | loop.Error

var _ loop.Kernel = (*Poller)(nil)

// Poller makes an epoll instance that watches nothing.
func (m *Machine) Poller() *Poller {
	p := &Poller{m: m}
	m.pollers = append(m.pollers, p)
	return p
}

// Now implements loop.Kernel.
func (p *Poller) Now() core.Time { return p.m.now }

// Wait implements loop.Kernel, except that it never waits: see Until. If more
// descriptors are ready than events has room for, the next Wait continues after the last
// one.
func (p *Poller) Wait(events []loop.Event, until core.Time) int {
	p.until, p.woken = until, false
	if len(events) == 0 {
		p.m.accuse("Wait for no events", -1)
	}
	return p.collect(events, nil)
}

// Until returns the time until which the last Wait would have waited.
func (p *Poller) Until() core.Time { return p.until }

// HasWork reports whether Wait would return now, because something is ready or Wake was
// called.
func (p *Poller) HasWork() bool {
	if p.woken {
		return true
	}
	for fd := range p.watches {
		if p.ready(fd) != 0 {
			return true
		}
	}
	return false
}

// Wake implements loop.Kernel.
func (p *Poller) Wake() { p.woken = true }

// ready returns what Wait reports about a descriptor, 0 for nothing.
func (p *Poller) ready(fd int) loop.Ready {
	w := &p.watches[fd]
	if !w.on {
		return 0
	}
	return p.m.files[fd].poll() & (w.want | always)
}

// countReady returns how many descriptors Wait could report.
func (p *Poller) countReady() (n int) {
	for fd := range p.watches {
		if p.ready(fd) != 0 {
			n++
		}
	}
	return n
}

// collect fills in events, without descriptors that are late, and batch with their
// descriptors.
func (p *Poller) collect(events []loop.Event, late func(fd int) bool) int {
	p.batch = p.batch[:0]
	fd := p.last
	for range p.watches {
		if len(p.batch) == len(events) {
			break
		}
		if fd++; fd >= len(p.watches) {
			fd = 0
		}
		r := p.ready(fd)
		if r == 0 || late != nil && late(fd) {
			continue
		}
		events[len(p.batch)] = loop.Event{Token: p.watches[fd].token, Ready: r}
		p.batch = append(p.batch, loop.FD(fd))
		p.last = fd
	}
	return len(p.batch)
}

// Accept implements loop.Kernel.
func (p *Poller) Accept(listener loop.FD) (loop.FD, core.Peer, syscall.Errno) {
	return p.m.accept(listener)
}

// Watch implements loop.Kernel.
func (p *Poller) Watch(fd loop.FD, want loop.Ready, token uint64) syscall.Errno {
	if !p.m.Open(fd) {
		p.m.accuse("Watch of a closed descriptor", fd)
		return syscall.EBADF
	}
	for int(fd) >= len(p.watches) {
		p.watches = append(p.watches, watch{})
	}
	p.watches[fd] = watch{on: true, want: want, token: token}
	return 0
}

// Unwatch implements loop.Kernel.
func (p *Poller) Unwatch(fd loop.FD) {
	if !p.m.Open(fd) {
		p.m.accuse("Unwatch of a closed descriptor", fd)
	}
	p.forget(fd)
}

// Watching returns what a descriptor is watched for, and whether it is.
func (p *Poller) Watching(fd loop.FD) (loop.Ready, bool) {
	if uint(fd) >= uint(len(p.watches)) {
		return 0, false
	}
	return p.watches[fd].want, p.watches[fd].on
}

// forget ends the reports about a descriptor, and says whether it was watched.
func (p *Poller) forget(fd loop.FD) bool {
	_, on := p.Watching(fd)
	if on {
		p.watches[fd] = watch{}
	}
	return on
}

// Read implements loop.Kernel.
func (p *Poller) Read(fd loop.FD, b []byte) (int, syscall.Errno) {
	f := p.m.file(fd)
	if f.socket == nil {
		return 0, p.m.noStream("Read", fd, syscall.ENOTCONN, syscall.EINVAL)
	}
	return f.socket.read(b)
}

// Write implements loop.Kernel.
func (p *Poller) Write(fd loop.FD, b []byte) (int, syscall.Errno) {
	f := p.m.file(fd)
	if f.socket == nil {
		return 0, p.m.noStream("Write", fd, syscall.EPIPE, syscall.ENOTCONN)
	}
	return f.socket.write(b)
}

// CloseWrite implements loop.Kernel.
func (p *Poller) CloseWrite(fd loop.FD) syscall.Errno {
	f := p.m.file(fd)
	if f.socket == nil {
		return p.m.noStream("CloseWrite", fd, 0, 0)
	}
	return f.socket.closeWrite()
}

// Close implements loop.Kernel.
func (p *Poller) Close(fd loop.FD) { p.m.close(fd, p) }

// noStream returns the error of a stream operation on something that is not a connection:
// that of a listener on the network, or EBADF.
func (m *Machine) noStream(op string, fd loop.FD, tcp, unix syscall.Errno) syscall.Errno {
	switch l := m.file(fd).listener; {
	case l == nil:
		m.accuse(op+" of a closed descriptor", fd)
		return syscall.EBADF
	case l.tcp:
		m.accuse(op+" of a listener", fd)
		return tcp
	default:
		m.accuse(op+" of a listener", fd)
		return unix
	}
}
