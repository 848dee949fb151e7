package conformance

import (
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
)

// repliesInOnePacket asks often enough for a server that writes every reply
// by itself to be seen doing so.
func repliesInOnePacket(r *run) error {
	c, err := r.conn("a")
	if err != nil {
		return err
	}
	const rounds, commands = 20, 30 // whose replies fit into one packet of an ethernet
	question := []byte(strings.Repeat("i t\n", commands))
	for range rounds {
		if err := r.broken(c, c.send(question, packet)); err != nil {
			return err
		}
		if err := r.expectChunk("a", "", commands); err != nil {
			return err
		}
		for range commands {
			if _, err := r.take(c, "a reply to \"i t\""); err != nil {
				return err
			}
		}
	}
	return nil
}

// statisticsInOnePacket asks q between two inspections.
func statisticsInOnePacket(r *run) error {
	c, err := r.conn("a")
	if err != nil {
		return err
	}
	const rounds = 20
	for round := range rounds {
		last := r.name(fmt.Sprintf("last%d", round+1))
		if err := r.broken(c, c.send([]byte("i t\nq\ni "+last+"\n"), packet)); err != nil {
			return err
		}
		p, k, err := c.nextChunk()
		if err != nil {
			return failf(r.missing(c, err), "the statistics")
		}
		end := r.suite.sentinelReply(last)
		lines := strings.Split(strings.ReplaceAll(string(p), "\r\n", "\n"), "\n")
		if len(lines) < 5 || lines[len(lines)-2] != end {
			return failf(fmt.Sprintf("a %s of %d lines: %s", kindNames[k], len(lines)-1, quote(p)),
				"the replies to \"i t\", \"q\" and \"i %s\" in one packet", last)
		}
		for range len(lines) - 1 {
			if _, err := r.take(c, "the statistics"); err != nil {
				return err
			}
		}
	}
	return nil
}

// wholeStatisticsMessage asks q alone and compares the first message with all
// that is answered.
func wholeStatisticsMessage(r *run) error {
	c, err := r.conn("a")
	if err != nil {
		return err
	}
	if err := r.broken(c, c.send([]byte("q"), textMessage)); err != nil {
		return err
	}
	first, _, err := c.nextChunk()
	if err != nil {
		return failf(r.missing(c, err), "the statistics")
	}
	lines, err := r.untilSentinel(c)
	if err != nil {
		return err
	}
	if n := strings.Count(string(first), "\n"); n != len(lines) || n < 2 {
		return failf(fmt.Sprintf("%d of %d lines in the first message", n, len(lines)), "all lines of q in one message")
	}
	return nil
}

// statisticsWithAName compares the keys of q NAME with those of q.
func statisticsWithAName(r *run) error {
	c, err := r.conn("a")
	if err != nil {
		return err
	}
	plain, err := r.snapshot(c)
	if err != nil {
		return err
	}
	for _, question := range []string{"q other", "q full house", "q Full"} {
		if err := r.broken(c, c.send([]byte(question+"\n"), packet)); err != nil {
			return err
		}
		lines, err := r.untilSentinel(c)
		if err != nil {
			return err
		}
		if got := parseStats(lines); len(lines) != len(plain.lines) || !slices.Equal(got.keys, plain.keys) {
			return failf(listing(lines), "the %d lines of \"q\" in answer to %q", len(plain.lines), question)
		}
	}
	return nil
}

var unixMe = regexp.MustCompile(`^1 (unix:[0-9]+) (unix:[0-9]+)$`)

// unixAddress asks two unix connections for their addresses.
func unixAddress(r *run) error {
	seen := map[string]bool{}
	for _, name := range []string{"a", "b"} {
		c, err := r.conn(name)
		if err != nil {
			return err
		}
		line, err := r.request(c, "me")
		if err != nil {
			return err
		}
		m := unixMe.FindStringSubmatch(line)
		if m == nil || m[1] != m[2] {
			return failf(quote([]byte(line)), "a line \"1 unix:N unix:N\"")
		}
		if seen[m[1]] {
			return failf(m[1]+" for both", "two connections to have two numbers")
		}
		seen[m[1]] = true
	}
	return nil
}

// addressReuse connects twice from the same port, if the port is not given to
// somebody else in between.
func addressReuse(r *run) (err error) {
	for try := range 10 {
		err = r.addressReuse(fmt.Sprintf("a%d", try+1))
		if _, taken := err.(errSkip); !taken {
			return err
		}
	}
	return err
}

// openFrom opens a TCP connection from a local address.
func (r *run) openFrom(name string, local *net.TCPAddr) (*conn, error) {
	dialer := &net.Dialer{LocalAddr: local, Timeout: r.suite.opts.Timeout}
	nc, err := dialer.DialContext(r.ctx, "tcp", r.on.Address)
	if err != nil {
		return nil, err
	}
	r.log.note(name, "connects over tcp from port %d", nc.LocalAddr().(*net.TCPAddr).Port)
	c := newConn(name, r.on, &byteStream{nc, r.suite.opts.Timeout}, r.log, r.suite.opts.Timeout)
	r.order = append(r.order, c)
	return c, nil
}

func (r *run) addressReuse(first string) error {
	// An explicit bind gives a port that no earlier connection lingers on.
	a, err := r.openFrom(first, &net.TCPAddr{})
	if err != nil {
		return err
	}
	name, shared := r.name(first+"x"), r.name(first+"y")
	if err := r.wantInt(a, "g "+name, 1); err != nil {
		return err
	}
	if err := r.wantInt(a, "sg "+shared, 1); err != nil {
		return err
	}
	port, err := net.ResolveTCPAddr("tcp", a.t.localAddr())
	if err != nil {
		return err
	}
	r.log.note(first, "reset (by the client)")
	a.t.reset() // leaves the port free at once
	<-a.done
	b, err := r.openFrom("b", port)
	if err != nil {
		return errSkip("the port could not be used again: " + err.Error())
	}
	if err := r.wantInt(b, "r "+name, 0); err != nil {
		return err
	}
	if err := r.wantInt(b, "sr "+shared, 0); err != nil {
		return err
	}
	if err := r.poll(func() error { return r.wantInt(b, "g "+name, 1) }); err != nil {
		return err
	}
	return r.poll(func() error { return r.wantInt(b, "sg "+shared, 1) })
}

// garbage sends what is no lockd protocol at all, and looks after each whether
// another connection is still served.
func garbage(r *run) error {
	b, err := r.conn("b")
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 64<<10)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for i, input := range [][]byte{
		noise,
		[]byte("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"),
		{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03}, // TLS
		[]byte(strings.Repeat("\x00", 10000)),
		[]byte(strings.Repeat("\n", 10000)),
		[]byte(strings.Repeat("%s%n", 1000) + "\n"),
		[]byte(strings.Repeat("a ", 20000)),
		[]byte("g"), []byte("s"), []byte("\r"), []byte(" "),
	} {
		name := fmt.Sprintf("noise%d", i+1)
		c, err := r.conn(name)
		if err != nil {
			return err
		}
		c.send(input, packet) // the server may close at any time
		if i%2 == 0 {
			c.t.reset()
		} else {
			c.t.close()
		}
		if err := r.wantInt(b, "g "+r.name(name), 1); err != nil {
			return err
		}
	}
	return nil
}
