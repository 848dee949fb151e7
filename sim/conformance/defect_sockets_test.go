package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"lockd/sim/conformance/process"
	"lockd/sim/model"
	"lockd/sim/transport"
)

// start returns a function for Options.Start that serves the defect.
func (l defect) start(t *testing.T, name string) func(context.Context) (*process.Instance, error) {
	dir, err := os.MkdirTemp("", "c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return func(context.Context) (*process.Instance, error) {
		w := &testServer{defect: l, model: model.New(l.config), peers: map[uint64]*peer{}, forged: map[string]int{}, memory: map[string]int{}, stopped: make(chan struct{})}
		network, address := "tcp", "127.0.0.1:0"
		if name == "unix" {
			network, address = "unix", filepath.Join(dir, "s")
		}
		listener, err := net.Listen(network, address)
		if err != nil {
			return nil, err
		}
		on := transport.Endpoint{Transport: name, Address: listener.Addr().String()}
		if name == "ws" {
			on.Address = "ws://" + on.Address + "/"
			h := &http.Server{Handler: http.HandlerFunc(w.serveMessages)}
			w.gone.Go(func() { h.Serve(listener) })
		} else {
			w.gone.Go(func() { // keeps the group from being empty while it accepts
				for {
					nc, err := listener.Accept()
					if err != nil {
						return
					}
					w.gone.Go(func() { w.serveStream(nc) })
				}
			})
		}
		w.gone.Go(w.keepTime)
		exited := make(chan struct{})
		return &process.Instance{
			Endpoints: []transport.Endpoint{on},
			Exited:    exited,
			Stop: func(context.Context) error {
				listener.Close()
				w.stop()
				return nil
			},
		}, nil
	}
}

var buffers = sync.Pool{New: func() any { return new([16 << 10]byte) }}

// serveStream serves a tcp or unix connection.
func (w *testServer) serveStream(nc net.Conn) {
	addr := nc.RemoteAddr().String()
	if nc.LocalAddr().Network() == "unix" {
		addr = "unix"
	}
	p := w.join(&peer{
		addr:    addr,
		send:    func(out []byte) { nc.Write(out) },
		hangUp:  func() { nc.Close() },
		stop:    func() { nc.SetReadDeadline(time.Now()) },
		goodbye: func() { nc.(interface{ CloseWrite() error }).CloseWrite() },
	})
	defer nc.Close()
	inputs := make(chan input, 1000)
	ended := make(chan struct{})
	var cause error
	go func() {
		defer close(inputs)
		buf := buffers.Get().(*[16 << 10]byte)
		defer buffers.Put(buf)
		for passed := int64(0); ; passed++ {
			p.listen(passed)
			n, err := nc.Read(buf[:])
			if n > 0 {
				inputs <- input{data: bytes.Clone(buf[:n])}
			}
			if err != nil {
				cause = err
				close(ended)
				p.endInput()
				return
			}
		}
	}()
	p.serve(inputs, func(data []byte) [][]byte {
		if w.queued {
			select {
			case <-ended:
				return nil
			case <-after(2):
			}
		}
		outs := p.receive(data)
		if w.abrupt && len(outs[0]) > 2000 {
			p.send(outs[0][:2000])
			select {
			case <-w.stopped:
				nc.Close()
			case <-after(200):
			}
			outs[0] = outs[0][2000:]
		}
		return outs
	})
	reset := !errors.Is(cause, io.EOF) && !errors.Is(cause, os.ErrDeadlineExceeded)
	if !reset {
		p.reply(p.finish())
	}
	p.leave(reset)
}

// serveMessages serves a WebSocket.
func (w *testServer) serveMessages(rw http.ResponseWriter, r *http.Request) {
	guard := &closeGuard{ResponseWriter: rw}
	ws, err := websocket.Accept(guard, r, &websocket.AcceptOptions{InsecureSkipVerify: w.anyOrigin})
	if err != nil {
		return
	}
	w.gone.Add(1)
	defer w.gone.Done()
	defer ws.CloseNow()
	ws.SetReadLimit(64 << 20)
	var kind atomic.Int64 // of the messages that the server sends
	kind.Store(int64(websocket.MessageText))
	ctx := context.Background()
	goodbye := func() { go ws.Close(websocket.StatusGoingAway, "") }
	p := w.join(&peer{
		addr:     r.RemoteAddr,
		messages: true,
		send:     func(out []byte) { ws.Write(ctx, websocket.MessageType(kind.Load()), out) },
		hangUp:   func() { ws.CloseNow() },
		goodbye:  goodbye,
	})
	p.stop = func() { p.over = true; p.awake() }
	inputs := make(chan input)
	guard.finish = func() {
		done := make(chan struct{})
		inputs <- input{done: done}
		<-done
	}
	guard.before = func() { p.leave(false) }
	reset := false
	go func() {
		defer close(inputs)
		for passed := int64(0); ; passed++ {
			p.listen(passed)
			k, data, err := ws.Read(ctx)
			if err != nil {
				reset = websocket.CloseStatus(err) == -1
				p.endInput()
				return
			}
			if kind.Store(int64(k)); w.binary {
				kind.Store(int64(websocket.MessageBinary))
			}
			inputs <- input{data: data}
		}
	}()
	p.serve(inputs, func(data []byte) [][]byte { return p.receive(data) })
	p.leave(reset)
}

// closeGuard lets a connection finish when a close frame arrives, and releases what it
// held before the library answers the frame.
type closeGuard struct {
	http.ResponseWriter
	net.Conn
	finish, before func()
}

func (g *closeGuard) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	nc, rw, err := http.NewResponseController(g.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	g.Conn = nc
	return g, bufio.NewReadWriter(rw.Reader, bufio.NewWriter(g)), nil
}

const closeFrame = 0x88

// Read calls finish if what is read begins with a close frame.
func (g *closeGuard) Read(buf []byte) (int, error) {
	n, err := g.Conn.Read(buf)
	if n > 0 && buf[0] == closeFrame && g.finish != nil {
		g.finish()
	}
	return n, err
}

// Write calls before if what is written begins with a close frame.
func (g *closeGuard) Write(frame []byte) (int, error) {
	if g.Conn == nil {
		return g.ResponseWriter.Write(frame)
	}
	if len(frame) > 0 && frame[0] == closeFrame && g.before != nil {
		g.before()
	}
	return g.Conn.Write(frame)
}
