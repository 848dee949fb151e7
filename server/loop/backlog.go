package loop

import (
	"slices"

	"lockd/server/core"
	"lockd/server/hub"
)

// backlog is the waiting bytes of a connection.
type backlog struct {
	out  hub.Replies // not sent
	in   []byte      // input that Core has not processed
	held int         // bytes of memory that Core keeps for a line
	debt hub.Debt
	peer core.Peer // of a connection that is being handed over
}

// wait returns the backlog of a connection, and makes one if there is none.
func (c *conn) wait() *backlog {
	if c.backlog == nil {
		c.backlog = new(backlog)
	}
	return c.backlog
}

// owes says whether there are unsent replies.
func (c *conn) owes() bool { return c.backlog != nil && c.backlog.out.Some() }

// takeInput removes and returns the waiting input.
func (c *conn) takeInput() []byte {
	in := c.backlog.in
	c.backlog.in = nil
	return in
}

// keep stores the input that Core has not processed, and how many bytes Core holds.
func (c *conn) keep(rest []byte, held int) {
	if c.backlog == nil && len(rest) == 0 && held < hub.SmallDebt {
		return
	}
	b := c.wait()
	b.in, b.held = slices.Clone(rest), held
	c.account(true)
}

// account records the waiting bytes, and whether they have moved, and frees an empty
// backlog.
func (c *conn) account(moved bool) {
	b := c.backlog
	own, shared := b.out.Memory()
	c.loop.hub.Waiting.Set(&b.debt, c, c.loop.now, own+cap(b.in)+b.held, shared, moved)
	if !b.out.Some() && len(b.in) == 0 && b.held < hub.SmallDebt {
		c.backlog = nil
	}
}

// forget drops the backlog.
func (c *conn) forget() {
	if b := c.backlog; b != nil {
		b.out.Clear()
		b.in, b.held = nil, 0
		c.account(false)
	}
}
