package bubble

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// stream is one direction of a connection in memory: a bounded buffer that behaves
// like a kernel's.
type stream struct {
	mu      sync.Mutex
	changed *sync.Cond
	buf     []byte
	size    int   // most bytes in buf
	ended   bool  // the writer has closed its side: EOF behind buf
	broken  error // reset: nothing can be read or written
	// readBy and writeBy are the deadlines of reading and writing.
	readBy, writeBy deadline
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func newStream(size int) *stream {
	s := &stream{size: size}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

// set moves a deadline of the stream and wakes the goroutines that wait, which check
// it again.
func (s *stream) set(d *deadline, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = at
	if !at.IsZero() {
		d.timer = time.AfterFunc(time.Until(at), func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed.Broadcast()
		})
	}
	s.changed.Broadcast()
}

// read waits for bytes and takes some of them.
func (s *stream) read(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.broken != nil:
			return 0, s.broken
		case s.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(s.buf) > 0:
			n = copy(p, s.buf)
			s.buf = append(s.buf[:0], s.buf[n:]...)
			s.changed.Broadcast()
			return n, nil
		case s.ended:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

// write waits for room and adds as many bytes as fit; the caller writes the rest.
func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.broken != nil:
			return 0, s.broken
		case s.ended:
			return 0, net.ErrClosed
		case s.writeBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(s.buf) < s.size:
			n = min(len(p), s.size-len(s.buf))
			s.buf = append(s.buf, p[:n]...)
			s.changed.Broadcast()
			return n, nil
		}
		s.changed.Wait()
	}
}

// put adds text at once, even if it does not fit.
func (s *stream) put(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buf = append(s.buf, text...)
	s.changed.Broadcast()
}

// end closes the writing side.
func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.changed.Broadcast()
}

// reset breaks the stream and discards what is in it.
func (s *stream) reset(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken, s.buf = err, nil
	}
	s.changed.Broadcast()
}

// unread is the number of bytes that have not been read.
func (s *stream) unread() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.buf)
}

var errReset = os.NewSyscallError("read", syscall.ECONNRESET)
