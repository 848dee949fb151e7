package docs

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestLockingSessions replays the conversations of locking.md, each block with new
// connections, except that AGE, TOKEN, CONN and ADDR stand for what a reply has there, and
// tokens are compared with those before.
func TestLockingSessions(t *testing.T) {
	t.Parallel()
	addr := runDaemon(t, build(t, "./cmd/lockd"), "-kill")
	blocks := codeBlocks(t, "locking.md")
	if len(blocks) < 8 {
		t.Fatalf("locking.md has %d blocks", len(blocks))
	}
	talk := conversation{t: t, addr: addr, conns: map[string]*talker{}}
	for i, block := range blocks {
		if strings.HasPrefix(block, "$ nc") {
			continue
		}
		goesOn := i == len(blocks)-1 // the last one, about k
		if !goesOn {
			talk.close()
		}
		for line := range strings.Lines(block) {
			talk.play(strings.TrimSuffix(line, "\n"))
		}
	}
	talk.close()
}

// conversation is the connections of a block.
type conversation struct {
	t     *testing.T
	addr  string
	conns map[string]*talker
	known map[string]string // CONN and TOKEN, as read last
	last  int64             // token
}

type talker struct {
	*net.TCPConn
	lines *bufio.Reader
	asked bool // the text does not show the reply to what it has sent last
}

// close ends all connections, whose locks are released then (END-5), and checks that the
// text shows all their replies.
func (c *conversation) close() {
	c.t.Helper()
	for name, conn := range c.conns {
		conn.CloseWrite()
		rest, err := io.ReadAll(conn.lines)
		if err == nil && len(rest) > 0 && !conn.asked { // one that was killed may be reset
			c.t.Errorf("%s is also answered %q", name, rest)
		}
		conn.Close()
	}
	c.conns, c.known, c.last = map[string]*talker{}, map[string]string{}, 0
}

var said = regexp.MustCompile(`^([a-z]+[0-9]?)([<>]) (.*)$`)

// play plays one line of a block.
func (c *conversation) play(line string) {
	c.t.Helper()
	m := said.FindStringSubmatch(line)
	if m == nil {
		c.t.Fatalf("cannot replay %q", line)
	}
	conn := c.conns[m[1]]
	if conn == nil {
		tcp := dial(c.t, c.addr)
		conn = &talker{TCPConn: tcp, lines: bufio.NewReader(tcp)}
		c.conns[m[1]] = conn
	}
	if conn.asked = m[2] == ">"; conn.asked {
		text := m[3]
		for word, value := range c.known {
			text = strings.ReplaceAll(text, word, value)
		}
		fmt.Fprintln(conn, text)
		if strings.HasPrefix(text, "w ") {
			time.Sleep(50 * time.Millisecond) // so that waits begin in order
		}
		return
	}
	got, err := conn.lines.ReadString('\n')
	if err != nil {
		c.t.Fatalf("%q: %v", line, err)
	}
	c.compare(m[3], strings.TrimSuffix(got, "\n"))
}

var (
	variable = regexp.MustCompile(`AGE|TOKEN|CONN|ADDR`)
	sixteen  = regexp.MustCompile(`^\d{16} `)
)

// compare compares a reply with what the text says.
func (c *conversation) compare(want, got string) {
	c.t.Helper()
	if sixteen.MatchString(want) && sixteen.MatchString(got) {
		var n int64
		fmt.Sscan(got, &n)
		if n <= c.last {
			c.t.Errorf("the token %d comes after %d", n, c.last)
		}
		c.last = n
		want, got = want[17:], got[17:]
	}
	words := variable.FindAllString(want, -1)
	pattern := variable.ReplaceAllString(regexp.QuoteMeta(want), `(\S+)`)
	m := regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(got)
	if m == nil {
		c.t.Errorf("got %q, the text says %q", got, want)
		return
	}
	for i, word := range words {
		c.known[word] = m[i+1]
	}
}
