package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// logQueue bounds the bytes of log lines that wait to be written.
	logQueue = 1 << 20
	// logFlush is how long Close waits for them.
	logFlush = time.Second
)

// queueWriter writes in a goroutine of its own, so that logging never waits for the
// reader of the log. Lines that do not fit into its queue are dropped; once there is
// room, an additional line says how many. Each Write is a whole line.
type queueWriter struct {
	w    io.Writer
	mu   sync.Mutex
	some *sync.Cond
	// lines are waiting; dropped counts those for which there was no room after them.
	lines   [][]byte
	bytes   int
	dropped int
	over    bool
	lost    atomic.Uint64 // lines dropped since the start
	done    chan struct{}
}

func newQueueWriter(w io.Writer) *queueWriter {
	q := &queueWriter{w: w, done: make(chan struct{})}
	q.some = sync.NewCond(&q.mu)
	go q.run()
	return q
}

// Write implements io.Writer. It always succeeds.
func (q *queueWriter) Write(line []byte) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes+len(line) > logQueue || q.dropped > 0 || q.over {
		q.dropped++
		q.lost.Add(1)
		return len(line), nil
	}
	q.lines = append(q.lines, append([]byte(nil), line...))
	q.bytes += len(line)
	q.some.Signal()
	return len(line), nil
}

// Close waits until the lines are written, at most for logFlush.
func (q *queueWriter) Close() error {
	q.mu.Lock()
	q.over = true
	q.some.Signal()
	q.mu.Unlock()
	select {
	case <-q.done:
	case <-time.After(logFlush):
	}
	return nil
}

func (q *queueWriter) run() {
	defer close(q.done)
	for {
		q.mu.Lock()
		for len(q.lines) == 0 && !q.over {
			q.some.Wait()
		}
		lines, dropped := q.lines, q.dropped
		q.lines, q.bytes, q.dropped = nil, 0, 0
		q.mu.Unlock()
		for _, line := range lines {
			q.w.Write(line)
		}
		if dropped > 0 {
			fmt.Fprintf(q.w, "lockd: %d lines of the log were dropped here: they were not read fast enough\n", dropped)
		}
		if len(lines)+dropped == 0 {
			return
		}
	}
}
