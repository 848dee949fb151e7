package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// ErrTimeout is the error of reading if nothing came in time.
var ErrTimeout = errors.New("timeout")

// readBuffer is the most that one read takes, in bytes: more than any reply
// that must come in one packet.
const readBuffer = 16 << 10

var readBuffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}

// maxUnread is the most bytes that may be received and not read.
const maxUnread = 64 << 20

// Conn is a connection of a case: a raw connection with a goroutine that receives
// everything as it comes. Only one goroutine at a time may send; another may read
// concurrently.
type Conn struct {
	Name  string
	On    transport.Endpoint
	Asked Asked // the commands sent

	raw     Raw
	log     *transcript.Transcript
	timeout time.Duration // of one answer

	mu     sync.Mutex
	arrive chan struct{} // gets a token after every change of the fields below
	unread []byte
	offset int     // of unread[0] in the stream
	lines  int     // received, read or not
	empty  int     // empty messages received
	chunks []chunk // that are not read completely, the oldest first
	err    error   // why nothing more will come
	done   chan struct{}
}

// chunk is what one read returned.
type chunk struct {
	start, end int // offsets in the stream
	kind       Kind
}

// Dial connects and begins to receive. name is the name of the connection in log; timeout
// is how long one reply, and one write, may take.
func Dial(ctx context.Context, name string, on transport.Endpoint, log *transcript.Transcript, timeout time.Duration) (*Conn, error) {
	raw, err := DialRaw(ctx, on, timeout)
	if err != nil {
		return nil, err
	}
	return New(name, on, raw, log, timeout), nil
}

// New begins to receive from a raw connection, which it takes over.
func New(name string, on transport.Endpoint, raw Raw, log *transcript.Transcript, timeout time.Duration) *Conn {
	c := &Conn{
		Name: name, On: on, raw: raw, log: log, timeout: timeout,
		arrive: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go c.receive()
	return c
}

func (c *Conn) receive() {
	defer close(c.done)
	buf := readBuffers.Get().(*[readBuffer]byte)
	defer readBuffers.Put(buf)
	for {
		p, k, err := c.raw.Read(buf[:])
		if len(p) > 0 || k != Packet && err == nil {
			c.log.Data(c.Name, "received", p)
		}
		if k != Packet && len(p) > 0 && !bytes.HasSuffix(p, []byte("\n")) {
			p = append(p, '\n') // the end of a message ends its last line
		}
		c.mu.Lock()
		if k != Packet && err == nil && len(p) == 0 {
			c.empty++
		}
		if len(p) > 0 {
			start := c.offset + len(c.unread)
			c.unread = append(c.unread, p...)
			c.lines += bytes.Count(p, []byte("\n"))
			c.chunks = append(c.chunks, chunk{start, start + len(p), k})
		}
		if err == nil && len(c.unread) > maxUnread {
			err = fmt.Errorf("the server has sent more than %d bytes that no step reads", maxUnread)
		}
		c.err = err
		c.mu.Unlock()
		if err != nil && !errors.Is(err, net.ErrClosed) { // not by the client
			c.log.Note(c.Name, "%s", Describe(err))
		}
		select {
		case c.arrive <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// Send writes p in one piece of a kind.
func (c *Conn) Send(p []byte, k Kind) error {
	c.log.Data(c.Name, "sent", p)
	c.Asked.sent(p, k)
	return c.raw.Write(p, k)
}

// Line takes the next line, with its line end. It waits for every line up to the whole
// time limit of a reply.
func (c *Conn) Line() ([]byte, error) { return c.LineWithin(c.timeout) }

// LineWithin is Line with a time limit of its own.
func (c *Conn) LineWithin(timeout time.Duration) ([]byte, error) {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		if i := bytes.IndexByte(c.unread, '\n'); i >= 0 {
			line := bytes.Clone(c.unread[:i+1])
			c.unread = c.unread[i+1:]
			c.offset += i + 1
			c.mu.Unlock()
			return line, nil
		}
		err := c.err
		c.mu.Unlock()
		if err != nil {
			return nil, err
		}
		select {
		case <-c.arrive:
		case <-deadline.C:
			return nil, ErrTimeout
		}
	}
}

// Count returns how many lines were received so far.
func (c *Conn) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines
}

// Empties returns how many empty messages were received so far.
func (c *Conn) Empties() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.empty
}

// Live reports whether the stream has not ended.
func (c *Conn) Live() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// Pending returns what was received and not read.
func (c *Conn) Pending() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.unread)
}

// NextChunk waits for unread bytes and returns those that arrived together with the first
// of them, and their kind. They stay unread.
func (c *Conn) NextChunk() ([]byte, Kind, error) {
	deadline := time.NewTimer(c.timeout)
	defer deadline.Stop()
	for {
		c.mu.Lock()
		for len(c.chunks) > 0 && c.chunks[0].end <= c.offset {
			c.chunks = c.chunks[1:]
		}
		if len(c.chunks) > 0 {
			k := c.chunks[0]
			p := bytes.Clone(c.unread[:k.end-c.offset])
			c.mu.Unlock()
			return p, k.kind, nil
		}
		err := c.err
		c.mu.Unlock()
		if err != nil {
			return nil, Packet, err
		}
		select {
		case <-c.arrive:
		case <-deadline.C:
			return nil, Packet, ErrTimeout
		}
	}
}

// End waits until the stream has ended and returns its error, or ErrTimeout.
func (c *Conn) End(timeout time.Duration) error {
	select {
	case <-c.done:
		return c.err
	case <-time.After(timeout):
		return ErrTimeout
	}
}

// Arrivals returns a channel that gets a token after something was received.
func (c *Conn) Arrivals() <-chan struct{} { return c.arrive }

// Done returns a channel that is closed when the stream has ended.
func (c *Conn) Done() <-chan struct{} { return c.done }

// LocalAddr is the client's address, empty for a unix socket.
func (c *Conn) LocalAddr() string { return c.raw.LocalAddr() }

// SendBytewise writes each byte of p in a packet of its own.
func (c *Conn) SendBytewise(p []byte) error {
	c.log.Data(c.Name, "sent", p)
	c.Asked.sent(p, Packet)
	c.log.Note(c.Name, "… in packets of one byte")
	return c.raw.WriteBytewise(p)
}

// Ping sends a ping on a WebSocket, and waits for the pong.
func (c *Conn) Ping(ctx context.Context) error {
	m, ok := c.raw.(*messages)
	if !ok {
		return errors.ErrUnsupported
	}
	c.log.Note(c.Name, "ping (by the client)")
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return m.ws.Ping(ctx)
}

// HalfClose ends the client's stream; on a WebSocket, it sends a close frame.
func (c *Conn) HalfClose() error {
	c.log.Note(c.Name, "half-close (by the client)")
	return c.raw.HalfClose()
}

// Close closes the connection.
func (c *Conn) Close() error {
	c.log.Note(c.Name, "close (by the client)")
	return c.raw.Close()
}

// Reset closes the connection so that the server sees a reset.
func (c *Conn) Reset() error {
	c.log.Note(c.Name, "reset (by the client)")
	return c.raw.Reset()
}

// Leave half-closes, waits for the server to release what this connection held, so that
// it does not affect the next case, and closes.
func (c *Conn) Leave() {
	const patience = 200 * time.Millisecond
	if c.raw.HalfClose() == nil {
		c.End(min(patience, c.timeout))
	}
	c.raw.Close()
	<-c.done
}
