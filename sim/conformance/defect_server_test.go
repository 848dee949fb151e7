package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"lockd/sim/conformance/process"
	"lockd/sim/conformance/protocol"
	"lockd/sim/model"
	"lockd/sim/transport"
)

// defect is a server with one defect. It serves the model over real sockets; a hook that
// is not nil replaces what a correct server does.
type defect struct {
	config model.Config
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
	// lowest and highest are the levels whose cases are run; 0: all up to strict.
	lowest, highest protocol.Level
	waits
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
