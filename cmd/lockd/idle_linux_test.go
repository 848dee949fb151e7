package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestNoProcessorTime brings daemons into states in which there is nothing to do, and
// checks that they use no processor time. A loop that ignores an event that the kernel
// goes on to report uses a whole processor.
func TestNoProcessorTime(t *testing.T) {
	needLoops(t)
	t.Parallel()
	endTurn := takeTurn(t) // it takes a daemon that does not answer in 200 ms for one that does not serve
	const (
		window = time.Second
		most   = window / 5
	)
	// Each state returns its daemon; last, if not nil, is called just before the
	// measurement, and then after it.
	type state struct {
		daemon *live
		last   func()
		then   func()
	}
	states := []struct {
		name  string
		enter func(t *testing.T) state
	}{
		{"idle", func(t *testing.T) state { return idleState(t, "1") }},
		{"idle, three loops", func(t *testing.T) state { return idleState(t, "3") }},
		{"no descriptors left", func(t *testing.T) (s state) {
			s.daemon, s.then = withoutDescriptors(t)
			return s
		}},
		{"half-close with unread replies, tcp", func(t *testing.T) (s state) {
			s.daemon, s.then = unreadReplies(t, "tcp")
			return s
		}},
		{"half-close with unread replies, unix", func(t *testing.T) (s state) {
			s.daemon, s.then = unreadReplies(t, "unix")
			return s
		}},
		{"reset under backpressure, tcp", func(t *testing.T) (s state) {
			s.daemon, s.last, s.then = resetUnderBackpressure(t, "tcp")
			return s
		}},
		{"closed under backpressure, unix", func(t *testing.T) (s state) {
			s.daemon, s.last, s.then = resetUnderBackpressure(t, "unix")
			return s
		}},
		{"closed while it lingers, tcp", func(t *testing.T) (s state) {
			s.daemon, s.last, s.then = closedWhileLingering(t, "tcp")
			return s
		}},
		{"closed while it lingers, unix", func(t *testing.T) (s state) {
			s.daemon, s.last, s.then = closedWhileLingering(t, "unix")
			return s
		}},
	}
	entered := make([]state, len(states))
	for i, s := range states {
		entered[i] = s.enter(t)
	}
	used := make([]time.Duration, len(states))
	for i, s := range entered {
		if s.last != nil {
			s.last()
		}
		used[i] = -s.daemon.processor()
	}
	endTurn() // what other processes use does not count
	time.Sleep(window)
	for i, s := range entered {
		used[i] += s.daemon.processor()
		t.Logf("%-40s %v in %v", states[i].name, used[i], window)
		if used[i] > most {
			t.Errorf("%s: it has used %v of processor time in %v", states[i].name, used[i], window)
		}
	}
	for i, s := range entered {
		t.Run(states[i].name, func(t *testing.T) {
			s.daemon.t = t
			s.then()
		})
		s.daemon.t = t
	}
}

// idleState has 200 silent connections, some of which did some work before.
func idleState(t *testing.T, loops string) (s struct {
	daemon     *live
	last, then func()
}) {
	d := lockd(t, "-loops", loops)
	var all []*peer
	for i := range 200 {
		p := d.dial([]string{"tcp", "unix"}[i%2])
		if i%3 == 0 {
			p.wants(t, fmt.Sprint("g ", i), fmt.Sprint("1 Lock Get Success: ", i))
		}
		all = append(all, p)
	}
	s.daemon = d
	s.then = func() {
		for i, p := range all {
			p.wants(d.t, fmt.Sprint("sg ", i), fmt.Sprintf("1 Shared Lock Get Success: %d", i))
		}
	}
	return s
}

// withoutDescriptors is a daemon without free descriptors, with peers in the accept
// queue.
func withoutDescriptors(t *testing.T) (*live, func()) {
	d := startLive(t, `ulimit -n 40; exec "$@"`, nil, "-ws", "0")
	var served, waiting []*peer
	for range 45 {
		p := d.dial("tcp")
		p.SetDeadline(time.Now().Add(200 * time.Millisecond))
		if len(waiting) > 0 {
			io.WriteString(p, "i x\n")
			waiting = append(waiting, p)
			continue
		}
		switch reply, err := p.ask("i x"); {
		case err == nil:
			served = append(served, p)
		case errors.Is(err, os.ErrDeadlineExceeded):
			waiting = append(waiting, p)
		default:
			t.Fatalf("it is answered %q, %v", reply, err)
		}
	}
	if len(served) < 10 || len(waiting) < 2 || len(waiting) > 35 {
		t.Fatalf("with 40 descriptors %d are served, %d wait", len(served), len(waiting))
	}
	return d, func() {
		d.t.Logf("%d are served, %d wait", len(served), len(waiting))
		if !strings.Contains(d.log.String(), "cannot accept a connection") {
			d.t.Errorf("the log does not say so: %s", d.log)
		}
		for _, p := range waiting {
			p.SetDeadline(time.Now().Add(patience))
		}
		// For each that ends one is accepted, in the order of the queue.
		for i, p := range waiting {
			if i >= 3 && testing.Short() {
				break
			}
			if i == 3 {
				for _, p := range served[i:] { // all at once
					p.Close()
				}
			} else if i < 3 {
				served[i].Close()
			}
			if reply, err := p.line(); reply != "0 Lock Not Locked: x" || err != nil {
				d.t.Fatalf("peer %d of the queue is answered %q, %v", i, reply, err)
			}
		}
	}
}

// backpressure makes a client that does not read send commands until the daemon has
// stopped reading from it, and returns the client and the number of commands.
func (d *live) backpressure(t *testing.T, network, first string) (*peer, int) {
	t.Helper()
	small := net.Dialer{Timeout: patience, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<10) })
	}}
	c, err := small.Dial(network, d.address(network))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(2 * patience))
	const asked = 40_000
	if _, err := io.WriteString(c, first+strings.Repeat("q\n", asked)); err != nil {
		t.Fatal(err)
	}
	// The daemon has stopped reading when it executes no more commands.
	last, same := -1, 0
	if !eventually(func() bool {
		time.Sleep(30 * time.Millisecond)
		n := d.figures()["command_q"] - 1
		if n-1 == last { // not counting the q
			same++
		} else {
			same = 0
		}
		last = n
		return same == 3
	}) || last >= asked {
		t.Fatalf("it does not stop reading: %d of %d are executed", last, asked)
	}
	return &peer{Conn: c}, asked
}

// unreadReplies is the state after a client that has not read its replies has ended its
// stream.
func unreadReplies(t *testing.T, network string) (*live, func()) {
	d := lockd(t)
	p, asked := d.backpressure(t, network, "g kept\n")
	if err := p.Conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	return d, func() {
		d.dial("tcp").wants(d.t, "i kept", "1 Lock Is Locked: kept")
		all, err := io.ReadAll(p.Conn)
		if err != nil || !bytes.HasSuffix(all, []byte("shared_orphans: 0\n")) {
			d.t.Errorf("the replies end with %.100q, %v", all[max(0, len(all)-100):], err)
		}
		if n := bytes.Count(all, []byte("command_q: ")); n != asked {
			d.t.Errorf("%d of %d were answered", n, asked)
		}
		d.dial("tcp").wants(d.t, "i kept", "0 Lock Not Locked: kept")
	}
}

// resetUnderBackpressure is the state after clients that have not read their replies
// have reset their connections.
func resetUnderBackpressure(t *testing.T, network string) (d *live, last, then func()) {
	d = lockd(t)
	before := d.settled()
	var all []*peer
	for i := range 2 {
		p, _ := d.backpressure(t, network, fmt.Sprintf("g lost%d\nsg lost\n", i))
		all = append(all, p)
	}
	last = func() {
		for _, p := range all {
			p.reset()
		}
	}
	then = func() {
		if !eventually(func() bool { return d.descriptors() <= before }) {
			d.t.Errorf("%d descriptors are open, %d were before", d.descriptors(), before)
		}
		f := d.figures()
		if f["locks"] != 0 || f["shared_locks"] != 0 || f["orphans"] != len(all) || f["shared_orphans"] != len(all) || f["connections"] != 1 {
			d.t.Errorf("the locks are not released: %v", f)
		}
	}
	return d, last, then
}

// closedWhileLingering is the state after refused clients, for which the daemon lingers
// for a second, have closed their connections.
func closedWhileLingering(t *testing.T, network string) (d *live, last, then func()) {
	d = lockd(t, "-max-connections", "1")
	before := d.settled() + 1
	one := d.dial(network)
	one.wants(t, "g x", "1 Lock Get Success: x")
	last = func() {
		var all []*peer
		for range 20 {
			p := d.dial(network)
			if reply, err := p.line(); reply != "0 Too Many Connections" || err != nil {
				t.Fatalf("one too many is answered %q, %v", reply, err)
			}
			all = append(all, p)
		}
		for _, p := range all {
			p.Close()
		}
	}
	then = func() {
		if n := d.descriptors(); n > before {
			d.t.Errorf("%d descriptors are open a second later, %d were before", n, before)
		}
		one.wants(d.t, "r x", "1 Lock Release Success: x")
	}
	return d, last, then
}
