package core

import (
	"fmt"
	"slices"

	"lockd/wire"
)

// dumpPause is how many times as long as a large dump took no other is begun: all
// of them together take at most a tenth of the time, however many ask.
const dumpPause = 9

// Dump is a large reply that is made outside of Core, one at a time: its state is
// copied in one step, and the work is in Make. Whoever is given one calls Make, in
// any goroutine, and gives it back to Core.Finish; or only the latter, and the
// reply is that it is too large.
type Dump struct {
	request wire.Request
	key     string
	askers  []ID // in the order in which they asked
	view    view
	bytes   int
	reply   []byte
}

// Size is how many bytes the reply takes at the most.
func (d *Dump) Size() int { return d.bytes }

// Make makes the reply.
func (d *Dump) Make() { d.reply = d.view.appendTo(make([]byte, 0, d.bytes)) }

// whole says that the reply shows all that there is of something. There are few such
// requests; those for what has one name can be as many as there are names.
func (d *Dump) whole() bool {
	command := d.request.Command
	return command == wire.Dump || command == wire.Stats || len(d.request.Name) == 0
}

// dumps are the large replies that were asked for. Those who ask for the same
// before it is begun share one.
type dumps struct {
	// waiting are those not begun, the oldest first: whole ones, and others. They
	// are begun in turn, so that those who ask for many of the others cannot keep a
	// whole one waiting for long.
	waiting [2][]*Dump
	turn    int // whose it is
	byKey   map[string]*Dump
	making  *Dump
	began   Time
	next    Time // when another may be begun
	hurry   bool // no pauses any more
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
	from.dump = d
}

// queue is the one that the next one is begun from: the other one, where it is the
// turn of one that is empty.
func (q *dumps) queue() int {
	if len(q.waiting[q.turn]) == 0 {
		return 1 - q.turn
	}
	return q.turn
}

// first is the one to be begun next, nil if none waits.
func (q *dumps) first() *Dump {
	if waiting := q.waiting[q.queue()]; len(waiting) > 0 {
		return waiting[0]
	}
	return nil
}

// takeFirst takes it.
func (q *dumps) takeFirst() {
	i := q.queue()
	delete(q.byKey, q.waiting[i][0].key)
	q.waiting[i][0] = nil
	q.waiting[i], q.turn = q.waiting[i][1:], 1-i
}

// due is when the next dump is to be begun.
func (q *dumps) due() Time {
	if q.making != nil || q.first() == nil {
		return Never
	}
	return q.next
}

func (q *dumps) isDue(now Time) bool { return q.due() != Never && q.due() <= now }

// Tick does what has become due: it clears what connections held that have ended,
// and begins a dump, which is then in the Effects. Its view is of this moment
// (DUMP-8).
func (c *Core) Tick(now Time, fx *Effects) {
	c.machine.Clear()
	for c.dumps.isDue(now) {
		d := c.dumps.first()
		d.askers = c.stillWaiting(d)
		d.bytes = c.measured(d.request)
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

// stillWaiting returns those who asked for a dump and have not ended.
func (c *Core) stillWaiting(d *Dump) []ID {
	left := d.askers[:0]
	for _, id := range d.askers {
		if c.conns[id] != nil {
			left = append(left, id)
		}
	}
	return left
}

// Finish takes a dump back, and lets those go on who wait for it; what is left of
// their input is to be given to Receive again.
func (c *Core) Finish(now Time, d *Dump, fx *Effects) {
	if d != c.dumps.making {
		return
	}
	reply := d.reply
	if reply == nil {
		reply = c.config.Dialect.AppendTooLarge(nil)
	}
	for _, id := range c.stillWaiting(d) {
		c.conns[id].dump = nil
		fx.Resume(id, reply)
	}
	c.dumps.making = nil
	if !c.dumps.hurry {
		c.dumps.next = now + dumpPause*(now-c.dumps.began)
	}
}

// Stop tells that the server stops: dumps that were asked for are made without
// pauses (END-8).
func (c *Core) Stop(now Time) { c.dumps.next, c.dumps.hurry = now, true }

// Next returns the moment at which Tick is to be called at the latest, 0 for at
// once, Never if nothing will become due by itself.
func (c *Core) Next() Time {
	if c.machine.Uncleared() {
		return 0
	}
	return c.dumps.due()
}

// validDumps checks that dumps and connections agree on who waits.
func (c *Core) validDumps() error {
	for _, from := range c.conns {
		switch d := from.dump; {
		case d == nil:
			continue
		case d != c.dumps.making && c.dumps.byKey[d.key] != d:
			return fmt.Errorf("connection %d waits for %q, which is not asked for", from.id, d.key)
		case !slices.Contains(d.askers, from.id):
			return fmt.Errorf("connection %d waits for %q, which is for %d", from.id, d.key, d.askers)
		}
	}
	if n := len(c.dumps.waiting[0]) + len(c.dumps.waiting[1]); n != len(c.dumps.byKey) {
		return fmt.Errorf("%d dumps wait, %d are known", n, len(c.dumps.byKey))
	}
	return nil
}
