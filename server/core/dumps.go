package core

import (
	"fmt"
	"slices"

	"lockd/wire"
)

// dumpPause is the pause after a large dump, as a multiple of the time that it took:
// all large dumps together take at most a tenth of the time.
const dumpPause = 9

// Dump is a large reply that is made outside of Core, one at a time. Core copies the
// state for it in one step; Make does the rest of the work, in any goroutine. The
// caller then passes the Dump to Core.Finish. Without Make, the reply is that it is
// too large.
type Dump struct {
	request wire.Request
	key     string
	askers  []ID // in the order of their requests
	view    view
	bytes   int
	most    int // bytes of the reply; beyond, it is too large
	reply   []byte
}

// Size is the maximum size of the reply in bytes.
func (d *Dump) Size() int { return d.bytes }

// Make makes the reply.
func (d *Dump) Make() {
	bytes := d.bytes
	if d.view.isList() { // only now it is known how many lines have the prefix
		bytes = d.view.listBytes()
	}
	if bytes <= d.most {
		d.reply = d.view.appendTo(make([]byte, 0, bytes))
	}
}

// whole says whether the reply shows a whole table. There are few different requests
// of this kind, but as many as names for the others.
func (d *Dump) whole() bool {
	command := d.request.Command
	return command == wire.Dump || command == wire.Stats || len(d.request.Name) == 0
}

// dumps are the requested large replies. Connections that request the same one before
// it is begun share it.
type dumps struct {
	// waiting has two queues of dumps that are not begun: whole ones, and others.
	// The queues take turns, so that many of the others do not delay a whole one
	// for long.
	waiting  [2][]*Dump
	turn     int // the queue whose turn it is
	byKey    map[string]*Dump
	making   *Dump
	began    Time
	next     Time // when another may be begun
	noPauses bool // make no pauses
}

// ask makes a connection wait for the reply to a command.
func (q *dumps) ask(from *conn, r wire.Request) {
	key := r.Command.String() + " " + string(r.Name)
	switch {
	case r.Command == wire.Dump && string(r.Name) != "shared", // DUMP-7
		r.Command == wire.Stats && string(r.Name) != "full":
		key = r.Command.String() + " "
	}
	d := q.byKey[key]
	if d == nil {
		d = &Dump{key: key, request: wire.Request{Command: r.Command, Name: slices.Clone(r.Name)}}
		if q.byKey == nil {
			q.byKey = make(map[string]*Dump)
		}
		q.byKey[key] = d
		i := 1
		if d.whole() {
			i = 0
		}
		q.waiting[i] = append(q.waiting[i], d)
	}
	d.askers = append(d.askers, from.id)
	from.wait = &wait{conn: from, dump: d}
}

// queue returns the index of the queue to take the next dump from: the one whose turn
// it is, unless it is empty.
func (q *dumps) queue() int {
	if len(q.waiting[q.turn]) == 0 {
		return 1 - q.turn
	}
	return q.turn
}

// first returns the dump to be begun next, nil if none waits.
func (q *dumps) first() *Dump {
	if waiting := q.waiting[q.queue()]; len(waiting) > 0 {
		return waiting[0]
	}
	return nil
}

// takeFirst removes the dump that first returns.
func (q *dumps) takeFirst() {
	i := q.queue()
	delete(q.byKey, q.waiting[i][0].key)
	q.waiting[i][0] = nil
	q.waiting[i], q.turn = q.waiting[i][1:], 1-i
}

// due returns when the next dump is to be begun.
func (q *dumps) due() Time {
	if q.making != nil || q.first() == nil {
		return Never
	}
	return q.next
}

func (q *dumps) isDue(now Time) bool { return q.due() != Never && q.due() <= now }

// Tick does the work that is due: it clears holdings of connections that have ended,
// serves waiting connections that an earlier step has left, ends waits whose deadline
// has passed, and begins a dump, which is then in the Effects and shows the state at this
// moment (DUMP-8).
func (c *Core) Tick(now Time, fx *Effects) {
	c.begin(now)
	c.machine.Clear()
	c.serveRest(fx)
	c.expire(fx)
	c.beginDump(now, fx)
	c.endStep(fx)
}

// beginDump begins a dump if one is due.
func (c *Core) beginDump(now Time, fx *Effects) {
	for c.dumps.isDue(now) {
		d := c.dumps.first()
		d.askers = c.stillWaiting(d)
		d.bytes, d.most = c.measured(d.request), c.maxReply
		if len(d.askers) > 0 && c.mustWait(d.request, d.bytes) {
			return
		}
		c.dumps.takeFirst()
		if len(d.askers) == 0 {
			continue
		}
		c.dumps.making, c.dumps.began = d, now
		if d.bytes > c.maxReply {
			c.Finish(now, d, fx)
			continue
		}
		c.look(&d.view, d.request)
		fx.Begin(d)
	}
}

// stillWaiting returns the askers of a dump that have not ended.
func (c *Core) stillWaiting(d *Dump) []ID {
	left := d.askers[:0]
	for _, id := range d.askers {
		if c.conns[id] != nil {
			left = append(left, id)
		}
	}
	return left
}

// Finish takes a dump back, and resumes the connections that wait for it; the caller
// passes the rest of their input to Receive again.
func (c *Core) Finish(now Time, d *Dump, fx *Effects) {
	if d != c.dumps.making {
		return
	}
	reply := d.reply
	if reply == nil {
		reply = c.config.Dialect.AppendTooLarge(nil)
	}
	for _, id := range c.stillWaiting(d) {
		c.conns[id].wait = nil
		fx.Resume(id, reply)
	}
	c.dumps.making = nil
	if !c.dumps.noPauses {
		c.dumps.next = now + dumpPause*(now-c.dumps.began)
	}
}

// Next returns the moment at which Tick must be called at the latest: 0 is at once,
// Never means that nothing is due.
func (c *Core) Next() Time {
	if c.machine.Uncleared() || c.machine.Postponed() {
		return 0
	}
	return min(c.dumps.due(), c.deadlines.first())
}

// validDumps checks that dumps and connections agree on who waits.
func (c *Core) validDumps() error {
	for _, from := range c.conns {
		if from.wait == nil || from.wait.dump == nil {
			continue
		}
		switch d := from.wait.dump; {
		case d != c.dumps.making && c.dumps.byKey[d.key] != d:
			return fmt.Errorf("connection %d waits for %q, which is not queued", from.id, d.key)
		case !slices.Contains(d.askers, from.id):
			return fmt.Errorf("connection %d waits for %q, which is for %d", from.id, d.key, d.askers)
		}
	}
	if n := len(c.dumps.waiting[0]) + len(c.dumps.waiting[1]); n != len(c.dumps.byKey) {
		return fmt.Errorf("%d dumps wait, %d are known", n, len(c.dumps.byKey))
	}
	return nil
}
