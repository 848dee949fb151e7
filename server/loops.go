//go:build linux && (amd64 || arm64 || riscv64)

package server

import (
	"net"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"lockd/server/core"
	"lockd/server/epoll"
	"lockd/server/loop"
)

// LoopsSupported says whether Config.Loops has an effect on this system.
const LoopsSupported = true

// loops are the event loops of a Server, each in a goroutine locked to its thread.
type loops struct {
	all []*loop.Loop // the first leads: see loop.Lead
}

// stop makes the loops answer what was received, then end.
func (l *loops) stop() {
	if l != nil {
		l.all[0].Stop()
	}
}

// drop makes the loops end all connections at once.
func (l *loops) drop() {
	if l == nil {
		return
	}
	for _, one := range l.all {
		one.Drop()
	}
}

// serveOnLoops makes the loops accept the connections of a listener, and waits for
// the end of the Server. If they cannot serve the listener, it returns false and leaves
// the listener unchanged.
func (s *Server) serveOnLoops(l net.Listener) (taken bool, err error) {
	source, ok := l.(syscall.Conn)
	if !ok {
		return false, nil
	}
	fd, err := duplicate(source)
	if err != nil {
		return false, nil
	}
	if err := s.giveToLoops(fd, l); err != nil {
		syscall.Close(fd)
		l.Close()
		return true, err
	}
	<-s.context.Done()
	return true, ErrClosed
}

// duplicate returns a duplicate of a listener's descriptor. The runtime keeps using
// the original until it is closed.
func duplicate(source syscall.Conn) (fd int, err error) {
	raw, err := source.SyscallConn()
	if err != nil {
		return -1, err
	}
	controlled := raw.Control(func(theirs uintptr) {
		fd, err = unix.FcntlInt(theirs, unix.F_DUPFD_CLOEXEC, 0)
	})
	if controlled != nil {
		return -1, controlled
	}
	return fd, err
}

// giveToLoops starts the loops, if they have not been started, and gives them the
// descriptor of a listener. It closes the listener, but not what removes a unix socket:
// that happens when the Server stops, or in serveOnLoops, if it is already stopping.
func (s *Server) giveToLoops(fd int, l net.Listener) error {
	s.state.Lock()
	defer s.state.Unlock()
	if s.stopping {
		return ErrClosed
	}
	if s.loops == nil {
		if err := s.startLoops(); err != nil {
			return err
		}
	}
	switch u := l.(type) {
	case *unixListener: // its file is needed as long as the loops listen
		s.sockets = append(s.sockets, u)
		u.UnixListener.Close()
	case *net.UnixListener: // only closing it tells whether it removes its file
		s.listeners[u] = true
	default:
		l.Close()
	}
	s.loops.all[0].Listen(loop.FD(fd))
	return nil
}

// startLoops starts the loops. Its caller holds state.
func (s *Server) startLoops() error {
	all := make([]*loop.Loop, s.config.Loops)
	kernels := make([]*epoll.Kernel, len(all))
	for i := range all {
		kernel, err := epoll.New()
		if err != nil {
			for _, k := range kernels[:i] {
				k.Release()
			}
			return err
		}
		kernels[i] = kernel
		all[i] = loop.New(loop.Config{Kernel: &timedKernel{Kernel: kernel, turns: &s.turns}, Hub: s.hub, Limits: &s.limits, Observer: s.log, MostBrief: briefLimit(s.config.Core.MaxConnections)})
	}
	loop.Lead(all)
	s.loops = &loops{all}
	for i, l := range all {
		s.running.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			defer kernels[i].Release()
			for l.Turn() {
			}
			if i == 0 { // WebSockets may still need Hub.Tick
				s.keeper.keep()
			}
		})
	}
	return nil
}

// timedKernel measures some of the turns of its loop: the time from the end of one Wait to
// the beginning of the next.
type timedKernel struct {
	*epoll.Kernel
	turns *turns
	calls uint
	began core.Time // 0 if this turn is not measured
}

// Wait implements loop.Kernel.
func (k *timedKernel) Wait(events []loop.Event, until core.Time) int {
	if k.began != 0 {
		k.turns.add(k.Now() - k.began)
		k.began = 0
	}
	n := k.Kernel.Wait(events, until)
	if k.calls++; k.calls%sampled == 0 {
		k.began = k.Now()
	}
	return n
}

// removeSockets removes the unix sockets that the loops listen on, as closing
// their listeners would have. Its caller holds state.
func (s *Server) removeSockets() {
	for _, u := range s.sockets {
		u.remove()
	}
	s.sockets = nil
}
