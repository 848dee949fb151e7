package conformance

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// errTimeout is what reading ends with when nothing came in time.
var errTimeout = errors.New("timeout")

// readBuffer is the most that one read takes, in bytes: more than any reply
// that must come in one packet.
const readBuffer = 16 << 10

var readBuffers = sync.Pool{New: func() any { return new([readBuffer]byte) }}

// maxUnread bounds what a server may send unasked, in bytes.
const maxUnread = 64 << 20

// conn is a connection of a case: a transport with a goroutine that reads all
// that comes, as it comes.
type conn struct {
	name    string
	on      Endpoint
	t       transport
	log     *transcript
	timeout time.Duration
	asked   asked

	mu     sync.Mutex
	arrive chan struct{} // gets a token after every change of what is below
	unread []byte
	offset int     // of unread[0] in the stream
	lines  int     // that have come, read or not
	empty  int     // messages that have come and hold nothing
	chunks []chunk // what arrived together, the oldest still of interest first
	err    error   // why nothing more will come
	done   chan struct{}
}

// chunk is what one read returned.
type chunk struct {
	start, end int // offsets in the stream
	kind       kind
}

func newConn(name string, on Endpoint, t transport, log *transcript, timeout time.Duration) *conn {
	c := &conn{
		name: name, on: on, t: t, log: log, timeout: timeout,
		arrive: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go c.receive()
	return c
}

func (c *conn) receive() {
	defer close(c.done)
	buf := readBuffers.Get().(*[readBuffer]byte)
	defer readBuffers.Put(buf)
	for {
		p, k, err := c.t.read(buf[:])
		if len(p) > 0 || k != packet && err == nil {
			c.log.data(c.name, "received", p)
		}
		if k != packet && len(p) > 0 && !bytes.HasSuffix(p, []byte("\n")) {
			p = append(p, '\n') // the end of a message ends its last line
		}
		c.mu.Lock()
		if k != packet && err == nil && len(p) == 0 {
			c.empty++
		}
		if len(p) > 0 {
			start := c.offset + len(c.unread)
			c.unread = append(c.unread, p...)
			c.lines += bytes.Count(p, []byte("\n"))
			c.chunks = append(c.chunks, chunk{start, start + len(p), k})
		}
		if err == nil && len(c.unread) > maxUnread {
			err = fmt.Errorf("more than %d bytes came unasked", maxUnread)
		}
		c.err = err
		c.mu.Unlock()
		if err != nil && !errors.Is(err, net.ErrClosed) { // not by the client
			c.log.note(c.name, "%s", describe(err))
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

// asked remembers the commands sent, so that a failure can name the one whose
// answer it is about. It is not safe for concurrent use, as sending is not.
type asked struct {
	lines [][]byte // the oldest unanswered first
	torn  []byte   // the beginning of a line
	last  []byte   // the one whose answer was read last, or waited for in vain
}

func (a *asked) sent(p []byte, k kind) {
	for piece := range bytes.SplitAfterSeq(p, []byte("\n")) {
		a.torn = append(a.torn, piece...)
		if bytes.HasSuffix(piece, []byte("\n")) || k != packet && len(a.torn) > 0 {
			a.lines = append(a.lines, a.torn)
			a.torn = nil
		}
	}
}

// answered takes the command that the next line is the answer to, where every
// command is answered with one line.
func (a *asked) answered() {
	a.last = nil
	if len(a.lines) > 0 {
		a.last = a.lines[0]
		a.lines = a.lines[1:]
	}
}

// send writes p in one piece.
func (c *conn) send(p []byte, k kind) error {
	c.log.data(c.name, "sent", p)
	c.asked.sent(p, k)
	return c.t.write(p, k)
}

// line takes the next line with its end. Every line may take the whole time
// limit.
func (c *conn) line() ([]byte, error) { return c.lineWithin(c.timeout) }

func (c *conn) lineWithin(timeout time.Duration) ([]byte, error) {
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
			return nil, errTimeout
		}
	}
}

// count returns how many lines have come so far.
func (c *conn) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lines
}

// empties returns how many empty messages have come so far.
func (c *conn) empties() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.empty
}

// live says whether the stream has not ended.
func (c *conn) live() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// pending returns what came and was not read.
func (c *conn) pending() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return bytes.Clone(c.unread)
}

// nextChunk waits for something unread and returns what arrived with its first
// byte, and how.
func (c *conn) nextChunk() ([]byte, kind, error) {
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
			return nil, packet, err
		}
		select {
		case <-c.arrive:
		case <-deadline.C:
			return nil, packet, errTimeout
		}
	}
}

// end waits until the stream has ended and returns how, or errTimeout.
func (c *conn) end(timeout time.Duration) error {
	select {
	case <-c.done:
		return c.err
	case <-time.After(timeout):
		return errTimeout
	}
}

// part leaves politely: it gives the server time to release what this
// connection held, so that the next case finds nothing of it, then closes.
func (c *conn) part() {
	const patience = 200 * time.Millisecond
	if c.t.halfClose() == nil {
		c.end(min(patience, c.timeout))
	}
	c.t.close()
	<-c.done
}
