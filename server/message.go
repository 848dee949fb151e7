package server

import (
	"bytes"

	"lockd/server/core"
	"lockd/server/life"
)

const (
	// mostKept is how many bytes of messages may be kept behind a wait. Beyond, nothing
	// is read until the wait is over (WAIT-9).
	mostKept = 16 << 10
	// messageCharge is what each kept message counts for besides its bytes.
	messageCharge = 256
)

// message is a message of a WebSocket that is not answered yet. A connection has more
// than one only while it waits for a lock.
type message struct {
	reply  *reply
	data   []byte // read, and not executed
	whole  bool   // all of it was read
	closed bool   // its last line is executed
}

// feed executes a piece of the last message, or keeps a copy of it while the connection
// waits.
func (x *session) feed(m *message, data []byte, whole bool) error {
	m.whole = whole
	kept := len(m.data) > 0
	if kept {
		m.data = append(m.data, data...)
	} else {
		m.data = data
	}
	x.handleRequests()
	err := x.run()
	for err == nil && x.waits() && x.kept() >= mostKept {
		x.await()
		err = x.run()
	}
	if !kept {
		m.data = bytes.Clone(m.data)
	}
	x.account(true)
	return err
}

// run executes what was kept, in order, and sends the replies to each message as one
// message, until the connection waits for a lock.
func (x *session) run() error {
	for len(x.messages) > 0 && !x.waits() && x.failure == nil {
		m := x.messages[0]
		if x.failure = x.advance(m); x.failure != nil || x.waits() || !m.closed {
			break
		}
		x.messages = x.messages[1:]
	}
	return x.failure
}

func (x *session) waits() bool { return x.life.Step() == life.Wait }

// kept returns what the messages count for.
func (x *session) kept() (bytes int) {
	for _, m := range x.messages {
		bytes += messageCharge + len(m.data)
	}
	return bytes
}

// advance executes what has been read of a message, and sends its reply if that is all.
// It stops if the connection waits for a lock.
func (x *session) advance(m *message) error {
	fx := effects.Get().(*core.Effects)
	defer func() {
		fx.Reset()
		effects.Put(fx)
	}()
	for !x.waits() {
		if x.out.Some() { // the reply that it has waited for
			err := m.reply.take(x.out.Next())
			if x.out.Clear(); err != nil {
				return err
			}
		}
		var state core.State
		switch {
		case len(m.data) > 0:
			m.data, state = x.server.hub.Receive(x.server.clock.now(), x.id(), m.data, x.inbox, fx)
		case m.whole && !m.closed:
			state = x.server.hub.EndMessage(x.server.clock.now(), x.id(), x.inbox, fx)
			m.closed = true
		case m.closed:
			return m.reply.end()
		default:
			return nil
		}
		if err := x.executed(m, fx.To(x.id()), state); err != nil {
			return err
		}
	}
	return nil
}

// executed takes the replies to some input of a message, and waits for a dump.
func (x *session) executed(m *message, out []byte, state core.State) error {
	x.held = state.Held
	x.deliverInbox()
	err := m.reply.take(out)
	x.account(true)
	if err == nil && state.Ends {
		err = m.reply.end()
	}
	if err != nil || !state.Waits && !state.Ends {
		return err
	}
	x.life.Executed(x.server.clock.now(), false, false, state)
	if state.Ends {
		return errForeign
	}
	if !state.Queued {
		x.await()
	}
	if x.life.End() != life.Open {
		return errEndOfStream
	}
	return nil
}
