//go:build linux && (amd64 || arm64 || riscv64)

package load

import (
	"bytes"
	"fmt"
	"syscall"

	"lockd/server/epoll"
	"lockd/server/loop"
)

// client is one connection.
type client struct {
	fd       loop.FD
	number   int
	protocol *Protocol
	work     work
	next     int    // batch
	since    int64  // when the batch was sent or due, in nanoseconds
	awaited  int    // replies to the batch
	unsent   []byte // of the batch

	first byte // of the line that is arriving, if there is one
	in    bool // a line has begun

	// With tokens:
	replies  []byte // to the batch that acquires
	releases []byte // the batch that releases what that has got
	holds    bool   // the next batch is that
}

// begin sends the next batch.
func (c *client) begin(kernel *epoll.Kernel, now int64) error {
	batch := c.work.batches[c.next]
	if c.holds {
		batch = c.releases
	}
	c.since, c.awaited = now, c.work.depth
	if !c.protocol.tokens || c.holds {
		c.next = (c.next + 1) % len(c.work.batches)
	}
	return c.send(kernel, batch)
}

// send sends what there is room for, and watches for room for the rest.
func (c *client) send(kernel *epoll.Kernel, p []byte) error {
	waited := len(c.unsent) > 0
	n, errno := kernel.Write(c.fd, p)
	if errno != 0 && errno != syscall.EAGAIN {
		return fmt.Errorf("connection %d: write: %w", c.number, errno)
	}
	c.unsent = p[n:]
	if waits := len(c.unsent) > 0; waits != waited {
		want := loop.Readable
		if waits {
			want |= loop.Writable
		}
		if errno := kernel.Watch(c.fd, want, uint64(c.number)); errno != 0 {
			return fmt.Errorf("connection %d: epoll: %w", c.number, errno)
		}
	}
	return nil
}

// count counts the replies in what has arrived, and those of them that are a yes.
func (c *client) count(p []byte, kinds *[256]line) (replies, yeses int, err error) {
	if c.protocol.tokens && !c.holds {
		c.replies = append(c.replies, p...)
	}
	for len(p) > 0 {
		if !c.in {
			c.first, c.in = p[0], true
		}
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			break
		}
		switch kinds[c.first] {
		case yes:
			yeses++
			replies++
		case no:
			replies++
		}
		c.in, p = false, p[end+1:]
	}
	if replies > c.awaited {
		return 0, 0, fmt.Errorf("connection %d: got %d replies more than it has sent commands", c.number, replies-c.awaited)
	}
	c.awaited -= replies
	if c.awaited == 0 && c.protocol.tokens {
		c.turn(kinds)
	}
	return replies, yeses, nil
}

// turn turns from a batch that acquires to the one that releases, or back. What was not
// acquired is released all the same, so that both have the same length.
func (c *client) turn(kinds *[256]line) {
	if c.holds {
		c.holds, c.replies = false, c.replies[:0]
		return
	}
	c.holds, c.releases = true, c.releases[:0]
	rest := c.replies
	for _, name := range c.work.acquires[c.next] {
		reply, after, _ := bytes.Cut(rest, []byte{'\n'})
		if rest = after; len(reply) == 0 || kinds[reply[0]] != yes {
			reply = nil
		}
		c.releases = c.protocol.Release(c.releases, name, string(reply))
	}
}
