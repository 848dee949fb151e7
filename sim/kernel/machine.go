package kernel

import (
	"fmt"

	"lockd/server/core"
	"lockd/server/loop"
)

// firstFD is the lowest number in the table; lower ones are the standard streams.
const firstFD loop.FD = 3

// Machine is one process's view of an operating system: its descriptors, the
// connections behind them, and the time. Make one with New. It is not safe for
// concurrent use.
type Machine struct {
	now     core.Time
	backlog int
	buffers Buffers

	files   []file  // by descriptor
	lowest  loop.FD // no lower number is free
	pollers []*Poller
	misuse  error
}

// file is what a descriptor refers to: a listener, a socket, or nothing if it is not
// open.
type file struct {
	listener *listener
	socket   *socket
}

func (f file) open() bool { return f.listener != nil || f.socket != nil }

func (f file) poll() loop.Ready {
	if f.socket != nil {
		return f.socket.poll()
	}
	if f.listener != nil {
		return f.listener.poll()
	}
	return 0
}

// Buffers are the sizes in bytes of the buffers of a connection. The sending end fills
// the receive buffer of the other, then its own send buffer. A unix socket has only
// send buffers.
type Buffers struct {
	ServerReceive, ServerSend int
	ClientReceive, ClientSend int
}

// Options are the options of New. Zero values are the defaults.
type Options struct {
	Start   core.Time // the initial time
	Backlog int       // the size of each listener's queue
	Buffers Buffers   // of each connection
}

// The defaults.
const (
	usualStart   core.Time = 1_700_000_000 * core.Second
	usualBacklog           = 4096
	usualReceive           = 64 << 10
	usualSend              = 128 << 10
)

// New returns a Machine without open descriptors.
func New(o Options) *Machine {
	m := &Machine{now: usualStart, backlog: usualBacklog, files: make([]file, firstFD), lowest: firstFD}
	if o.Start != 0 {
		m.now = o.Start
	}
	if o.Backlog != 0 {
		m.backlog = o.Backlog
	}
	m.SetBuffers(o.Buffers)
	return m
}

// SetBuffers sets the sizes for connections that are made from now on; zero values are
// the defaults.
func (m *Machine) SetBuffers(b Buffers) {
	usual := func(size *int, is int) {
		if *size == 0 {
			*size = is
		}
	}
	usual(&b.ServerReceive, usualReceive)
	usual(&b.ServerSend, usualSend)
	usual(&b.ClientReceive, usualReceive)
	usual(&b.ClientSend, usualSend)
	m.buffers = b
}

// Now returns the time.
func (m *Machine) Now() core.Time { return m.now }

// Advance advances the time.
func (m *Machine) Advance(d core.Time) {
	if d < 0 {
		panic("kernel: time does not go back")
	}
	m.now += d
}

// Misuse returns the first call that no correct program makes, such as reading from a
// descriptor that is not open.
func (m *Machine) Misuse() error { return m.misuse }

func (m *Machine) accuse(what string, fd loop.FD) {
	if m.misuse == nil {
		m.misuse = fmt.Errorf("%s: descriptor %d", what, fd)
	}
}

// Open reports whether a descriptor is open.
func (m *Machine) Open(fd loop.FD) bool { return m.file(fd).open() }

// Descriptors returns the open descriptors, in order.
func (m *Machine) Descriptors() (fds []loop.FD) {
	for fd, f := range m.files {
		if f.open() {
			fds = append(fds, loop.FD(fd))
		}
	}
	return fds
}

// Broken says whether poll(2) would report an error.
func (m *Machine) Broken(fd loop.FD) bool { return m.file(fd).poll()&loop.Error != 0 }

// PeerEnded says whether poll(2) would report the end of the peer's stream.
func (m *Machine) PeerEnded(fd loop.FD) bool { return m.file(fd).poll()&loop.PeerEnded != 0 }

// Unread returns how many bytes a read of a descriptor would find.
func (m *Machine) Unread(fd loop.FD) int {
	if s := m.file(fd).socket; s != nil {
		return s.in.n
	}
	return 0
}

// Unsent returns how many bytes written to a descriptor still wait for room at
// the client. On a unix socket it is 0.
func (m *Machine) Unsent(fd loop.FD) int {
	if s := m.file(fd).socket; s != nil {
		return s.out.n
	}
	return 0
}

// file returns what a descriptor refers to.
func (m *Machine) file(fd loop.FD) file {
	if uint(fd) >= uint(len(m.files)) {
		return file{}
	}
	return m.files[fd]
}

// install assigns the lowest free number to a file.
func (m *Machine) install(f file) loop.FD {
	fd := m.lowest
	for int(fd) < len(m.files) && m.files[fd].open() {
		fd++
	}
	if int(fd) == len(m.files) {
		m.files = append(m.files, file{})
	}
	m.files[fd] = f
	m.lowest = fd + 1
	return fd
}

// close closes a descriptor for one of the Pollers.
func (m *Machine) close(fd loop.FD, by *Poller) {
	f := m.file(fd)
	if !f.open() {
		m.accuse("Close of a closed descriptor", fd)
		return
	}
	for _, p := range m.pollers {
		if p.forget(fd) && p != by {
			m.accuse("Close of a descriptor that another Poller watches", fd)
		}
	}
	m.files[fd] = file{}
	m.lowest = min(m.lowest, fd)
	if f.listener != nil {
		f.listener.close()
		return
	}
	f.socket.fd = -1
	f.socket.close()
}
