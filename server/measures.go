package server

import (
	"sync"
	"time"

	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
)

// Measures are what happened in a Server since its start, and its sizes.
type Measures struct {
	*core.Measures
	Bytes hub.Bytes
	// Pending is how many bytes wait for clients, as hub.Account counts them.
	Pending int
	// Ended counts connections by how they ended.
	Ended [life.NumEnds]uint64
	// NotAccepted counts accepts that failed, for lack of descriptors for example.
	NotAccepted uint64
	// Unsecured counts handshakes of TLS that failed.
	Unsecured uint64
	// Batches is for how many nanoseconds Core was busy with the input of one read,
	// during which all other connections wait. One batch in sampled is measured.
	Batches core.Histogram
	// Turns is how many nanoseconds an event loop took for what was ready, during which
	// it does not see what becomes ready. One turn in sampled is measured. Without loops
	// there are none.
	Turns core.Histogram
}

// sampled is the number of batches, and of turns, of which one is measured: a look at the
// clock costs some percent of a batch of one command.
const sampled = 16

// Measures returns the current measures. It takes the mutex around Core for some
// microseconds, however large the tables are.
func (s *Server) Measures() *Measures {
	m := &Measures{Pending: s.hub.Waiting.Bytes(), NotAccepted: s.log.failures.Load(), Unsecured: s.log.unsecured.Load(), Turns: s.turns.copy()}
	for end := range m.Ended {
		m.Ended[end] = s.log.ended[end].Load()
	}
	m.Measures, m.Bytes = s.hub.Measures(func() { m.Batches = s.timed.batches.Clone() })
	return m
}

// walkPause is the pause between two pieces of a walk, in which whoever waits for the mutex,
// or for a processor, gets it.
const walkPause = 100 * time.Microsecond

// Walk calls visit with all connections and what they hold, piece by piece. Each piece
// takes the mutex around Core for some tens of microseconds.
func (s *Server) Walk(visit func(*core.Walk)) {
	var w core.Walk
	for s.hub.Walk(&w) {
		visit(&w)
		time.Sleep(walkPause)
	}
	visit(&w)
}

// newDurations returns a histogram of nanoseconds.
func newDurations() core.Histogram {
	const microsecond = 1000
	var bounds []int64
	for decade := int64(microsecond); decade < 1e9; decade *= 10 {
		bounds = append(bounds, decade, 2*decade, 5*decade)
	}
	return core.NewHistogram(append(bounds, 1e9)...)
}

// timedCore is a Core that measures some of its batches.
type timedCore struct {
	hub.Core
	clock   clock
	calls   uint
	batches core.Histogram // guarded by the mutex of the Hub
}

// Receive implements hub.Core.
func (t *timedCore) Receive(now core.Time, id core.ID, data []byte, fx *core.Effects) ([]byte, core.State) {
	if t.calls++; t.calls%sampled != 0 {
		return t.Core.Receive(now, id, data, fx)
	}
	began := t.clock.now()
	rest, state := t.Core.Receive(now, id, data, fx)
	t.batches.Add(int64(t.clock.now() - began))
	return rest, state
}

// turns measures the turns of all loops.
type turns struct {
	mu   sync.Mutex
	took core.Histogram
}

func (t *turns) add(took core.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took.Add(int64(took))
}

func (t *turns) copy() core.Histogram {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.took.Clone()
}
