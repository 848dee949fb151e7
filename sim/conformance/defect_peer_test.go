package conformance_test

import (
	"bytes"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"lockd/sim/model"
)

// peer is a connection to a running defect.
type peer struct {
	*testServer
	id        uint64
	addr      string
	kept      []piece       // received, and not executed
	out       []byte        // replies that are not sent
	wake      chan struct{} // signals that an answer was added to out
	over      bool          // is to be closed by the server, after its replies
	messages  bool          // is a WebSocket
	silent    bool          // its client sends no more
	executed  atomic.Int64  // how many inputs were taken
	partial   []byte
	left      bool
	begun     bool // a first line has ended
	long      bool // the line of partial is too long, and goes to the model in pieces
	exclusive map[string]bool
	shared    map[string]bool
	note      map[string]int // for hooks
	shadow    uint64         // a second connection in the model, for hooks; 0: none
	send      func([]byte)
	hangUp    func() // ends the connection at once
	stop      func() // ends the connection after what was received is answered
	goodbye   func() // ends what the server sends
}

// receive passes input to a server, and returns the replies.
func receive(m *model.Server, id uint64, data []byte) []byte {
	replies, _ := m.Receive(id, data)
	return replies
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

// do executes a line correctly, and keeps track of the locks that p holds.
func (p *peer) do(line string) string { return p.doAs(p.id, line) }

func (p *peer) doAs(id uint64, line string) string {
	out := string(receive(p.model, id, []byte(line)))
	if command, name := parse(line); !strings.HasPrefix(out, "0") {
		switch command {
		case "g":
			p.exclusive[name] = true
		case "r":
			delete(p.exclusive, name)
		case "sg":
			p.shared[name] = true
		case "sr":
			delete(p.shared, name)
		}
	}
	if strings.HasPrefix(line, "q") {
		out = p.forge(out)
	}
	return out
}

// quietly executes a line that the figures do not count.
func (p *peer) quietly(line string) string {
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	p.forged["command_"+word]--
	return p.do(line)
}

// receive executes the bytes of one read, or of a message, and returns the replies that
// can be sent.
func (p *peer) receive(data []byte) [][]byte {
	p.lock()
	defer p.unlock()
	if p.defect.packet != nil {
		data = p.defect.packet(p, data)
	}
	for line := range bytes.SplitAfterSeq(data, []byte("\n")) {
		p.kept = append(p.kept, piece{line: line})
	}
	if p.messages {
		p.kept = append(p.kept, piece{end: true})
	}
	return p.run()
}

// take executes a line, or keeps a part of one.
func (p *peer) take(line []byte) {
	p.partial = append(p.partial, line...)
	if !p.begun && !p.linesOnly && len(p.partial) >= 3 && p.partial[0] == 0x16 {
		p.out = append(p.out, receive(p.model, p.id, p.partial)...) // may be TLS
		p.partial = nil
		return
	}
	ended := bytes.HasSuffix(line, []byte("\n"))
	p.begun = p.begun || ended
	limit := p.config.MaxLine
	if limit == 0 {
		limit = 65536
	}
	switch {
	case !p.long && len(p.partial) > limit && !(ended && len(p.partial) == limit+1) && p.config.MaxLine >= 0:
		p.long = !ended
		p.out = append(p.out, receive(p.model, p.id, p.partial)...)
		if ended {
			p.partial = nil
		}
	case p.long:
		p.out = append(p.out, receive(p.model, p.id, line)...)
		if ended {
			p.partial, p.long = nil, false
		}
	case ended:
		line := string(p.partial)
		p.partial = p.partial[:0]
		p.out = append(p.out, p.execute(line)...)
	}
}

// endMessage executes the last line of a message, which may lack its LF.
func (p *peer) endMessage() {
	if p.lfOnly || len(p.partial) == 0 && !p.long {
		return
	}
	if p.long {
		p.out = append(p.out, receive(p.model, p.id, []byte("\n"))...)
	} else {
		p.out = append(p.out, p.execute(string(p.partial)+"\n")...)
	}
	p.partial, p.long = nil, false
}

func (p *peer) execute(line string) string {
	if p.defect.line != nil {
		return p.defect.line(p, line)
	}
	return p.do(line)
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

func (p *peer) awake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *peer) reply(outs [][]byte) {
	for _, out := range outs {
		switch {
		case len(out) == 0 && !p.empty:
		case p.defect.write != nil:
			p.defect.write(p, out)
		default:
			p.send(out)
		}
	}
}

func (p *peer) leave(reset bool) {
	p.lock()
	defer p.unlock()
	if p.left {
		return
	}
	p.left = true
	if p.defect.end != nil {
		p.defect.end(p, reset)
	} else {
		p.model.Close(p.id)
	}
	delete(p.peers, p.id)
}
