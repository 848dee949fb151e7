package conformance_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lockd/sim/conformance/protocol"
	"lockd/sim/model"
)

// defect is a server with one defect. It serves the model over real sockets; a hook that
// is not nil replaces what a correct server does.
type defect struct {
	config model.Config
	// lowest and highest are the levels whose cases are run; 0: all up to strict.
	lowest, highest protocol.Level
	// bulk says that the cases of the variable bulk are run too.
	bulk bool
	// open is called when a connection was accepted.
	open func(*peer)
	// packet returns the bytes that the server executes of the bytes of one read.
	packet func(*peer, []byte) []byte
	// line executes a line, with its LF, and returns the replies.
	line func(*peer, string) string
	// end releases what an ended connection held. reset says that it was reset.
	end func(p *peer, reset bool)
	// write sends the replies to one packet or message.
	write func(*peer, []byte)
	// queued makes the server discard what it has not executed when a stream ends.
	queued bool
	// lfOnly makes the server wait for the LF of a message without one.
	lfOnly bool
	// anyOrigin accepts handshakes from pages of all origins.
	anyOrigin bool
	// abrupt drops the replies to what is under way when the server stops.
	abrupt bool
	// binary makes every message of the server a binary message.
	binary bool
	// empty answers messages that are owed no reply with an empty message.
	empty bool
	// linesOnly makes the server treat other protocols as lines.
	linesOnly bool
	// deaf makes the server read nothing from a connection that waits.
	deaf bool
	// overtakes makes the server execute what stands behind a wait at once.
	overtakes bool
	// forgets makes the server discard what arrives behind a wait.
	forgets bool
	// inPieces sends the replies before a wait as a message of their own.
	inPieces bool
	// drops makes the end of a stream end a connection that waits without an answer.
	drops bool
	// stopsInOrder makes the server end one connection after the other when it stops.
	stopsInOrder bool
}

// testServer is a running defect. Its mutex guards the fields below it.
type testServer struct {
	defect
	mu     sync.Mutex
	model  *model.Server
	peers  map[uint64]*peer
	forged map[string]int // added to the figures of q
	gone   sync.WaitGroup
	dead   bool           // serves no connection any more, for hooks
	memory map[string]int // for hooks
	// stopped is closed when the server must stop.
	stopped chan struct{}
	// lingering are connections that ended and still hold their locks, for hooks.
	lingering []*peer
}

func (w *testServer) join(p *peer) *peer {
	w.lock()
	defer w.unlock()
	p.testServer, p.wake = w, make(chan struct{}, 1)
	p.exclusive, p.shared, p.note = map[string]bool{}, map[string]bool{}, map[string]int{}
	p.id, _ = w.model.Open(p.addr)
	w.peers[p.id] = p
	if w.linesOnly {
		w.model.Receive(p.id, []byte("\n")) // after a first line the model does not look for other protocols
	}
	if w.defect.open != nil {
		w.defect.open(p)
	}
	return p
}

// lock begins a step of the server.
func (w *testServer) lock() {
	w.mu.Lock()
	w.model.Now = time.Now().UnixNano()
	w.model.Allow(math.MaxInt)
}

// unlock ends a step: those whom it has answered continue, and those whom it has killed
// are ended.
func (w *testServer) unlock() {
	for _, answer := range w.model.Answers() {
		if p := w.peers[answer.To]; p != nil {
			p.out = append(p.out, answer.Reply...)
			p.awake()
		}
	}
	for _, id := range w.model.Killed() {
		if p := w.peers[id]; p != nil {
			go p.hangUp()
		}
	}
	for id, p := range w.peers {
		p.over = p.over || w.model.Dismissed(id)
	}
	w.model.Allow(math.MaxInt)
	w.mu.Unlock()
}

// keepTime ends waits at their deadlines, until the server stops.
func (w *testServer) keepTime() {
	for {
		select {
		case <-w.stopped:
			return
		case <-after(2):
		}
		w.lock()
		w.model.Tick()
		w.unlock()
	}
}

// stop ends all connections, and waits for them.
func (w *testServer) stop() {
	w.lock()
	close(w.stopped)
	if !w.stopsInOrder {
		w.model.Stop()
	}
	for _, id := range slices.Sorted(maps.Keys(w.peers)) {
		p := w.peers[id]
		if p == nil {
			continue // has ended meanwhile
		}
		if p.stop(); w.stopsInOrder {
			p.unlocked(5 * time.Millisecond)
		}
	}
	w.unlock()
	w.gone.Wait()
}

// forge adds to the figures of q.
func (w *testServer) forge(stats string) string {
	lines := strings.SplitAfter(stats, "\n")
	for i, line := range lines {
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if n, err := strconv.Atoi(value); ok && err == nil {
			lines[i] = fmt.Sprintf("%s: %d\n", key, n+w.forged[key])
		}
	}
	return strings.Join(lines, "")
}

// holder returns the peer that holds a name exclusively, or nil.
func (w *testServer) holder(name string) *peer {
	for _, p := range w.peers {
		if p.exclusive[name] {
			return p
		}
	}
	return nil
}
