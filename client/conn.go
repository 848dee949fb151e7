package client

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"sync"
)

// conn is a connection: calls in the order of their lines, and one goroutine that reads
// the replies. It is safe for concurrent use.
type conn struct {
	net   net.Conn
	ended func(k *conn)
	level level
	done  chan struct{} // closed when it has ended
	// turn is held by the call whose reply is awaited. nil: calls are pipelined. Old
	// servers lose what arrives together.
	turn chan struct{}

	mu      sync.Mutex
	out     []byte // lines that were not written yet
	spare   []byte // reused for out
	scratch []byte
	writing bool
	calls   []*call // in the order of their lines; those before first are answered
	first   int
	err     error  // why it has ended; set before done is closed
	onEnd   func() // called once, when it has ended
}

// longestReply is the longest line that a server may send. It repeats a name, which may
// have as many bytes as a server can be told to take, 16 MiB, or is a dump, of 64 MiB.
const longestReply = 65 << 20

// newConn begins to use a connection. ended is called once, when it has ended.
func newConn(c net.Conn, ended func(k *conn)) *conn {
	k := &conn{net: c, ended: ended, done: make(chan struct{})}
	go k.receive()
	return k
}

// send sends calls, in one write where that is possible. The reply to each comes later.
// It returns an error if the connection has ended.
func (c *conn) send(all ...*call) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	if len(c.calls)-c.first > mostCalls || len(c.out) > mostUnsent {
		return errFlooded
	}
	for _, k := range all {
		c.out = k.appendLine(c.out, &c.scratch)
		c.calls = append(c.calls, k)
	}
	c.flush()
	return nil
}

// flush lets what is in out be written. c.mu is held.
func (c *conn) flush() {
	if !c.writing {
		c.writing = true
		go c.write()
	}
}

// mostCalls is how many calls may wait for their replies, those that were given up
// included, and mostUnsent how many bytes may wait for a server that does not read.
const (
	mostCalls  = 1 << 18
	mostUnsent = 64 << 20
)

var errFlooded = fmt.Errorf("%w: more than %d commands or %d bytes wait for it", ErrNoAnswer, mostCalls, mostUnsent)

// write writes lines until there are none. No caller does that itself, since a server
// that does not read would keep it beyond the end of its context.
func (c *conn) write() {
	runtime.Gosched() // whoever is ready to send something does so now: one write for all
	for {
		c.mu.Lock()
		if len(c.out) == 0 || c.err != nil {
			c.writing = false
			c.mu.Unlock()
			return
		}
		lines := c.out
		c.out, c.spare = c.spare[:0], nil
		c.mu.Unlock()
		_, err := c.net.Write(lines)
		c.mu.Lock()
		if cap(lines) <= mostSpare {
			c.spare = lines[:0]
		}
		c.mu.Unlock()
		if err != nil {
			c.end(err)
		}
	}
}

// mostSpare is the size in bytes of the largest buffers that a connection keeps.
const mostSpare = 16 << 10

// receive reads replies until the connection ends.
func (c *conn) receive() {
	r := bufio.NewReaderSize(c.net, 4<<10)
	var long []byte // the beginning of a line that does not fit the reader's buffer
	heard := false
	for {
		piece, err := r.ReadSlice('\n')
		if len(long) > 0 || err == bufio.ErrBufferFull {
			long = append(long, piece...)
			piece = long
		}
		switch {
		case err == bufio.ErrBufferFull && len(long) <= longestReply:
			continue
		case err == bufio.ErrBufferFull:
			err = fmt.Errorf("a line of more than %d bytes: %w", longestReply, ErrNotLockd)
		case err == io.EOF:
			err = readError(errEnded, piece, heard)
		case err != nil:
			err = readError(err, piece, heard)
		case !heard && string(trimEnd(piece)) == tlsRequired:
			err = errSpeaksTLS
		default:
			heard = true
			err = c.take(trimEnd(piece))
		}
		if err != nil {
			c.end(err)
			return
		}
		if long = long[:0]; cap(long) > mostSpare {
			long = nil
		}
	}
}

// errEnded is the reason if the server has ended the stream.
var errEnded = fmt.Errorf("the server has ended it")

// trimEnd cuts the end off a line (REPLY-3).
func trimEnd(line []byte) []byte {
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line
}

// take gives a line to the call that it answers.
func (c *conn) take(line []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.err != nil:
			return c.err // its calls have been ended
		case c.first == len(c.calls):
			return c.unasked(line)
		}
		k := c.calls[c.first]
		last, taken, err := true, true, error(nil)
		switch {
		case k.take != nil:
			last, taken, err = k.take(line)
		case c.stale(line):
			return nil
		default:
			if err = k.answer(line); err == nil && !c.level.classic && !k.fits(line) {
				err = fmt.Errorf("%.80q in reply to %v %.80q: %w", line, k.command, k.name, ErrNotLockd)
			}
		}
		if err != nil {
			return err
		}
		full := k.err == ErrTooManyConnections
		if last {
			c.finish(k) // k is not ours any more
		}
		switch {
		case full:
			return ErrTooManyConnections
		case taken:
			return nil
		}
	}
}

// unasked returns the error for a line that answers nothing.
func (c *conn) unasked(line []byte) error {
	switch {
	case string(line) == "0 Too Many Connections":
		return ErrTooManyConnections
	case c.stale(line):
		return nil
	}
	return fmt.Errorf("%.80q was not asked for: %w", line, ErrNotLockd)
}

// finish ends the first call.
func (c *conn) finish(k *call) {
	c.calls[c.first] = nil
	if c.first++; c.first == len(c.calls) {
		c.calls, c.first = c.calls[:0], 0
	} else if c.first >= 1024 && c.first*2 > len(c.calls) {
		n := copy(c.calls, c.calls[c.first:])
		clear(c.calls[n:])
		c.calls, c.first = c.calls[:n], 0
	}
	k.ready <- struct{}{}
	if c.turn != nil {
		<-c.turn
	}
}

// end ends the connection for a reason. Only the first reason counts.
func (c *conn) end(reason error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = lost(reason)
	open, onEnd := c.calls[c.first:], c.onEnd
	c.calls, c.first, c.onEnd, c.out = nil, 0, nil, nil
	c.mu.Unlock()
	close(c.done)
	hangUp(c.net)
	for _, k := range open {
		k.err = c.err
		k.ready <- struct{}{}
	}
	c.ended(c)
	if onEnd != nil {
		onEnd()
	}
}

// over says whether the connection has ended.
func (c *conn) over() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// watch calls f once when the connection has ended; nil is nothing. There is one f at a
// time.
func (c *conn) watch(f func()) {
	c.mu.Lock()
	over := c.err != nil
	if !over {
		c.onEnd = f
	}
	c.mu.Unlock()
	if over && f != nil {
		f()
	}
}

// wait waits for the reply to a call. If ctx ends before, the reply will be ignored, and
// the call must not be used again.
func (c *conn) wait(ctx context.Context, k *call) error {
	select {
	case <-k.ready:
		return k.err
	default:
	}
	select {
	case <-k.ready:
		return k.err
	case <-ctx.Done():
		return ended(ctx)
	}
}

// ask sends a request whose reply is one line, and returns its number. An abandoned
// request may have been executed.
func (c *conn) ask(ctx context.Context, r request) (int64, error) {
	k := newCall(r)
	if err := c.begin(ctx, k); err != nil {
		return 0, err
	}
	if err := c.wait(ctx, k); err != nil && ctx.Err() != nil {
		return 0, err // the reader may still use k
	}
	n, err := k.n, k.err
	calls.Put(k)
	return n, err
}

// begin sends a call, when it is its turn.
func (c *conn) begin(ctx context.Context, k *call) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if c.turn != nil {
		select {
		case c.turn <- struct{}{}:
		case <-c.done:
			return c.err
		case <-ctx.Done():
			return ended(ctx)
		}
	}
	err := c.send(k)
	if err != nil && c.turn != nil {
		<-c.turn // no reply will give it back
	}
	return err
}
