package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"

	"github.com/coder/websocket"

	"lockd/server/life"
)

var (
	// errNotUTF8 means that a client's text message is not UTF-8 (WS-3).
	errNotUTF8 = errors.New("a text message is not UTF-8")
	// errForeign means that a client speaks another protocol (BAD-7).
	errForeign = errors.New("the client speaks another protocol")
	// errOrigin means that a page of another origin opens a WebSocket (WS-4).
	errOrigin = errors.New("the origin is not allowed; -ws-origin would allow it")
)

// upgrade turns an HTTP request into a WebSocket and serves it.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	x := newSession(s, nil)
	// The session is not admitted yet, but the writes of its handshake need a limit.
	x.life = life.Refused(s.clock.now(), &s.limits)
	if !s.begin(x) {
		http.Error(w, "the server is closing", http.StatusServiceUnavailable)
		return
	}
	defer s.finish(x)
	ws, err := s.handshake(&hijacker{w, x}, r)
	if err != nil {
		s.log.Debug("refused a websocket", "addr", r.RemoteAddr, "origin", r.Header.Get("Origin"), "error", err)
		return
	}
	defer func() {
		ws.CloseNow()
		x.tidy()
		if id := x.id(); id != 0 {
			s.log.Closed(id)
		}
	}()
	defer crash()       // runs before the deferred calls above
	ws.SetReadLimit(-1) // lines have a limit; a message may hold many
	x.ws = ws
	x.open()
	x.serveWebSocket()
}

// handshake accepts a WebSocket, or answers with the reason for the refusal.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request) (*websocket.Conn, error) {
	if !mayOpen(r, s.config.Origins) {
		http.Error(w, "pages of this origin may not open a websocket", http.StatusForbidden)
		return nil, errOrigin
	}
	return websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true}) // mayOpen has verified it
}

// crash makes a panic end the process. The HTTP server would recover from it, although
// Core may be inconsistent and its mutex locked.
func crash() {
	if why := recover(); why != nil {
		stack := debug.Stack()
		go func() { panic(fmt.Sprintf("%v\n\n%s", why, stack)) }()
		select {} // until the panic has ended the process
	}
}

// serveWebSocket serves a WebSocket to its end.
func (x *session) serveWebSocket() {
	if x.id() == 0 {
		refusal := x.out.Next()
		x.out.Clear()
		x.ws.Write(context.Background(), websocket.MessageText, refusal)
		x.closeWebSocket(websocket.StatusTryAgainLater, "too many connections")
		return
	}
	if x.ended {
		x.endOfStream()
	}
	var err error
	for err == nil {
		if err = x.message(); err == nil {
			x.deliverOutputs()
		}
	}
	if x.failure != nil { // rather than what the library makes of it
		err = x.failure
	}
	if err == errForeign { // its life has ended
		x.release()
		x.closeWebSocket(websocket.StatusPolicyViolation, "another protocol")
	}
	x.end(life.Failed) // unless it has ended otherwise
	if err == errNotUTF8 {
		x.ws.Close(websocket.StatusInvalidFramePayloadData, "a text message that is not UTF-8")
	}
	if errors.Is(err, errEndOfStream) && x.life.End() != life.TimedOut {
		x.closeWebSocket(websocket.StatusGoingAway, "")
	}
}

// closeWebSocket sends a close frame and waits for the client's, until the deadline of
// the connection's life.
func (x *session) closeWebSocket(code websocket.StatusCode, reason string) {
	x.boundLingering()
	x.life.StreamEnded(x.server.clock.now(), true)
	x.ws.Close(code, reason)
}

// message reads one message, executes its lines, and sends the replies as one
// message (WS-1 to WS-3). If the connection waits for a lock, the rest of that is done
// later, by run: the library's next read calls it when the wait is over (WS-5).
func (x *session) message() error {
	kind, r, err := x.ws.Reader(context.Background())
	if err != nil {
		return err
	}
	buf := largeBuffers.Get().(*[largeRead]byte)
	defer largeBuffers.Put(buf)
	text := kind == websocket.MessageText
	m := &message{reply: &reply{session: x, text: text}}
	x.messages = append(x.messages, m)
	var check utf8Check
	for {
		n, err := r.Read(buf[:])
		if text && (!check.valid(buf[:n]) || err == io.EOF && !check.whole()) {
			return errNotUTF8
		}
		if err != nil && err != io.EOF {
			return err
		}
		if failed := x.feed(m, buf[:n], err == io.EOF); failed != nil {
			return failed
		}
		if err == io.EOF {
			return nil
		}
	}
}

// deliverOutputs sends the outputs of other calls, each as a message of its own, but not in the
// middle of a reply.
func (x *session) deliverOutputs() {
	for len(x.told) > 0 && !x.replying {
		data := x.told[0]
		x.told = x.told[1:]
		x.ws.Write(context.Background(), kindOf(data), data)
	}
}
