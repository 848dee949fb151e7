package conformance_test

import (
	"maps"
	"math"
	"slices"
	"time"
)

// waits are defects of how a server waits.
type waits struct {
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

// piece is at most one line that a peer has received, or the end of a message.
type piece struct {
	line []byte
	end  bool
}

// input is what the reader of a peer passes on: the bytes of one read, or a message; or,
// if done is not nil, that the client sends no more.
type input struct {
	data []byte
	done chan struct{}
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

func (p *peer) awake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run executes what was received, until the peer waits, and returns the replies that can
// be sent: those to a message together.
func (p *peer) run() (outs [][]byte) {
	flush := func() {
		outs = append(outs, p.out)
		p.out = nil
	}
	for len(p.kept) > 0 && (p.overtakes || !p.model.Queued(p.id)) {
		next := p.kept[0]
		p.kept = p.kept[1:]
		if !next.end {
			p.take(next.line)
			continue
		}
		if p.endMessage(); p.model.Queued(p.id) && !p.overtakes {
			p.kept = append([]piece{next}, p.kept...) // the reply to the message is not complete
			break
		}
		flush()
	}
	if p.forgets && p.model.Queued(p.id) {
		p.kept = slices.DeleteFunc(p.kept, func(next piece) bool { return !next.end })
	}
	if !p.messages || p.inPieces && len(p.out) > 0 {
		flush()
	}
	return outs
}

// serve executes with receive what comes in, and continues after waits, until inputs is
// closed.
func (p *peer) serve(inputs <-chan input, receive func([]byte) [][]byte) {
	for {
		var outs [][]byte
		select {
		case in, ok := <-inputs:
			switch {
			case !ok:
				return
			case in.done != nil:
				p.reply(p.finish())
				close(in.done)
				continue
			}
			outs = receive(in.data)
			p.executed.Add(1)
		case <-p.wake:
			p.lock()
			outs = p.run()
			p.unlock()
		}
		p.reply(outs)
		if p.dismissed() {
			p.goodbye()
		}
	}
}

// dismissed reports whether the server is to end the connection.
func (p *peer) dismissed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

// finish executes what is left when the client sends no more.
func (p *peer) finish() [][]byte {
	p.lock()
	if p.drops && p.model.Queued(p.id) {
		p.kept = nil
		p.unlock()
		return nil
	}
	p.model.EndOfStream(p.id)
	p.unlock() // adds the answer to a wait
	p.lock()
	defer p.unlock()
	return p.run()
}

// endInput notes that the client sends no more.
func (p *peer) endInput() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = true
}

// listen returns when the server is to read from a connection that has passed on some
// inputs.
func (p *peer) listen(inputs int64) {
	for p.deaf {
		p.mu.Lock()
		waits := p.model.Queued(p.id) || p.executed.Load() < inputs
		p.mu.Unlock()
		if !waits {
			return
		}
		time.Sleep(time.Millisecond)
	}
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
