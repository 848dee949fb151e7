package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"lockd/wire"
)

// start serves TCP and returns the address.
func start(t *testing.T, config Config) (*Server, string) {
	t.Helper()
	l, err := ListenTCP("127.0.0.1", 0, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	s := New(config)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; !errors.Is(err, ErrClosed) {
			t.Errorf("serving ended with %v", err)
		}
	})
	return s, l.Addr().String()
}

func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { c.Close() })
	return c
}

// ask sends lines and expects a reply.
func ask(t *testing.T, c io.ReadWriter, lines, want string) {
	t.Helper()
	if _, err := io.WriteString(c, lines); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c, got); string(got) != want {
		t.Fatalf("asked %q, got %q instead of %q: %v", lines, got[:n], want, err)
	}
}

// TestWriteTimeout checks that a client that never reads loses its locks, and
// that others are served meanwhile (BAD-6).
func TestWriteTimeout(t *testing.T) {
	s, addr := start(t, Config{WriteTimeout: 300 * time.Millisecond})
	deaf, other := connect(t, addr), connect(t, addr)
	ask(t, deaf, "g deaf\n", "1 Lock Get Success: deaf\n")
	go io.Copy(deaf, endless("q\n"))
	ask(t, other, "g other\ni deaf\n", "1 Lock Get Success: other\n1 Lock Is Locked: deaf\n")
	waitUntil(t, "the deaf client to be dropped", func() bool { n, _ := s.Orphaned(); return n == 1 })
	ask(t, other, "g deaf\n", "1 Lock Get Success: deaf\n")
}

// TestIdleTimeout checks that silence, and only silence, ends a connection when
// that is wanted.
func TestIdleTimeout(t *testing.T) {
	s, addr := start(t, Config{IdleTimeout: 300 * time.Millisecond})
	silent, talker := connect(t, addr), connect(t, addr)
	ask(t, silent, "g silent\n", "1 Lock Get Success: silent\n")
	for range 10 {
		time.Sleep(50 * time.Millisecond)
		ask(t, talker, "g talker\n", "1 Lock Get Success: talker\n")
	}
	if rest, err := io.ReadAll(silent); err != nil || len(rest) > 0 {
		t.Errorf("got %q, %v", rest, err)
	}
	if n, locks := s.Orphaned(); n != 1 || locks != 1 {
		t.Errorf("%d connections hold %d locks", n, locks)
	}
}

// TestPendingLimit checks that clients that ask for dumps and do not read them
// are dropped, the one that has waited longest first.
func TestPendingLimit(t *testing.T) {
	var p pending
	s := New(Config{})
	sessions := make([]*session, 5)
	closed := make([]bool, 5)
	for i := range sessions {
		sessions[i] = &session{server: s, conn: closer{closed: &closed[i]}}
		p.add(sessions[i], pendingLimit/4)
	}
	if fmt.Sprint(closed) != "[true false false false false]" {
		t.Errorf("closed %v", closed)
	}
	p.remove(sessions[0])
	p.remove(sessions[2])
	p.add(sessions[2], pendingLimit/4)
	p.add(sessions[0], 2*pendingLimit)
	if fmt.Sprint(closed) != "[true true true true true]" {
		t.Errorf("closed %v", closed)
	}
	for _, x := range sessions {
		p.remove(x)
	}
	if p.bytes != 0 || len(p.replies) != 0 {
		t.Errorf("%d bytes are left", p.bytes)
	}
}

// closer is a connection that notes that it was closed.
type closer struct {
	net.Conn
	closed *bool
}

func (c closer) Close() error { *c.closed = true; return nil }

// TestOneWrite checks REPLY-5: the replies to what arrived together leave in
// one write, so that a client that reads once gets them all.
func TestOneWrite(t *testing.T) {
	writes := 0
	client, server := net.Pipe()
	s := New(Config{})
	x := &session{server: s, conn: countWrites{server, &writes}}
	s.begin(x)
	done := make(chan struct{})
	go func() { x.serveStream(); close(done) }()
	go io.WriteString(client, strings.Repeat("g job\nsg pool\nq\n", 16))
	buf := make([]byte, 64<<10)
	n, err := client.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.Count(buf[:n], []byte("shared_orphans: 0\n")); got != 16 {
		t.Errorf("the first read has %d replies to q, not 16", got)
	}
	client.Close()
	<-done
	if writes != 1 {
		t.Errorf("%d writes", writes)
	}
}

type countWrites struct {
	net.Conn
	writes *int
}

func (c countWrites) Write(p []byte) (int, error) { *c.writes++; return c.Conn.Write(p) }

// TestOutputBatch checks that Core stops when it has made enough replies, and
// loses nothing (REPLY-1): a name of 60 KB and many short commands must not take
// memory without bound.
func TestOutputBatch(t *testing.T) {
	core := NewCore(CoreConfig{Registry: true})
	id, _ := core.Open("a")
	name := strings.Repeat("n", 60_000)
	core.Receive(id, []byte("iam "+name+"\n"), nil)
	data := bytes.Repeat([]byte("me\n"), 100)
	replies := 0
	for len(data) > 0 {
		r := core.Receive(id, data, nil)
		if len(r.Out) > 2*outputBatch {
			t.Fatalf("%d bytes of replies at once", len(r.Out))
		}
		replies += bytes.Count(r.Out, []byte("\n"))
		data = r.Rest
	}
	if replies != 100 {
		t.Errorf("%d replies, not 100", replies)
	}
}

// TestNoise throws bytes at the server that no client would send, and resets in
// the middle, and checks that a bystander keeps its lock (BAD-6).
func TestNoise(t *testing.T) {
	s, addr := start(t, Config{Core: CoreConfig{MaxLine: 100}})
	bystander := connect(t, addr)
	ask(t, bystander, "g mine\n", "1 Lock Get Success: mine\n")
	const alphabet = "grisq \r\n\x00\xffmine"
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		c := connect(t, addr)
		noise := make([]byte, r.IntN(2000))
		for i := range noise {
			noise[i] = alphabet[r.IntN(len(alphabet))]
		}
		c.Write(noise)
		if r.IntN(2) == 0 {
			c.(*net.TCPConn).SetLinger(0) // a reset
		}
		c.Close()
	}
	waitUntil(t, "the noise to end", func() bool { n, _ := s.Orphaned(); return n == 1 })
	ask(t, bystander, "r mine\n", "1 Lock Release Success: mine\n")
	if _, locks := s.Orphaned(); locks != 0 {
		t.Errorf("%d locks are left", locks)
	}
}

// TestEndlessLine checks that a line without end takes no more memory than the
// limit.
func TestEndlessLine(t *testing.T) {
	core := NewCore(CoreConfig{MaxLine: 1000})
	id, _ := core.Open("a")
	piece := bytes.Repeat([]byte("x"), 700)
	replies := 0
	for range 1000 {
		replies += bytes.Count(core.Receive(id, piece, nil).Out, []byte("\n"))
	}
	if replies != 1 {
		t.Errorf("%d replies to one line", replies)
	}
	r := core.Receive(id, []byte("\ng x\n"), nil)
	if string(r.Out) != "1 Lock Get Success: x\n" {
		t.Errorf("got %q after the line", r.Out)
	}
}

// TestSilentConnections opens connections that say nothing; others are served.
func TestSilentConnections(t *testing.T) {
	const silent = 2000
	s, addr := start(t, Config{})
	for range silent {
		connect(t, addr)
	}
	c := connect(t, addr)
	ask(t, c, "g job\n", "1 Lock Get Success: job\n")
	waitUntil(t, "all to be accepted", func() bool { n, _ := s.Orphaned(); return n == silent+1 })
}

// TestOrigin checks WS-4.
func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		allowed []string
		origin  string
		want    int
	}{
		{nil, "", http.StatusSwitchingProtocols},
		{nil, "http://HOST", http.StatusSwitchingProtocols},
		{nil, "https://evil.example", http.StatusForbidden},
		{nil, "null", http.StatusForbidden},
		{[]string{"good.example"}, "https://good.example", http.StatusSwitchingProtocols},
		{[]string{"https://good.example"}, "http://good.example", http.StatusForbidden},
		{[]string{"*.good.example"}, "https://www.good.example", http.StatusSwitchingProtocols},
		{[]string{"good.example"}, "https://evil.example", http.StatusForbidden},
		{[]string{"*"}, "https://evil.example", http.StatusSwitchingProtocols},
	} {
		s := New(Config{Origins: c.allowed})
		h := httptest.NewServer(http.HandlerFunc(s.upgrade))
		host := strings.TrimPrefix(h.URL, "http://")
		header := http.Header{}
		if c.origin != "" {
			header.Set("Origin", strings.ReplaceAll(c.origin, "HOST", host))
		}
		ws, r, err := websocket.Dial(t.Context(), h.URL, &websocket.DialOptions{HTTPHeader: header})
		if err == nil {
			ws.CloseNow()
		}
		if r == nil || r.StatusCode != c.want {
			t.Errorf("origin %q with %q allowed: %v, not %d", c.origin, c.allowed, r, c.want)
		}
		s.Close()
		h.Close()
	}
}

// TestTornMessage checks LINE-7 on a WebSocket: a message whose end never comes
// is not executed beyond its last LF, wherever it is torn.
func TestTornMessage(t *testing.T) {
	// A masked text message "g a\ng b" in one frame, and in two.
	one := "\x81\x87\x00\x00\x00\x00g a\ng b"
	two := "\x01\x87\x00\x00\x00\x00g a\ng b\x80\x81\x00\x00\x00\x00c"
	for _, frames := range []string{one, two} {
		for cut := range len(frames) {
			p := newWebSocketPeer(t, CoreConfig{}).(*live)
			p.open(1)
			c := connect(t, p.conns[1].(*wsConn).remote)
			ask(t, c, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", "HTTP/1.1 101 ")
			io.WriteString(c, frames[:cut])
			c.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, c)
			p.send(1, []byte("g b\ni a"), []byte("1 Lock Get Success: b\n0 Lock Not Locked: a\n"))
			if n := p.server.executed(); n > 3 {
				t.Errorf("cut at %d of %q: %d commands were executed", cut, frames, n)
			}
			p.done()
		}
	}
}

// TestIdentity checks ADDR-2: connections are told apart by their number,
// whatever their addresses and names.
func TestIdentity(t *testing.T) {
	core := NewCore(CoreConfig{Registry: true})
	seen := make(map[ID]bool)
	for range 10 {
		a, _ := core.Open("127.0.0.1:5000")
		b, _ := core.Open("127.0.0.1:5000")
		if seen[a] || seen[b] || a == b {
			t.Fatalf("a number was used again: %d, %d", a, b)
		}
		seen[a], seen[b] = true, true
		core.Receive(a, []byte("iam x\ng job\n"), nil)
		if got := core.Receive(b, []byte("iam x\ng job\nr job\n"), nil).Out; string(got) != "1 ok\n0 Lock Get Failure: job\n0 Lock Release Failure: job\n" {
			t.Errorf("got %q", got)
		}
		core.Close(b)
		if got := core.Receive(a, []byte("r job\n"), nil).Out; string(got) != "1 Lock Release Success: job\n" {
			t.Errorf("got %q", got)
		}
		core.Close(a)
		if got := core.Receive(a, []byte("g late\n"), nil); got.Out != nil || core.machine.ExclusiveLocks() != 0 {
			t.Errorf("a closed connection was answered %q", got.Out)
		}
	}
}

// TestSnapshots checks END-7, STATS-8 and DUMP-8 on sockets: the locks of a
// connection that ends vanish together.
func TestSnapshots(t *testing.T) {
	_, addr := start(t, Config{Core: CoreConfig{Dump: true}})
	observer := connect(t, addr)
	replies := wire.NewReplyReader(observer, 0)
	for range 200 {
		c := connect(t, addr)
		ask(t, c, "g a\ng b\ng c\n", "1 Lock Get Success: a\n1 Lock Get Success: b\n1 Lock Get Success: c\n")
		c.(*net.TCPConn).SetLinger(0)
		go c.Close()
		for held := 3; held > 0; {
			io.WriteString(observer, "dump\n")
			line, err := replies.Line()
			if err != nil {
				t.Fatal(err)
			}
			if held = bytes.Count(line, []byte("127.0.0.1")); held != 0 && held != 3 {
				t.Fatalf("a dump shows %q", line)
			}
		}
	}
}

// TestAcceptErrors checks that serving goes on after accepts that fail.
func TestAcceptErrors(t *testing.T) {
	inner, err := ListenTCP("127.0.0.1", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{})
	done := make(chan error, 1)
	go func() { done <- s.Serve(&failingListener{Listener: inner, failures: 3}) }()
	ask(t, connect(t, inner.Addr().String()), "g job\n", "1 Lock Get Success: job\n")
	s.Close()
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}

// failingListener fails as if the process had no file descriptor left.
type failingListener struct {
	net.Listener
	failures int
}

func (l *failingListener) Accept() (net.Conn, error) {
	if l.failures > 0 {
		l.failures--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return l.Listener.Accept()
}
