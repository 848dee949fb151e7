package world

import (
	"bytes"
	"syscall"

	"lockd/server/core"
	"lockd/server/loop"
	"lockd/sim/kernel"
)

// observedKernel is the kernel of a loop. It keeps account of what the loop does to every
// connection, and checks it.
type observedKernel struct {
	*kernel.Faulty
	s      *harness
	runner *loopRunner
	tokens map[uint64]*connState
}

// Wait implements loop.Kernel.
func (k *observedKernel) Wait(events []loop.Event, until core.Time) int {
	n := k.Faulty.Wait(events, until)
	for _, e := range events[:n] {
		// A connection that waits for a reply is not read from: Wait reports its error.
		l := k.tokens[e.Token]
		if l != nil && (l.waits || l.resumed) && e.Ready&loop.Error != 0 {
			l.broken = true
		}
		if l != nil && e.Ready&(loop.PeerEnded|loop.Hangup) != 0 {
			l.peerEnded = true
		}
	}
	return n
}

// conn returns the connection of a descriptor; nil for a listener.
func (k *observedKernel) conn(fd loop.FD) *connState {
	if int(fd) < len(k.s.byFD) {
		return k.s.byFD[fd]
	}
	return nil
}

// Accept implements loop.Kernel.
func (k *observedKernel) Accept(listener loop.FD) (loop.FD, core.Peer, syscall.Errno) {
	s := k.s
	if at, failed := s.failed[listener]; failed && at == s.machine.Now() {
		s.judge.Failf("accepting has failed, and the loop tries again at once")
	}
	fd, peer, errno := k.Faulty.Accept(listener)
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS:
		s.failed[listener] = s.machine.Now()
	}
	tcp := listener == s.listeners[0]
	next := -1
	for i, l := range s.waiting {
		if (l.addr != "unix") == tcp {
			next = i
			break
		}
	}
	if errno != 0 && errno != syscall.ECONNABORTED || next < 0 {
		return fd, peer, errno
	}
	l := s.waiting[next]
	s.waiting = append(s.waiting[:next:next], s.waiting[next+1:]...)
	s.progress++
	if errno != 0 {
		l.aborted = true
		return fd, peer, errno
	}
	l.fd = fd
	for int(fd) >= len(s.byFD) {
		s.byFD = append(s.byFD, nil)
	}
	for int(fd) >= len(s.used) {
		s.used = append(s.used, false)
	}
	if s.used[fd] {
		s.coverage[NumberUsedAgain]++
	}
	s.used[fd] = true
	s.byFD[fd], s.accepted = l, l
	return fd, peer, 0
}

// Watch implements loop.Kernel.
func (k *observedKernel) Watch(fd loop.FD, want loop.Ready, token uint64) syscall.Errno {
	now, on := k.Watching(fd)
	if l := k.conn(fd); l != nil {
		k.tokens[token], l.loop = l, k.runner
		if !on {
			l.lastActive = k.s.machine.Now() // its idle time begins when its loop takes it over
		}
	}
	if on && now == want {
		k.s.judge.Failf("descriptor %d is watched for %d already, and Watch is called again", fd, want)
	}
	errno := k.Faulty.Watch(fd, want, token)
	k.s.progress++
	if l := k.conn(fd); l != nil && errno != 0 {
		l.broken = true
	}
	return errno
}

// Read implements loop.Kernel.
func (k *observedKernel) Read(fd loop.FD, p []byte) (int, syscall.Errno) {
	n, errno := k.Faulty.Read(fd, p)
	l := k.conn(fd)
	if l != nil && k.s.stopping && n < len(p) && k.s.machine.Unread(fd) > 0 {
		l.shortRead = true
	}
	if l == nil || errno == again {
		return n, errno
	}
	k.s.progress++
	if l.readIn == k.s.turn {
		k.s.judge.Failf("connection %d is read from twice in a turn", l.label)
	}
	l.readIn = k.s.turn
	switch {
	case l.waits:
		k.s.judge.Failf("connection %d waits for a reply, and is read from", l.label)
	case len(l.owed) > 0 && !l.released && !k.s.mayNotKnow(l):
		k.s.judge.Failf("connection %d has %d bytes of replies unread, and is read from", l.label, len(l.owed))
	case errno != 0:
		l.broken = true
	case n == 0:
		l.ended = true
	default:
		l.lastActive = k.s.machine.Now()
	}
	return n, errno
}

// Write implements loop.Kernel.
func (k *observedKernel) Write(fd loop.FD, p []byte) (int, syscall.Errno) {
	k.s.meanwhile()
	n, errno := k.Faulty.Write(fd, p)
	l, s := k.conn(fd), k.s
	if l == nil {
		return n, errno
	}
	s.waited = s.waited || s.stopping && n < len(p)
	if !bytes.HasPrefix(l.owed, p) {
		s.judge.Failf("connection %d is sent %.100q, but is owed %.100q", l.label, p, l.owed)
	}
	switch {
	case errno == again:
		s.coverage[FullBuffers]++
		return n, errno
	case errno != 0:
		s.coverage[FailedWrite]++
		l.broken = true
	}
	s.progress++
	if n > 0 {
		l.wrote += n
		l.before -= n
		l.owed = l.owed[min(n, len(l.owed)):]
		l.lastProgress = s.machine.Now()
		if len(l.owed) == 0 {
			l.lastActive = s.machine.Now()
		}
	}
	return n, errno
}

// CloseWrite implements loop.Kernel.
func (k *observedKernel) CloseWrite(fd loop.FD) syscall.Errno {
	k.s.progress++
	k.mustBeReleased(fd)
	errno := k.Faulty.CloseWrite(fd)
	if l := k.conn(fd); l != nil && errno != 0 {
		l.broken = true
	}
	return errno
}

// Close implements loop.Kernel.
func (k *observedKernel) Close(fd loop.FD) {
	k.s.progress++
	k.mustBeReleased(fd)
	if l := k.conn(fd); l != nil {
		l.closed = true
		k.mayClose(l)
		k.s.byFD[fd] = nil
	}
	k.Faulty.Close(fd)
}

// mayClose checks that a connection lingers long enough for a client that still sends.
func (k *observedKernel) mayClose(l *connState) {
	now := k.s.machine.Now()
	waited := l.graceful && !l.ended && !l.broken && !l.dropped
	longest := 10 * core.Second
	if l.foreign {
		longest = core.Second
	}
	if waited && now < max(l.endedAt, l.lastActive)+core.Second && now < l.endedAt+longest {
		k.s.judge.Failf("connection %d still sends, and is closed %d ms after its end", l.label, (now-l.endedAt)/core.Millisecond)
	}
}

// mustBeReleased checks that the locks of a connection are released before the
// client can see its end (END-5), and that a connection that was refused was sent the
// reason (BAD-4).
func (k *observedKernel) mustBeReleased(fd loop.FD) {
	l := k.conn(fd)
	switch {
	case l == nil:
	case !l.released && !l.refused:
		k.s.judge.Failf("END-5: the client of connection %d can see its end before its locks are released", l.label)
	case l.refused && len(l.owed) > 0 && !l.broken && !l.dropped && k.s.machine.Now() < l.acceptedAt+core.Second:
		k.s.judge.Failf("BAD-4: connection %d was refused, and not sent %q", l.label, l.owed)
	}
}
