package world

import (
	"bytes"
	"syscall"

	"lockd/server/core"
	"lockd/server/loop"
	"lockd/sim/kernel"
)

// observed is the kernel of a loop, with the books of what it does to every
// connection.
type observed struct {
	*kernel.Faulty
	s      *stage
	runner *runner
	tokens map[uint64]*link
}

// Wait implements loop.Kernel.
func (k *observed) Wait(events []loop.Event, until core.Time) int {
	n := k.Faulty.Wait(events, until)
	for _, e := range events[:n] {
		// Who waits for a reply is not read from, and hears of an error thus.
		if l := k.tokens[e.Token]; l != nil && (l.waits || l.resumed) && e.Ready&loop.Error != 0 {
			l.broken = true
		}
	}
	return n
}

// holder returns the connection of a descriptor; nil for a listener.
func (k *observed) holder(fd loop.FD) *link {
	if int(fd) < len(k.s.held) {
		return k.s.held[fd]
	}
	return nil
}

// Accept implements loop.Kernel.
func (k *observed) Accept(listener loop.FD) (loop.FD, core.Peer, syscall.Errno) {
	s := k.s
	if at, failed := s.failed[listener]; failed && at == s.machine.Now() {
		s.judge.Failf("accepting has failed, and is tried again at once")
	}
	fd, peer, errno := k.Faulty.Accept(listener)
	switch errno {
	case syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS:
		s.failed[listener] = s.machine.Now()
	}
	tcp := listener == s.listeners[0]
	next := -1
	for i, l := range s.waiting {
		if (l.addr != core.Unix) == tcp {
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
	for int(fd) >= len(s.held) {
		s.held = append(s.held, nil)
	}
	for int(fd) >= len(s.used) {
		s.used = append(s.used, false)
	}
	if s.used[fd] {
		s.coverage[NumberUsedAgain]++
	}
	s.used[fd] = true
	s.held[fd], s.accepted = l, l
	return fd, peer, 0
}

// Watch implements loop.Kernel.
func (k *observed) Watch(fd loop.FD, want loop.Ready, token uint64) syscall.Errno {
	now, on := k.Watching(fd)
	if l := k.holder(fd); l != nil {
		k.tokens[token], l.by = l, k.runner
		if !on {
			l.heard = k.s.machine.Now() // its loop has taken it over
		}
	}
	if on && now == want {
		k.s.judge.Failf("descriptor %d is watched for %d, and is to be watched for it again", fd, want)
	}
	errno := k.Faulty.Watch(fd, want, token)
	k.s.progress++
	if l := k.holder(fd); l != nil && errno != 0 {
		l.broken = true
	}
	return errno
}

// Read implements loop.Kernel.
func (k *observed) Read(fd loop.FD, p []byte) (int, syscall.Errno) {
	n, errno := k.Faulty.Read(fd, p)
	l := k.holder(fd)
	if l != nil && k.s.stopping && n < len(p) && k.s.machine.Unread(fd) > 0 {
		l.misled = true
	}
	if l == nil || errno == again {
		return n, errno
	}
	k.s.progress++
	if l.readIn == k.s.turns {
		k.s.judge.Failf("connection %d is read from twice in a turn", l.label)
	}
	l.readIn = k.s.turns
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
		l.heard = k.s.machine.Now()
	}
	return n, errno
}

// Write implements loop.Kernel.
func (k *observed) Write(fd loop.FD, p []byte) (int, syscall.Errno) {
	n, errno := k.Faulty.Write(fd, p)
	l, s := k.holder(fd), k.s
	if l == nil {
		return n, errno
	}
	s.waited = s.waited || s.stopping && n < len(p)
	if !bytes.HasPrefix(l.owed, p) {
		s.judge.Failf("connection %d is owed %.100q, and is sent %.100q", l.label, l.owed, p)
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
		l.taken = s.machine.Now()
		if len(l.owed) == 0 {
			l.heard = s.machine.Now()
		}
	}
	return n, errno
}

// CloseWrite implements loop.Kernel.
func (k *observed) CloseWrite(fd loop.FD) syscall.Errno {
	k.s.progress++
	k.mustBeReleased(fd)
	errno := k.Faulty.CloseWrite(fd)
	if l := k.holder(fd); l != nil && errno != 0 {
		l.broken = true
	}
	return errno
}

// Close implements loop.Kernel.
func (k *observed) Close(fd loop.FD) {
	k.s.progress++
	k.mustBeReleased(fd)
	if l := k.holder(fd); l != nil {
		l.closed = true
		k.mayClose(l)
		k.s.held[fd] = nil
	}
	k.Faulty.Close(fd)
}

// mayClose checks that a client that is waited for is waited for long enough.
func (k *observed) mayClose(l *link) {
	now := k.s.machine.Now()
	waited := l.graceful && !l.ended && !l.broken && !l.dropped
	longest := 10 * core.Second
	if l.foreign {
		longest = core.Second
	}
	if waited && now < max(l.over, l.heard)+core.Second && now < l.over+longest {
		k.s.judge.Failf("connection %d still sends, and is closed %d ms after its end", l.label, (now-l.over)/core.Millisecond)
	}
}

// mustBeReleased checks that the locks of a connection are released before the
// client can see its end (END-5), and that one that was refused was told why
// (BAD-4).
func (k *observed) mustBeReleased(fd loop.FD) {
	l := k.holder(fd)
	switch {
	case l == nil:
	case !l.released && !l.refused:
		k.s.judge.Failf("END-5: connection %d ends for its client before its locks are released", l.label)
	case l.refused && len(l.owed) > 0 && !l.broken && !l.dropped && k.s.machine.Now() < l.began+core.Second:
		k.s.judge.Failf("BAD-4: connection %d was refused, and not told %q", l.label, l.owed)
	}
}
