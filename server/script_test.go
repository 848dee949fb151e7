package server

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"lockd/server/core"
)

// The scripts in testdata/script are conversations with a server, annotated with the
// clauses of docs/protocol.md that they test. Scripts in any run against Core and
// live over every transport, scripts in stream over byte streams, scripts in
// message over WebSockets. A script has these directives:
//
//	server [dialect=classic] [registry] [dump] [max-line=N] ...
//	open N        connect; the output is the refusal, if any
//	send N        send the lines, each with its LF; raw sends them joined, with
//	              nothing but the escapes \n, \r, \xNN and \\ in them
//	stand N       send a line that makes the connection wait, and raw what is
//	              behind it; the output is what is answered before
//	read N        read what is answered after a wait
//	pause MS      let time pass
//	half-close N  end the stream of the client, and read to its end
//	close N       end the connection both ways
//
// ADDR1 stands for the address of connection 1. `go test ./server -run
// TestScripts/core -rewrite` replaces the expected replies by those of Core.

// peer is the server of a script: a Core, or a live server on some transport.
type peer interface {
	open(n int) []byte
	// send sends data as one packet or message and returns the reply; a live
	// peer waits until it has as many bytes as want.
	send(n int, data, want []byte) []byte
	// stand sends data that makes the connection wait, which begins before it returns.
	stand(n int, data, want []byte) []byte
	// read reads what is answered after a wait; a live peer as many bytes as want.
	read(n int, want []byte) []byte
	pause(d time.Duration)
	halfClose(n int) []byte
	close(n int)
	// text replaces ADDR1 and so on by the addresses of connections.
	text(want string) string
	done()
}

func TestScripts(t *testing.T) {
	for _, transport := range []struct {
		name    string
		folders []string
		start   func(*testing.T, core.Config) peer
	}{
		{"core", []string{"any", "stream", "message"}, newCorePeer},
		{"tcp-goroutines", []string{"any", "stream"}, onGoroutines(newTCPPeer)},
		{"tcp-loop", []string{"any", "stream"}, onLoops(1, newTCPPeer)},
		{"tcp-loops", []string{"any", "stream"}, onLoops(3, newTCPPeer)},
		{"bytewise-goroutines", []string{"any", "stream"}, onGoroutines(newBytewisePeer)},
		{"bytewise-loop", []string{"any", "stream"}, onLoops(1, newBytewisePeer)},
		{"unix-goroutines", []string{"any", "stream"}, onGoroutines(newUnixPeer)},
		{"unix-loop", []string{"any", "stream"}, onLoops(1, newUnixPeer)},
		{"websocket", []string{"any", "message"}, newWebSocketPeer},
	} {
		for _, folder := range transport.folders {
			files, err := filepath.Glob(filepath.Join("testdata/script", folder, "*.txt"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no scripts in %s: %v", folder, err)
			}
			for _, file := range files {
				t.Run(transport.name+"/"+strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
					runScript(t, file, transport.start)
				})
			}
		}
	}
}

func runScript(t *testing.T, file string, start func(*testing.T, core.Config) peer) {
	var p peer
	datadriven.RunTest(t, file, func(t *testing.T, d *datadriven.TestData) string {
		if d.Cmd == "server" {
			if p != nil {
				p.done()
			}
			p = start(t, scriptConfig(t, d))
			return ""
		}
		n := 0
		raw := false
		for _, arg := range d.CmdArgs {
			if arg.Key == "raw" {
				raw = true
			} else if i, err := strconv.Atoi(arg.Key); err == nil {
				n = i
			}
		}
		switch d.Cmd {
		case "open":
			return escape(p.open(n))
		case "close":
			p.close(n)
			return ""
		case "half-close":
			return escape(p.halfClose(n))
		case "pause":
			p.pause(time.Duration(n) * time.Millisecond)
			return ""
		case "send", "stand", "read":
			lines := strings.Split(d.Input, "\n")
			data := unescape(t, strings.Join(lines, ""))
			if !raw && d.Cmd != "read" {
				data = unescape(t, strings.Join(lines, `\n`)+`\n`)
			}
			want := unescape(t, strings.ReplaceAll(p.text(d.Expected), "\n", `\n`))
			var got []byte
			switch d.Cmd {
			case "send":
				got = p.send(n, data, want)
			case "stand":
				got = p.stand(n, data, want)
			default:
				got = p.read(n, want)
			}
			if bytes.Equal(got, want) {
				return d.Expected // with ADDR1 instead of addresses
			}
			return escape(got)
		}
		t.Fatalf("%s: unknown directive %s", d.Pos, d.Cmd)
		return ""
	})
	p.done()
}

// scriptConfig reads the arguments of the server directive.
func scriptConfig(t *testing.T, d *datadriven.TestData) core.Config {
	config := core.Config{PID: 4242}
	for _, arg := range d.CmdArgs {
		number := func() int {
			n, err := strconv.Atoi(arg.Vals[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		switch arg.Key {
		case "dialect":
			if err := config.Dialect.UnmarshalText([]byte(arg.Vals[0])); err != nil {
				t.Fatal(err)
			}
		case "registry":
			config.Registry = true
		case "dump":
			config.Dump = true
		case "answer-invalid":
			config.AnswerInvalid = true
		case "kill":
			config.Kill = true
		case "max-line":
			config.MaxLine = number()
		case "max-connections":
			config.MaxConnections = number()
		case "max-locks":
			config.MaxLocks = number()
		default:
			t.Fatalf("%s: unknown option %s", d.Pos, arg.Key)
		}
	}
	return config
}

// escape formats bytes as lines of printable text.
func escape(data []byte) string {
	var b strings.Builder
	for _, c := range data {
		switch {
		case c == '\n':
			b.WriteByte('\n')
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\\':
			b.WriteString(`\\`)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	if len(data) > 0 && data[len(data)-1] != '\n' {
		b.WriteString("(no LF)")
	}
	return b.String()
}

// unescape is the inverse of escape, for one line that may hold \n.
func unescape(t *testing.T, s string) []byte {
	s = strings.ReplaceAll(s, `"`, `\"`)
	data, err := strconv.Unquote(`"` + s + `"`)
	if err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return []byte(data)
}

// corePeer runs a script against Core alone.
type corePeer struct {
	t    *testing.T
	core *core.Core
	ids  map[int]core.ID
	now  core.Time
	owed map[core.ID][]byte // after a wait, and not read
	rest map[core.ID][]byte // kept behind a wait
	// messages makes each send a message.
	messages bool
}

func newCorePeer(t *testing.T, config core.Config) peer {
	return &corePeer{t: t, core: core.New(config), ids: make(map[int]core.ID), owed: make(map[core.ID][]byte), rest: make(map[core.ID][]byte), messages: strings.Contains(t.Name(), "message")}
}

func (p *corePeer) open(n int) []byte {
	var fx core.Effects
	id, ok := p.core.Open(0, core.Peer{Addr: fmt.Sprintf("ADDR%d", n)}, &fx)
	if !ok {
		return fx.To(0)
	}
	p.ids[n] = id
	return nil
}

func (p *corePeer) send(n int, data, _ []byte) []byte {
	id := p.ids[n]
	replies := p.receive(id, data)
	p.goOn()
	return replies
}

// receive passes data to Core, and keeps what is behind a wait.
func (p *corePeer) receive(id core.ID, data []byte) []byte {
	var fx core.Effects
	state := core.State{}
	for len(data) > 0 && !state.Queued {
		data, state = p.core.Receive(p.now, id, data, &fx)
		p.dump(id, state, &fx)
	}
	if p.rest[id] = data; p.messages && !state.Queued {
		p.dump(id, p.core.EndMessage(p.now, id, &fx), &fx)
	}
	p.resumed(&fx)
	return fx.To(id)
}

// resumed notes the answers to connections that have waited for a lock.
func (p *corePeer) resumed(fx *core.Effects) {
	for _, r := range fx.Resumed() {
		p.owed[r.To] = append(p.owed[r.To], r.Reply...)
		if p.rest[r.To] == nil {
			p.rest[r.To] = []byte{}
		}
	}
	p.valid()
}

// goOn executes what is behind waits that have ended.
func (p *corePeer) goOn() {
	for range 10 {
		for _, id := range p.ids {
			if rest := p.rest[id]; len(rest) > 0 && len(p.owed[id]) > 0 {
				p.owed[id] = append(p.owed[id], p.receive(id, rest)...)
			}
		}
	}
}

func (p *corePeer) stand(n int, data, _ []byte) []byte { return p.receive(p.ids[n], data) }

func (p *corePeer) read(n int, _ []byte) []byte {
	owed := p.owed[p.ids[n]]
	delete(p.owed, p.ids[n])
	return owed
}

func (p *corePeer) pause(d time.Duration) {
	p.now += core.Time(d)
	var fx core.Effects
	p.core.Tick(p.now, &fx)
	p.resumed(&fx)
	p.goOn()
}

// dump makes the reply that a connection waits for.
func (p *corePeer) dump(id core.ID, state core.State, fx *core.Effects) {
	if !state.Waits || state.Queued {
		return
	}
	p.valid()
	var made core.Effects
	p.core.Tick(p.core.Next(), &made)
	d := made.Dump()
	d.Make()
	p.core.Finish(0, d, &made)
	fx.Append(id, made.Resumed()[0].Reply)
}

func (p *corePeer) halfClose(n int) []byte {
	var fx core.Effects
	p.core.EndOfStream(p.now, p.ids[n], &fx)
	p.resumed(&fx)
	p.goOn()
	rest := p.read(n, nil)
	p.close(n)
	return rest
}

func (p *corePeer) close(n int) {
	var fx core.Effects
	p.core.Close(p.now, p.ids[n], &fx)
	delete(p.ids, n)
	p.resumed(&fx)
	p.goOn()
}

func (p *corePeer) valid() {
	if err := p.core.Valid(); err != nil {
		p.t.Fatal(err)
	}
}

func (p *corePeer) text(want string) string { return want }
func (p *corePeer) done()                   {}

// TestClauses checks that every clause cited in code or tests exists, and that a script
// or test cites every clause.
func TestClauses(t *testing.T) {
	text, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	cited := make(map[string]bool) // false: only outside tests
	for _, m := range regexp.MustCompile(`(?m)^- \*\*([A-Z]+-\d+)\*\* \((?:core|family|strict|extended)\) `).FindAllSubmatch(text, -1) {
		cited[string(m[1])] = false
	}
	if len(cited) < 80 {
		t.Fatalf("only %d clauses found in docs/protocol.md", len(cited))
	}
	prefixes := make(map[string]bool)
	for id := range cited {
		prefix, _, _ := strings.Cut(id, "-")
		prefixes[prefix] = true
	}
	id := regexp.MustCompile(`\b([A-Z]+)-\d+\b`)
	for _, pattern := range []string{"../lock/*.go", "../wire/*.go", "*.go", "*/*.go", "testdata/script/*/*.txt", "../cmd/lockd/*.go"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range id.FindAllSubmatch(text, -1) {
				clause := string(m[0])
				if _, ok := cited[clause]; !ok {
					if prefixes[string(m[1])] {
						t.Errorf("%s cites %s, which docs/protocol.md does not have", file, clause)
					}
					continue
				}
				if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, ".txt") {
					cited[clause] = true
				}
			}
		}
	}
	for clause, tested := range cited {
		if !tested {
			t.Errorf("no script and no test here cites %s", clause)
		}
	}
}
