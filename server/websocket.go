package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/coder/websocket"
)

const (
	// handshakeTimeout is how long a client may take for its HTTP request.
	handshakeTimeout = 10 * time.Second
	// maxHandshake limits the header of that request in bytes.
	maxHandshake = 16 << 10
)

// ServeWebSocket accepts WebSocket connections, under any path, until Shutdown
// or Close, and then returns ErrClosed. It closes the listener.
func (s *Server) ServeWebSocket(l net.Listener) error {
	h := &http.Server{
		Handler:        http.HandlerFunc(s.upgrade),
		ReadTimeout:    handshakeTimeout,
		WriteTimeout:   handshakeTimeout,
		IdleTimeout:    handshakeTimeout,
		MaxHeaderBytes: maxHandshake,
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	if !s.addHTTP(h) {
		l.Close()
		return ErrClosed
	}
	err := h.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		return ErrClosed
	}
	return err
}

// upgrade turns an HTTP request into a WebSocket and serves it.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	x := &session{server: s}
	if !s.begin(x) {
		http.Error(w, "the server is closing", http.StatusServiceUnavailable)
		return
	}
	defer s.finish(x)
	ws, err := websocket.Accept(&hijacker{w, x}, r, &websocket.AcceptOptions{
		OriginPatterns:     s.config.Origins,
		InsecureSkipVerify: slices.Contains(s.config.Origins, "*"),
	})
	if err != nil {
		s.log.Debug("refused a websocket", "addr", r.RemoteAddr, "origin", r.Header.Get("Origin"), "error", err)
		return
	}
	defer ws.CloseNow()
	ws.SetReadLimit(-1) // lines have a limit; a message may hold many
	x.serveWebSocket(ws)
}

// serveWebSocket serves a WebSocket to its end.
func (x *session) serveWebSocket(ws *websocket.Conn) {
	if !x.open() {
		ws.Write(context.Background(), websocket.MessageText, x.server.core.Refusal(nil))
		x.goodbye(ws, websocket.StatusTryAgainLater, "too many connections")
		return
	}
	var err error
	for err == nil {
		err = x.message(ws)
	}
	x.release(err)
	if errors.Is(err, errEndOfStream) {
		x.goodbye(ws, websocket.StatusGoingAway, "")
	}
}

// goodbye sends a close frame and waits for the client's, up to lingerTimeout.
func (x *session) goodbye(ws *websocket.Conn, code websocket.StatusCode, reason string) {
	x.closing = true
	x.conn.SetReadDeadline(time.Now().Add(lingerTimeout))
	ws.Close(code, reason)
}

// message reads one message, executes its lines, and sends the replies as one
// message (WS-1 to WS-3).
func (x *session) message(ws *websocket.Conn) error {
	kind, r, err := ws.Reader(context.Background())
	if err != nil {
		return err
	}
	buf := readBuffers.Get().(*[largeRead]byte)
	defer readBuffers.Put(buf)
	reply := reply{session: x, ws: ws, kind: kind}
	for {
		n, err := r.Read(buf[:])
		for data := buf[:n]; len(data) > 0; {
			result := x.apply(data, reply.out)
			if err := reply.take(result.Out); err != nil {
				return err
			}
			data = result.Rest
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	x.server.mu.Lock()
	result := x.server.core.EndMessage(x.id, reply.out)
	x.server.mu.Unlock()
	return reply.end(result.Out)
}

// reply is the reply to one message while it is being made.
type reply struct {
	session *session
	ws      *websocket.Conn
	kind    websocket.MessageType
	out     []byte
	frames  io.WriteCloser // nil until a first frame has left
}

// take takes the replies so far. If they fill a batch, they leave as a frame of
// the message.
func (r *reply) take(out []byte) error {
	r.out = out
	if len(out) < outputBatch {
		return nil
	}
	if r.frames == nil {
		frames, err := r.ws.Writer(context.Background(), r.kind)
		if err != nil {
			return err
		}
		r.frames = frames
	}
	r.session.replying = true
	_, err := r.frames.Write(out)
	r.session.replying = false
	r.out = out[:0]
	if cap(out) > 2*outputBatch {
		r.out = nil // the message may never end
	}
	return err
}

// end sends what is left; nothing, if nothing is owed.
func (r *reply) end(out []byte) error {
	if r.frames == nil && len(out) == 0 {
		return nil
	}
	r.session.replying = true
	defer func() { r.session.replying = false }()
	if r.frames == nil {
		return r.ws.Write(context.Background(), r.kind, out)
	}
	if len(out) > 0 {
		if _, err := r.frames.Write(out); err != nil {
			return err
		}
	}
	return r.frames.Close()
}
