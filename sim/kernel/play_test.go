//go:build linux && (amd64 || arm64)

package kernel

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	"lockd/server/core"
	"lockd/server/loop"
)

// maxLinks is how many connections a script can make.
const maxLinks = 4

// fake and actual are the indices of the two operating systems.
const (
	fake = iota
	actual
)

var systems = [2]string{"fake", "real"}

// play is a script being played on both operating systems at once.
type play struct {
	real     *real
	listener *realListener
	machine  *Machine
	kernels  [2]loop.Kernel
	offset   loop.FD // how much higher the real descriptors' numbers are
	tcp      bool
	slow     time.Duration // pause after each step

	listeners [2]loop.FD
	open      bool // the listener
	links     []*link
	accepted  int // how many of links are accepted
	numbers   map[loop.FD]bool
	seen      situations
	events    [2][]loop.Event
	polls     [2][maxLinks]loop.Ready
}

// link is a connection.
type link struct {
	end      *End
	client   [2]far
	server   [2]loop.FD
	from     core.Peer
	accepted bool
	ended    bool // by the server: its descriptor is closed
	gone     bool // the client has closed
	up, down flow
}

// flow is one direction of a connection.
type flow struct {
	written, read [2]int
	full          bool // filled, and not drained since
	touched       bool // filled, and read from since: the room differs
}

// run plays a script and returns the first difference.
func run(r *real, s script, slow time.Duration, seen situations) error {
	r.listener(!s.tcp) // opened now, so that its number is out of the way
	l := r.listener(s.tcp)
	m := New(Options{Buffers: Buffers{8192, 8192, 8192, 8192}})
	p := &play{
		real: r, listener: l, machine: m, tcp: s.tcp, slow: slow, open: true,
		kernels: [2]loop.Kernel{m.Poller(), r.kernel}, numbers: map[loop.FD]bool{}, seen: seen,
	}
	network := "unix"
	if s.tcp {
		network = "tcp"
	}
	p.listeners = [2]loop.FD{m.Listen(network), l.fd}
	p.offset = r.nextFD() - 4
	defer p.cleanUp()
	for i, k := range p.kernels {
		p.events[i] = make([]loop.Event, 16)
		if errno := k.Watch(p.listeners[i], loop.Readable, 0); errno != 0 {
			return errno
		}
	}
	for i, step := range s.steps {
		err := p.step(step)
		if err == nil {
			err = p.compareReadiness()
		}
		if err == nil {
			err = m.Misuse()
		}
		if err != nil {
			return fmt.Errorf("step %d, %v: %w", i, step, err)
		}
	}
	return nil
}

// cleanUp closes the real descriptors.
func (p *play) cleanUp() {
	for _, l := range p.links {
		if !l.gone {
			l.client[actual].Reset()
		}
		if l.accepted && !l.ended {
			p.real.kernel.Close(l.server[actual])
		}
	}
	if !p.open {
		return
	}
	for {
		fd, _, errno := p.real.kernel.Accept(p.listeners[actual])
		if errno != 0 {
			break
		}
		p.real.kernel.Close(fd)
	}
	p.real.kernel.Unwatch(p.listeners[actual])
}

// step does one step, if it is possible.
func (p *play) step(s step) error {
	switch s.op {
	case opDial:
		return p.dial()
	case opAccept:
		return p.accept()
	case opCloseListener:
		return p.closeListener()
	}
	if int(s.conn) >= len(p.links) {
		return nil
	}
	l := p.links[s.conn]
	if s.op >= clientRead {
		if l.gone {
			return nil
		}
		return p.client(l, s)
	}
	if !l.accepted || l.ended {
		return nil
	}
	return p.server(l, s)
}

func (p *play) dial() error {
	if len(p.links) == maxLinks {
		return nil
	}
	l := &link{}
	if l.client[actual], l.from = p.real.dial(p.listener, p.tcp); (l.client[actual] != nil) != p.open {
		return errors.New("only one of the two kernels connects to a closed listener")
	}
	end, ok := p.machine.Dial(p.listeners[fake], l.from)
	if ok != p.open {
		return fmt.Errorf("Dial: %v", ok)
	}
	if !ok {
		p.seen.note(p.tcp, refused)
		return nil
	}
	l.end, l.client[fake] = end, end
	p.links = append(p.links, l)
	return nil
}

func (p *play) accept() error {
	if !p.open {
		return nil
	}
	var peers [2]core.Peer
	var errnos [2]syscall.Errno
	var fds [2]loop.FD
	for i, k := range p.kernels {
		fds[i], peers[i], errnos[i] = k.Accept(p.listeners[i])
	}
	if errnos[fake] != errnos[actual] {
		return different("Accept", errnos[fake], errnos[actual])
	}
	if errnos[fake] != 0 {
		return nil
	}
	if peers[fake] != peers[actual] {
		return different("Accept", peers[fake], peers[actual])
	}
	l := p.links[p.accepted]
	p.accepted++
	l.accepted, l.server = true, fds
	token := uint64(p.accepted)
	if fds[fake]+p.offset != fds[actual] {
		return different("number of the descriptor", fds[fake]+p.offset, fds[actual])
	}
	p.seen.accepted(p, l)
	for i, k := range p.kernels {
		if errno := k.Watch(fds[i], loop.Readable|loop.Writable|loop.PeerEnded, token); errno != 0 {
			return errno
		}
	}
	return nil
}

func (p *play) closeListener() error {
	if !p.open {
		return nil
	}
	if p.accepted < len(p.links) {
		p.seen.note(p.tcp, queueClosed)
	}
	p.open = false
	p.kernels[fake].Close(p.listeners[fake])
	p.real.closeListener(p.listener)
	return nil
}

func different(what string, fake, real any) error {
	return fmt.Errorf("%s: fake %v, real %v", what, fake, real)
}

// compareReadiness compares what all descriptors and clients are ready for.
func (p *play) compareReadiness() error {
	if p.slow > 0 {
		time.Sleep(p.slow)
	}
	var found [2][]loop.Event
	for i, k := range p.kernels {
		found[i] = p.events[i][:k.Wait(p.events[i], 0)]
		for j := range found[i] {
			e := &found[i][j]
			if e.Token > 0 && p.links[e.Token-1].down.touched {
				e.Ready &^= loop.Writable
			}
		}
		found[i] = slices.DeleteFunc(found[i], func(e loop.Event) bool { return e.Ready == 0 })
		slices.SortFunc(found[i], func(a, b loop.Event) int { return cmp.Compare(a.Token, b.Token) })
		for j, l := range p.links {
			p.polls[i][j] = 0
			if !l.gone {
				p.polls[i][j] = l.client[i].Poll()
			}
			if l.up.touched {
				p.polls[i][j] &^= loop.Writable
			}
		}
	}
	if !slices.Equal(found[fake], found[actual]) {
		return different("Wait", found[fake], found[actual])
	}
	if p.polls[fake] != p.polls[actual] {
		return different("poll of the clients", p.polls[fake], p.polls[actual])
	}
	p.seen.readiness(p, found[fake])
	return nil
}
