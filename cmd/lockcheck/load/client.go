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

	last    line    // the kind of the last line
	head    [8]byte // of a line that arrives in pieces
	arrived int     // bytes of head

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

// count counts the replies in what has arrived, and those of them that are a yes. refused is
// the first one that is a no.
func (c *client) count(p []byte) (replies, yeses int, refused []byte, err error) {
	if c.protocol.tokens && !c.holds {
		c.replies = append(c.replies, p...)
	}
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		head := p
		if end >= 0 {
			head = p[:end]
		}
		if c.arrived > 0 || end < 0 { // in pieces
			c.arrived += copy(c.head[c.arrived:], head)
			head = c.head[:c.arrived]
		}
		if end < 0 {
			break
		}
		c.last = c.protocol.kind(head, c.last)
		switch c.last {
		case yes:
			yeses++
			replies++
		case no:
			if replies++; refused == nil {
				refused = head
			}
		case wrong:
			return 0, 0, nil, fmt.Errorf("connection %d: got %q, which is no reply of %s; -protocol says what the server speaks", c.number, head[:min(len(head), 100)], c.protocol.Name)
		}
		c.arrived, p = 0, p[end+1:]
	}
	if replies > c.awaited {
		return 0, 0, nil, fmt.Errorf("connection %d: got %d replies more than it has sent commands", c.number, replies-c.awaited)
	}
	c.awaited -= replies
	if c.awaited == 0 && c.protocol.tokens {
		c.turn()
	}
	return replies, yeses, refused, nil
}

// turn turns from a batch that acquires to the one that releases, or back. What was not
// acquired is released all the same, so that both have the same length.
func (c *client) turn() {
	if c.holds {
		c.holds, c.replies = false, c.replies[:0]
		return
	}
	c.holds, c.releases = true, c.releases[:0]
	rest := c.replies
	for _, name := range c.work.acquires[c.next] {
		reply, after, _ := bytes.Cut(rest, []byte{'\n'})
		if rest = after; c.protocol.kind(reply, no) != yes {
			reply = nil
		}
		c.releases = c.protocol.Release(c.releases, name, string(reply))
	}
}
