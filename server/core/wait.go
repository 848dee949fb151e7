package core

import (
	"container/heap"
	"fmt"

	"lockd/lock"
	"lockd/wire"
)

// wait is what a connection waits for: a reply that is being made, or a lock. One that
// was killed waits for its end.
type wait struct {
	conn     *conn
	dump     *Dump // nil unless it waits for a reply
	queued   bool  // it waits for a lock
	killed   bool
	name     int        // bytes of the name of the lock
	deadline Time       // of a lock
	ticket   lock.Token // which orders waits with the same deadline
	at       int        // in Core.deadlines; -1 if it is not there
}

// acquire runs w and b. A w that is not granted and would be refused because others hold
// the lock or wait for it makes the connection wait (WAIT-1).
func (c *Core) acquire(from *conn, r wire.Request, out []byte) []byte {
	dialect := c.config.Dialect
	a, ok := wire.ParseAcquire(r)
	if !ok {
		c.count(r.Command, misused)
		return dialect.AppendUsage(out, r)
	}
	n, outcome, id := 0, lock.Denied, lock.Conn(from.id)
	command := wire.Get
	if a.Bounded {
		command = wire.GetShared
		n, outcome = c.machine.GetBounded(id, a.Name, a.Bound)
	} else {
		outcome = c.machine.Get(id, a.Name)
		n = number(outcome == lock.Granted)
	}
	waits := outcome == lock.Denied && r.Command == wire.Wait && a.Wait > 0 && !c.stopping && !c.finished[from.id]
	switch {
	case waits:
	case outcome == lock.Denied && r.Command == wire.Wait && a.Wait == 0:
		c.count(r.Command, timedOut)
	case outcome == lock.Denied && r.Command == wire.Wait:
		c.count(r.Command, cancelled)
	default:
		c.countAcquisition(r.Command, a.Bounded, outcome)
	}
	if c.config.Events && !waits {
		c.lockEvent(id, wire.Request{Command: command, Name: a.Name}, n, outcome)
	}
	switch outcome {
	case lock.Granted:
		return dialect.AppendLock(out, command, n, a.Name)
	case lock.Limited:
		return dialect.AppendLimit(out, a.Name) // BAD-5, WAIT-8
	case lock.Held:
		return dialect.AppendRefusal(out, wire.AlreadyHeld, a.Name) // BOUND-3
	}
	switch {
	case waits:
		c.wait(from, a)
		return out
	case r.Command == wire.GetBounded:
		return dialect.AppendRefusal(out, wire.Full, a.Name) // BOUND-2
	case a.Wait == 0:
		return dialect.AppendRefusal(out, wire.TimedOut, a.Name) // WAIT-4
	}
	return dialect.AppendRefusal(out, wire.Cancelled, a.Name) // WAIT-6, WAIT-7
}

// wait makes a connection wait for a lock.
func (c *Core) wait(from *conn, a wire.Acquire) {
	w := &wait{conn: from, queued: true, name: len(a.Name), deadline: c.deadline(a.Wait)}
	if a.Bounded {
		w.ticket = c.machine.WaitShared(lock.Conn(from.id), a.Name, a.Bound)
	} else {
		w.ticket = c.machine.WaitExclusive(lock.Conn(from.id), a.Name)
	}
	from.wait = w
	c.deadlines.add(w)
	c.measures.Places.Add(int64(c.machine.Place(lock.Conn(from.id))))
	c.waitEvent(Queued, from.id, a.Bounded, string(a.Name))
}

// deadline returns the moment in some milliseconds.
func (c *Core) deadline(ms int64) Time {
	wait := Time(ms) * Millisecond // at most 2^60
	if wait > Never-c.now {
		return Never
	}
	return c.now + wait
}

// mayServe says whether more waiting connections may be served in this step.
func (c *Core) mayServe() bool {
	return c.served < c.config.ServePiece && c.serving < outputBatch
}

// serve serves those that wait for locks that this step has released, as far as one step
// may (WAIT-3). It never executes what they have sent behind their wait: their callers
// do that later, in steps of their own (WAIT-5).
func (c *Core) serve(fx *Effects) {
	for c.machine.Touched() && c.mayServe() {
		if s, ok := c.machine.Serve(); ok {
			c.serveOne(s, fx)
		}
	}
}

// serveRest serves those whom an earlier step has left, as far as one step may.
func (c *Core) serveRest(fx *Effects) {
	for c.machine.Postponed() && c.mayServe() {
		if s, ok := c.machine.Continue(); ok {
			c.serveOne(s, fx)
		}
	}
}

// serveOne answers a connection that has waited and was served.
func (c *Core) serveOne(s lock.Served, fx *Effects) {
	id, name := ID(s.Conn), []byte(s.Lock.Name)
	c.countWait(c.conns[id].wait, c.countAcquisition(wire.Wait, s.Lock.Shared, s.Outcome))
	command, n := wire.Get, 1
	if s.Lock.Shared {
		command, n = wire.GetShared, s.Holders
	}
	if s.Outcome == lock.Granted {
		c.answer(id, c.config.Dialect.AppendLock(nil, command, n, name), fx)
	} else {
		c.answer(id, c.config.Dialect.AppendLimit(nil, name), fx) // WAIT-8
	}
	if c.config.Events {
		c.lockEvent(s.Conn, wire.Request{Command: command, Name: name}, n, s.Outcome)
	}
}

// answer ends the wait of a connection for a lock.
func (c *Core) answer(id ID, reply []byte, fx *Effects) {
	from := c.conns[id]
	c.deadlines.remove(from.wait)
	from.wait = nil
	c.served++
	c.serving += len(reply)
	fx.Resume(id, reply)
}

// expire ends the waits whose deadline has passed, by deadline, then in the order in
// which they began (WAIT-4), and serves those behind them.
func (c *Core) expire(fx *Effects) {
	for c.mayServe() && c.deadlines.first() <= c.now {
		w := c.deadlines[0]
		c.cancel(w.conn, wire.TimedOut, TimedOut, fx)
		c.serve(fx)
	}
}

// cancel ends the wait of a connection for a lock with a refusal.
func (c *Core) cancel(from *conn, r wire.Refusal, kind EventKind, fx *Effects) {
	c.endWait(from.wait, waitEnds[kind])
	l, _ := c.machine.Cancel(lock.Conn(from.id))
	c.answer(from.id, c.config.Dialect.AppendRefusal(nil, r, []byte(l.Name)), fx)
	c.waitEvent(kind, from.id, l.Shared, l.Name)
}

// EndOfStream says that the client of a connection that waits for a lock has ended its
// stream. The wait is cancelled; what the client has sent behind it is still to be
// executed, and waits no more (WAIT-6).
func (c *Core) EndOfStream(now Time, id ID, fx *Effects) {
	from := c.conns[id]
	if from == nil {
		return
	}
	c.begin(now)
	c.finished[id] = true
	if from.wait != nil && from.wait.queued {
		c.cancel(from, wire.Cancelled, Cancelled, fx)
		c.serve(fx)
	}
	c.endStep(fx)
}

// Stop says that the server stops: all waits for locks are cancelled in one step, and
// nobody waits any more (WAIT-7); the requested dumps are made without pauses (END-8).
func (c *Core) Stop(now Time, fx *Effects) {
	c.begin(now)
	c.dumps.next, c.dumps.noPauses, c.stopping = now, true, true
	c.machine.CancelAll(func(id lock.Conn, l lock.Lock) {
		c.endWait(c.conns[ID(id)].wait, cancelled)
		c.answer(ID(id), c.config.Dialect.AppendRefusal(nil, wire.Cancelled, []byte(l.Name)), fx)
		c.waitEvent(Cancelled, ID(id), l.Shared, l.Name)
	})
	c.endStep(fx)
}

// validWaits checks that the deadlines and the lock machine agree with the connections
// on who waits for a lock.
func (c *Core) validWaits() error {
	waits := 0
	for _, from := range c.conns {
		w := from.wait
		if w == nil || !w.queued {
			continue
		}
		if waits++; w.conn != from || w.at < 0 || w.at >= len(c.deadlines) || c.deadlines[w.at] != w {
			return fmt.Errorf("the deadline of connection %d is not at its place %d", from.id, w.at)
		}
	}
	for i, w := range c.deadlines {
		if i > 0 && c.deadlines.Less(i, (i-1)/2) {
			return fmt.Errorf("the deadline of connection %d is earlier than that above it", w.conn.id)
		}
	}
	if waits != len(c.deadlines) || waits != c.machine.Waiting() {
		return fmt.Errorf("%d connections wait, %d have a deadline, %d are in queues", waits, len(c.deadlines), c.machine.Waiting())
	}
	return nil
}

// deadlines is a heap of the waits for locks, the earliest deadline first; of two with
// the same deadline, the one that began to wait first.
type deadlines []*wait

// first returns the earliest deadline, Never if there is none.
func (d deadlines) first() Time {
	if len(d) == 0 {
		return Never
	}
	return d[0].deadline
}

func (d *deadlines) add(w *wait) { heap.Push(d, w) }

// remove removes a wait, if it is there.
func (d *deadlines) remove(w *wait) {
	if w.queued && w.at >= 0 {
		heap.Remove(d, w.at)
	}
}

// The following methods implement heap.Interface.

func (d deadlines) Len() int { return len(d) }

func (d deadlines) Less(i, j int) bool {
	if d[i].deadline != d[j].deadline {
		return d[i].deadline < d[j].deadline
	}
	return d[i].ticket < d[j].ticket
}

func (d deadlines) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].at, d[j].at = i, j
}

// Push implements heap.Interface.
func (d *deadlines) Push(w any) {
	w.(*wait).at = len(*d)
	*d = append(*d, w.(*wait))
}

// Pop implements heap.Interface.
func (d *deadlines) Pop() any {
	old := *d
	w := old[len(old)-1]
	old[len(old)-1] = nil
	*d = old[:len(old)-1]
	w.at = -1
	return w
}
