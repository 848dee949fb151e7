package server

import (
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
)

const (
	// smallRead is the size in bytes of every connection's own read buffer: the
	// cost of an idle connection besides its goroutine.
	smallRead = 512
	// largeRead is the size of the buffers lent to connections that send more
	// at once.
	largeRead = 16 << 10
)

// Buffers are lent only while they are in use, so that idle connections have none.
var (
	largeBuffers = sync.Pool{New: func() any { return new([largeRead]byte) }}
	effects      = sync.Pool{New: func() any { return new(core.Effects) }}
)

// session is a connection with a goroutine: one of any transport on systems without
// loops, a WebSocket on all. Only the goroutine uses life and the fields below it.
type session struct {
	server *Server
	conn   net.Conn // the socket, also of a WebSocket
	inbox  *hub.Inbox

	number   atomic.Uint64 // core.ID; 0 before it is admitted
	stopping atomic.Bool   // the server stops
	dropped  atomic.Bool   // Drop was called

	life   life.Life
	readBy core.Time        // read deadline of conn; unknown: it must be set
	ws     *websocket.Conn  // nil for a stream
	input  []byte           // read, and not executed
	held   int              // bytes of memory that Core keeps for a line
	large  *[largeRead]byte // lent; input points into it
	more   bool             // the last read filled its buffer
	fx     *core.Effects    // lent; out may point into it
	out    hub.Replies      // not sent
	debt   hub.Debt
	small  [smallRead]byte
	woken  chan struct{} // has one while handleRequests has something to do
	// For a WebSocket: the messages that are not answered; why run has failed; whether
	// some of a reply is being written; outputs of other calls meanwhile.
	messages []*message
	failure  error
	ended    bool // the close frame came with the handshake
	replying bool
	told     [][]byte
}

// unknown means that the deadline is not known.
const unknown core.Time = -1

// interrupt is a deadline in the past, which interrupts a read.
var interrupt = time.Unix(1, 0)

// halfCloser is a connection whose sending side can be closed alone, as that of
// TCP and unix sockets can.
type halfCloser interface {
	CloseWrite() error
}

func newSession(s *Server, conn net.Conn) *session {
	x := &session{server: s, conn: conn, readBy: unknown, woken: make(chan struct{}, 1)}
	if x.inbox = hub.NewInbox(x.wake); LoopsSupported && s.config.Loops > 0 {
		x.inbox = hub.NewInboxInTurn(x.wake)
	}
	return x
}

// Inbox implements hub.Owner.
func (x *session) Inbox() *hub.Inbox { return x.inbox }

// Opened implements hub.Owner.
func (x *session) Opened(id core.ID) { x.number.Store(uint64(id)) }

func (x *session) id() core.ID { return core.ID(x.number.Load()) }

// wake makes the goroutine call handleRequests, if it reads or waits. Callers record their
// request before: the goroutine sets its own read deadline before it calls handleRequests.
func (x *session) wake() {
	x.conn.SetReadDeadline(interrupt)
	select {
	case x.woken <- struct{}{}:
	default:
	}
}

// stop makes the session answer what was received, then end.
func (x *session) stop() {
	x.stopping.Store(true)
	x.wake()
}

// Drop implements hub.Debtor.
func (x *session) Drop() { x.server.drop([]*session{x}) }

// open announces the connection to Core. If Core refuses it, the session sends the
// refusal (BAD-4).
func (x *session) open() {
	fx := effects.Get().(*core.Effects)
	defer effects.Put(fx)
	peer := x.peer()
	id, refusal := x.server.hub.Open(x.server.clock.now(), peer, x, x.inbox, fx)
	now := x.server.clock.now()
	if id == 0 {
		x.server.log.Refused(peer)
		x.life = life.Refused(now, &x.server.limits)
		x.out.Add(refusal)
		return
	}
	x.server.log.Opened(id, peer)
	x.life = life.Admitted(now, &x.server.limits)
}

// peer identifies the client.
func (x *session) peer() core.Peer {
	addr := x.conn.RemoteAddr()
	peer := core.Peer{Name: certifiedName(x.conn)}
	isUnix := addr.Network() == "unix"
	if !isUnix {
		peer.Addr = addr.String()
	}
	_, encrypted := x.conn.(*tls.Conn)
	switch {
	case x.ws != nil && encrypted:
		peer.Transport = core.WSS
	case x.ws != nil:
		peer.Transport = core.WS
	case encrypted:
		peer.Transport = core.TLS
	case isUnix:
		peer.Transport = core.Unix
	}
	return peer
}

// serve takes the steps of a stream connection's life until its end.
func (x *session) serve() {
	x.life.Heard(x.server.clock.now(), 0) // the idle time begins now
	for {
		switch step := x.life.Step(); step {
		case life.Read, life.Discard:
			x.read(step)
		case life.Execute:
			x.execute()
		case life.Write:
			x.flush()
		case life.Wait:
			x.await()
		case life.Release:
			x.release()
		case life.EndStream:
			x.boundLingering()
			half, ok := x.conn.(halfCloser)
			x.life.StreamEnded(x.server.clock.now(), ok && half.CloseWrite() == nil)
		case life.Close:
			x.conn.Close()
			x.life.Closed()
		case life.Nothing:
			x.tidy()
			if x.id() != 0 {
				x.server.log.Closed(x.id())
			}
			x.server.finish(x)
			return
		}
	}
}

// boundLingering bounds the number of connections that linger after a refusal.
func (x *session) boundLingering() {
	if !x.life.Stopping() {
		x.server.brief.add(x.conn)
	}
}

// execute passes input to Core.
func (x *session) execute() {
	if x.fx == nil {
		x.fx = effects.Get().(*core.Effects)
	}
	var state core.State
	x.input, state = x.server.hub.Receive(x.server.clock.now(), x.id(), x.input, x.inbox, x.fx)
	x.held = state.Held
	out := x.fx.To(x.id())
	x.life.Executed(x.server.clock.now(), len(x.input) > 0, len(out) > 0, state)
	x.deliverInbox()
	x.out.Add(out)
	x.account(true)
	x.tidy()
}

// account records the waiting bytes of the client, and whether they have moved.
func (x *session) account(moved bool) {
	own, shared := x.out.Memory()
	if own += x.held; x.large != nil {
		own += largeRead
	}
	for _, m := range x.messages {
		own += messageCharge + cap(m.data) + cap(m.reply.out)
	}
	x.server.hub.Waiting.Set(&x.debt, x, x.server.clock.now(), own, shared, moved)
}

// deliverInbox handles the items that were taken out of the inbox.
func (x *session) deliverInbox() {
	x.inbox.Taken(func(item hub.Item) {
		now := x.server.clock.now()
		switch {
		case item.Dropped:
			x.life.Drop()
		case item.Resumed:
			x.resume(now, item.Data)
		case item.Data == nil:
		case x.ws != nil:
			x.told = append(x.told, item.Data)
		default:
			x.life.Owe(now)
			x.out.Add(item.Data)
		}
	})
}

// resume resumes the connection with the reply that it waited for.
func (x *session) resume(now core.Time, reply []byte) {
	if x.life.End() != life.Open {
		return
	}
	x.out.AddShared(reply, reply)
	if x.ws == nil && len(reply) > 0 {
		x.life.Owe(now)
	}
	x.life.Resumed(now)
}

// flush sends the next piece of the replies.
func (x *session) flush() {
	x.account(false)
	n, err := x.write(x.conn, x.out.Next())
	x.out.Sent(n)
	x.life.Wrote(x.server.clock.now(), n, x.out.Some())
	if err != nil {
		x.failed(err)
	}
	x.account(n > 0)
	x.tidy()
}

// write writes one piece, by the deadline of the life.
func (x *session) write(conn net.Conn, data []byte) (int, error) {
	deadline := x.life.Deadline()
	if x.life.Step() != life.Write && deadline == core.Never && x.server.limits.Write > 0 {
		// The WebSocket library writes a frame of its own.
		deadline = x.server.clock.now() + x.server.limits.Write
	}
	if deadline != core.Never || x.server.limits.Write > 0 {
		conn.SetWriteDeadline(x.server.clock.deadline(deadline))
	}
	n, err := conn.Write(data[:min(len(data), life.WritePiece)])
	if _, encrypted := conn.(*tls.Conn); encrypted {
		conn.SetWriteDeadline(time.Time{}) // a read writes, too, if the client wants new keys
	}
	return n, err
}

// tidy returns lent buffers that are no longer in use.
func (x *session) tidy() {
	if x.life.Step() >= life.Release {
		x.input, x.held, x.messages = nil, 0, nil
		x.out.Clear()
		x.account(false)
	}
	if len(x.input) == 0 && x.large != nil {
		largeBuffers.Put(x.large)
		x.input, x.large = nil, nil
	}
	if !x.out.Some() && x.fx != nil {
		x.fx.Reset()
		effects.Put(x.fx)
		x.fx = nil
	}
}

// release closes the connection in Core, which releases its locks, before the client
// can see the end of the stream (END-5).
func (x *session) release() {
	fx := effects.Get().(*core.Effects)
	defer effects.Put(fx)
	orphans, open := x.server.hub.Close(x.server.clock.now(), x.id(), x.inbox, fx)
	x.deliverInbox()
	x.life.Released()
	if open {
		x.server.log.Released(x.id(), x.life.End(), orphans)
	}
}

// end ends the connection in one of the four ways, unless it has ended already,
// and releases its locks.
func (x *session) end(how life.End) {
	if x.life.Step() < life.Release {
		x.life.Ended(how)
	}
	if x.life.Step() == life.Release {
		x.release()
	}
}
