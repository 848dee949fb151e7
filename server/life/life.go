package life

import "lockd/server/core"

// Step is what a driver has to do next for a connection. The driver then calls the
// method that reports the result.
type Step uint8

const (
	// Read is to read once; then Received if bytes came, Ended at the end of
	// the stream or after an error.
	Read Step = iota
	// Execute is to pass the input to Core; then Executed.
	Execute
	// Write is to send unsent replies; then Wrote, or Ended after an error.
	Write
	// Wait is to do nothing until the reply that the connection waits for is
	// there; then Resumed. If the connection is Queued, its driver also watches for the
	// end of the client's stream, and passes it to Core (WAIT-6).
	Wait
	// Release is to close the connection in Core; then Released.
	Release
	// EndStream is to end the stream for the client; then StreamEnded.
	EndStream
	// Discard is to read once and ignore the bytes; then Discarded, or Ended.
	Discard
	// Close is to close the socket; then Closed.
	Close
	// Nothing means that the connection is closed.
	Nothing
)

// Limits are the timeouts for a client; 0 is none.
type Limits struct {
	// Write is how long the client may take to read the next WritePiece bytes of
	// its replies, or all of them if they are fewer.
	Write core.Time
	// Idle is how long the client may send nothing.
	Idle core.Time
}

// WritePiece is how many bytes of its replies a client has to take within
// Limits.Write, so that one that reads a large reply steadily is not dropped.
const WritePiece = 256 << 10

const (
	// drainPause is the silence after which a server that stops assumes that it
	// has read all that was received (END-8). After drainTime it no longer waits
	// for silence: it is enough that nothing is there to be read.
	drainPause = 20 * core.Millisecond
	drainTime  = 200 * core.Millisecond
	// drainMost is how many bytes a server that stops reads from a client that is
	// never silent, however long that takes; after drainTime it reads no more than
	// that, so that many such clients cannot keep it from stopping.
	drainMost = 1 << 20
	// lingerPause is the silence after which a connection that the server has
	// ended is closed. If it were closed with unread input, the kernel would reset
	// it, and the client might never see the last replies.
	lingerPause = core.Second
	// lingerTime is how long the server waits for a client that keeps sending.
	lingerTime = 10 * core.Second
	// refusalTime limits sending to, and lingering for, a refused client (BAD-4, BAD-7).
	refusalTime = core.Second
)

// phase is how far a connection has come.
type phase uint8

const (
	serving   phase = iota
	refusing        // sending the refusal of one connection too many
	releasing       // has ended; its locks are not released yet
	ending          // the server's stream is to be ended
	lingering       // the server's stream was ended, the client's was not
	closing
	closed
)

// Life is the state of one connection. Make one with Admitted or Refused. Its
// methods do nothing in phases in which they no longer apply, so that a driver need
// not know the phase. It is not safe for concurrent use.
type Life struct {
	limits   *Limits
	deadline core.Time // of the step that Step returns; Never if it has none
	until    core.Time // the end of drainTime, later of lingering
	taken    int32     // bytes of replies sent since the write deadline was set
	drained  int32     // bytes read since the server began to stop
	phase    phase
	end      End
	stopping bool // the server stops: only what was received is answered
	unsent   bool // there are replies that the client has not taken
	input    bool // there is input that Core has not processed
	waits    bool // for a reply
	queued   bool // it waits for a lock
	foreign  bool // Core has ended it: the client speaks another protocol (BAD-7), or was killed (KILL-3)
}

// Admitted returns the life of a connection that Core has opened. Many lives may
// share one Limits, which must not change.
func Admitted(now core.Time, limits *Limits) Life {
	l := Life{limits: limits}
	l.settle(now)
	return l
}

// Refused returns the life of a connection that is sent a refusal and closed
// (BAD-4).
func Refused(now core.Time, limits *Limits) Life {
	return Life{limits: limits, phase: refusing, unsent: true, deadline: now + refusalTime}
}

// Step returns the next step.
func (l *Life) Step() Step {
	switch l.phase {
	case serving, refusing:
		switch {
		case l.unsent:
			return Write
		case l.waits:
			return Wait
		case l.input:
			return Execute
		}
		return Read
	case releasing:
		return Release
	case ending:
		return EndStream
	case lingering:
		return Discard
	case closing:
		return Close
	}
	return Nothing
}

// Deadline returns the moment at which Expire is to be called if the step has had no
// result, Never if it may take for ever. While the server stops, a driver that was too
// busy to read in time reads once more before it calls Expire (END-8).
func (l *Life) Deadline() core.Time { return l.deadline }

// End says how the connection ended.
func (l *Life) End() End { return l.end }

// Queued says whether the connection waits for a lock.
func (l *Life) Queued() bool { return l.queued }

// Stopping says whether the server stops.
func (l *Life) Stopping() bool { return l.stopping }

// Received reports that n bytes were read, which are to be executed.
func (l *Life) Received(n int) {
	if l.phase == serving {
		l.input, l.deadline = true, core.Never
		l.drain(n)
	}
}

// Heard reports that n bytes were read that are not to be executed, such as a
// WebSocket's ping: the client is not idle.
func (l *Life) Heard(now core.Time, n int) {
	l.drain(n)
	l.settle(now)
}

// drain counts the bytes read since the server began to stop.
func (l *Life) drain(n int) {
	if l.stopping && l.phase == serving {
		l.drained = int32(min(int(l.drained)+n, drainMost))
	}
}

// Executed reports that Core has processed input: whether some is left, whether
// there are replies to be sent, and the State that Core returned.
func (l *Life) Executed(now core.Time, left, replies bool, state core.State) {
	if l.phase != serving {
		return
	}
	l.input, l.waits, l.queued, l.foreign = left && !state.Ends, state.Waits, state.Queued, state.Ends
	if replies {
		l.Owe(now)
	}
	l.settle(now)
}

// Resumed reports that a connection that waited continues. The driver reports its reply
// with Owe, before.
func (l *Life) Resumed(now core.Time) {
	l.waits, l.queued = false, false
	l.settle(now)
}

// Owe reports that there are replies to be sent, whichever connection caused them.
func (l *Life) Owe(now core.Time) {
	if l.phase == serving && !l.unsent {
		l.unsent, l.taken = true, 0
		l.deadline = after(now, l.limits.Write)
	}
}

// Wrote reports that n bytes of replies were sent, and whether some are left.
func (l *Life) Wrote(now core.Time, n int, left bool) {
	if !l.unsent {
		return
	}
	l.unsent = left
	if l.taken += int32(min(n, WritePiece)); l.taken >= WritePiece {
		l.taken = 0
		if l.phase == serving {
			l.deadline = after(now, l.limits.Write)
		}
	}
	l.settle(now)
}

// settle decides what comes next when nothing is left to be executed or sent.
func (l *Life) settle(now core.Time) {
	if l.unsent {
		return
	}
	switch {
	case l.phase == refusing:
		l.phase = ending
	case l.phase != serving:
	case l.foreign:
		l.finish(Dropped)
	case l.input || l.waits:
		l.deadline = core.Never
	case !l.stopping:
		l.deadline = after(now, l.limits.Idle)
	case l.drained >= drainMost && now >= l.until:
		l.finish(Dropped)
	default:
		l.deadline = min(now+drainPause, max(l.until, now+1))
	}
}

// Ended reports that the stream has ended or failed.
func (l *Life) Ended(how End) { l.finish(how) }

// Stop reports that the server stops: what was received is answered, and then the
// connection ends (END-8).
func (l *Life) Stop(now core.Time) {
	if l.phase == serving && !l.stopping {
		l.stopping, l.until = true, now+drainTime
		l.settle(now)
	}
}

// Drop ends the connection without answering or lingering.
func (l *Life) Drop() {
	l.stopping, l.foreign = false, false
	l.finish(Dropped)
}

// Expire reports the time. It does nothing before the deadline.
func (l *Life) Expire(now core.Time) {
	switch {
	case now < l.deadline:
	case l.stopping && !l.unsent:
		l.finish(Dropped) // all that was received is answered
	default:
		l.stopping = false
		l.finish(TimedOut)
	}
}

// finish ends a connection that is served, in one of the four ways, and closes one that
// is refused or lingers.
func (l *Life) finish(how End) {
	switch l.phase {
	case serving:
		l.phase, l.end = releasing, how
	case refusing, ending, lingering:
		l.phase, l.end = closing, Dropped
	default:
		return
	}
	l.unsent, l.input, l.waits, l.queued, l.taken, l.deadline = false, false, false, false, 0, core.Never
}

// Released reports that the locks are released. If the server ends the connection
// gracefully, it lingers, since the client may still be sending.
func (l *Life) Released() {
	if l.phase == releasing {
		l.phase = closing
		if l.end == Dropped && (l.stopping || l.foreign) {
			l.phase = ending
		}
	}
}

// StreamEnded reports that the stream was ended for the client, or that this failed.
func (l *Life) StreamEnded(now core.Time, ok bool) {
	if l.phase != ending {
		return
	}
	if !ok {
		l.phase, l.deadline = closing, core.Never
		return
	}
	l.phase, l.until = lingering, now+refusalTime
	if l.end == Dropped && !l.foreign {
		l.until = now + lingerTime
	}
	l.deadline = now + lingerPause
}

// Discarded reports that bytes were read and ignored.
func (l *Life) Discarded(now core.Time) {
	switch {
	case l.phase != lingering:
	case now >= l.until:
		l.finish(Dropped)
	default:
		l.deadline = min(now+lingerPause, l.until)
	}
}

// Closed reports that the socket is closed.
func (l *Life) Closed() {
	if l.phase == closing {
		l.phase = closed
	}
}

// after returns the moment at which a limit ends, Never if the limit is 0.
func after(now, limit core.Time) core.Time {
	if limit <= 0 || limit > core.Never-now { // no limit, or the sum would overflow
		return core.Never
	}
	return now + limit
}
