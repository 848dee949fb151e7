package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"lockd/server"
)

func needLoops(t *testing.T) {
	t.Helper()
	if !server.LoopsSupported {
		t.Skip("there are no loops on this architecture")
	}
}

// TestNoProcessorTime brings daemons into states in which there is nothing to do,
// and looks at what they do then. A loop that is told of something for ever, and
// does not take it or cannot, uses a whole processor.
func TestNoProcessorTime(t *testing.T) {
	needLoops(t)
	const (
		window = time.Second
		most   = window / 5
	)
	// Each returns what it has started; last, if not nil, is called just before
	// the time is taken, and then after it.
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

// idleState is that of 200 connections that say nothing, some after some work.
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

// withoutDescriptors is the state of a daemon that has none left, with peers in
// the queue.
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
			d.t.Errorf("the log says nothing of it: %s", d.log)
		}
		for _, p := range waiting {
			p.SetDeadline(time.Now().Add(patience))
		}
		// One goes, one comes: in the order of the queue.
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

// stuffed lets a client that reads nothing ask for more than fits on the way to
// it, until the daemon has stopped reading, and returns how often it has asked.
func (d *live) stuffed(t *testing.T, network, first string) (*peer, int) {
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
	// It has stopped when it executes nothing any more.
	last, same := -1, 0
	if !eventually(func() bool {
		time.Sleep(30 * time.Millisecond)
		n := d.figures()["command_q"] - 1
		if n-1 == last { // but for our own question
			same++
		} else {
			same = 0
		}
		last = n
		return same == 3
	}) || last >= asked {
		t.Fatalf("it goes on: %d of %d are executed", last, asked)
	}
	return &peer{Conn: c}, asked
}

// unreadReplies is the state in which a client that has not read its replies has
// ended its stream.
func unreadReplies(t *testing.T, network string) (*live, func()) {
	d := lockd(t)
	p, asked := d.stuffed(t, network, "g kept\n")
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

// resetUnderBackpressure is the state after a client that has not read its replies
// has vanished.
func resetUnderBackpressure(t *testing.T, network string) (d *live, last, then func()) {
	d = lockd(t)
	before := d.settled()
	var all []*peer
	for i := range 2 {
		p, _ := d.stuffed(t, network, fmt.Sprintf("g lost%d\nsg lost\n", i))
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

// closedWhileLingering is the state after clients that were refused, and for
// whose end the daemon waits a second, are gone.
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

// TestBesideSaturation checks that a WebSocket, a goroutine among loops, is
// answered while the loop is never idle and the environment gives Go one
// processor.
func TestBesideSaturation(t *testing.T) {
	needLoops(t)
	for _, loops := range []string{"1", "2"} {
		t.Run("loops "+loops, func(t *testing.T) {
			d := startLive(t, "", []string{"GOMAXPROCS=1"}, "-loops", loops)
			ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
			defer cancel()
			ws, _, err := websocket.Dial(ctx, "ws://"+d.ws, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer ws.CloseNow()
			stop := d.crowd("tcp", 50, 16)
			var took []time.Duration
			for begin := time.Now(); len(took) < 50 || time.Since(begin) < 500*time.Millisecond; {
				now := time.Now()
				for _, c := range []struct{ line, want string }{{"g x", "1 Lock Get Success: x\n"}, {"r x", "1 Lock Release Success: x\n"}} {
					if err := ws.Write(ctx, websocket.MessageText, []byte(c.line)); err != nil {
						t.Fatal(err)
					}
					if _, reply, err := ws.Read(ctx); err != nil || string(reply) != c.want {
						t.Fatalf("%s is answered %q, %v", c.line, reply, err)
					}
				}
				took = append(took, time.Since(now)/2)
			}
			n := len(took)
			p50, p99 := centiles(took)
			t.Logf("p50 %v, p99 %v of %d round trips beside %d lines", p50, p99, 2*n, stop())
			if p50 > 50*time.Millisecond {
				t.Errorf("half of the round trips take more than %v", p50)
			}
		})
	}
}

// TestAcceptedOptions asks the kernel for the options of the daemon's own sockets.
func TestAcceptedOptions(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"0", "1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			d := lockd(t, "-loops", loops, "-keepalive", "42s", "-write-timeout", "10s")
			for range 4 {
				d.dial("tcp").wants(t, "i x", "0 Lock Not Locked: x")
			}
			t.Run("ss", func(t *testing.T) { lookWithSS(t, d, 4) })
			t.Run("getsockopt", func(t *testing.T) { lookInside(t, d, 4) })
		})
	}
}

func lookWithSS(t *testing.T, d *live, connections int) {
	if _, err := exec.LookPath("ss"); err != nil {
		t.Skip("there is no ss")
	}
	_, port, _ := net.SplitHostPort(d.tcp)
	out, err := exec.Command("ss", "-tnoH", "state", "established", "( sport = :"+port+" )").CombinedOutput()
	if err != nil {
		t.Skipf("ss does not work here: %v: %s", err, out)
	}
	if lines, timers := bytes.Count(out, []byte("\n")), bytes.Count(out, []byte("timer:(keepalive,")); lines != connections || timers != connections {
		t.Errorf("%d connections, %d keepalive timers, want %d:\n%s", lines, timers, connections, out)
	}
}

func lookInside(t *testing.T, d *live, connections int) {
	process, err := unix.PidfdOpen(d.cmd.Process.Pid, 0)
	if err != nil {
		t.Skipf("cannot look at the descriptors of another process: %v", err)
	}
	defer unix.Close(process)
	found := 0
	for number := range 64 {
		fd, err := unix.PidfdGetfd(process, number, 0)
		if errors.Is(err, unix.EBADF) {
			continue
		}
		if err != nil {
			t.Skipf("cannot take a descriptor of another process: %v", err)
		}
		defer unix.Close(fd)
		if peer, err := unix.Getpeername(fd); err != nil || peer == nil {
			continue // no connection
		}
		if family, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); family == unix.AF_UNIX {
			continue
		}
		found++
		for _, o := range []struct {
			name              string
			level, opt, value int
		}{
			{"TCP_NODELAY", unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
			{"SO_KEEPALIVE", unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
			{"TCP_KEEPIDLE", unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 42},
			{"TCP_KEEPINTVL", unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 14},
			{"TCP_KEEPCNT", unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3},
			{"TCP_USER_TIMEOUT", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 84_000},
		} {
			if got, err := unix.GetsockoptInt(fd, o.level, o.opt); got != o.value || err != nil {
				t.Errorf("%s of descriptor %d is %d, %v, want %d", o.name, number, got, err, o.value)
			}
		}
	}
	if found != connections {
		t.Errorf("%d connections were found, want %d", found, connections)
	}
}

// TestFlooders checks that clients that ask for as much as they can do not keep a
// polite one from its answer.
func TestFlooders(t *testing.T) {
	needLoops(t)
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			d := lockd(t)
			p := d.dial(network)
			stop := d.crowd(network, 20, 3000)
			var took []time.Duration
			for begin := time.Now(); len(took) < 30 || time.Since(begin) < 500*time.Millisecond; {
				now := time.Now()
				p.wants(t, "i x", "0 Lock Not Locked: x")
				took = append(took, time.Since(now))
			}
			n := len(took)
			p50, p99 := centiles(took)
			t.Logf("p50 %v, p99 %v of %d round trips beside %d lines", p50, p99, n, stop())
			if p50 > time.Second {
				t.Errorf("half of the round trips take more than %v", p50)
			}
		})
	}
}

// TestUnreadLog checks that nobody waits for a log that is a full pipe.
func TestUnreadLog(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes many connections")
	}
	t.Parallel()
	const connections = 9000 // more than 1 MiB of log
	loops := []string{"0", "1"}
	daemons := make([]*live, len(loops))
	pipes := make([]*os.File, len(loops))
	for n := range daemons {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		d := newLive(t, "", "-loops", loops[n], "-port", "0", "-ws", "0", "-verbose")
		d.cmd.Stderr = w
		d.start()
		w.Close()
		daemons[n], pipes[n] = d, r
		if !eventually(func() bool {
			p, err := d.connect("unix")
			if err == nil {
				p.Close()
			}
			return err == nil
		}) {
			t.Fatal("it does not listen")
		}
		witness := d.dial("unix")
		for i := range connections {
			p, err := d.connect("unix")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.ask("g x"); err != nil || !strings.HasSuffix(got, ": x") {
				t.Fatalf("loops %s: client %d is answered %q, %v", loops[n], i, got, err)
			}
			p.Close()
			if i%1000 == 0 {
				witness.SetDeadline(time.Now().Add(patience))
				witness.wants(t, "i y", "0 Lock Not Locked: y")
			}
		}
		witness.wants(t, "i y", "0 Lock Not Locked: y")
		witness.Close()
		d.signal(syscall.SIGTERM)
	}
	for n, d := range daemons {
		t.Logf("loops %s: it has ended after another %v", loops[n], d.exits(patience))
		said, err := io.ReadAll(pipes[n])
		if err != nil || !bytes.Contains(said, []byte("lockd is ready")) || bytes.Contains(said, []byte("stopped")) {
			t.Errorf("loops %s: the pipe holds %d bytes, %v; it was not full: %.200q", loops[n], len(said), err, said[max(0, len(said)-200):])
		}
	}
}

// TestStopUnderSaturation checks that a daemon whose clients never stop sending
// ends, and that each of them has whole replies and the end of the stream.
func TestStopUnderSaturation(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"0", "1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			d := lockd(t, "-loops", loops)
			var working sync.WaitGroup
			for i := range 50 {
				p := d.dial([]string{"tcp", "unix"}[i%2])
				p.SetDeadline(time.Now().Add(2 * patience))
				p.wants(t, "i x", "0 Lock Not Locked: x") // it is not in the queue any more
				working.Go(func() {
					if err := p.endless(fmt.Sprint("name", i)); err != nil {
						t.Errorf("client %d: %v", i, err)
					}
				})
			}
			time.Sleep(200 * time.Millisecond)
			before := d.figures()["command_g"]
			d.signal(syscall.SIGTERM)
			t.Logf("it has ended after %v; before that it was asked for %d locks", d.exits(patience), before)
			working.Wait()
			if _, err := os.Lstat(d.unix); err == nil {
				t.Error("the unix socket is still there")
			}
		})
	}
}

// TestStopAnswersAll checks that a daemon that stops answers all that the kernel
// had received for it (END-8), from however many connections: more than a loop
// can look at in the 20 ms of silence after which a connection is taken to have
// said all.
func TestStopAnswersAll(t *testing.T) {
	t.Parallel()
	const lines = 400 // less than a read takes
	for _, loops := range []string{"0", "1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			clients := 2000
			if loops == "0" {
				clients = 200
			}
			d := lockd(t, "-loops", loops)
			all := make([]*peer, clients)
			for i := range all {
				all[i] = d.dial([]string{"tcp", "unix"}[i%2])
				all[i].wants(t, fmt.Sprint("g ", i), fmt.Sprint("1 Lock Get Success: ", i))
			}
			// While it stands still all clients say something, and then it is to
			// stop.
			d.signal(syscall.SIGSTOP)
			for i, p := range all {
				io.WriteString(p, strings.Repeat(fmt.Sprintf("i %d\n", i), lines))
			}
			d.signal(syscall.SIGTERM)
			d.signal(syscall.SIGCONT)
			unanswered, missing := 0, 0
			for i, p := range all {
				p.SetDeadline(time.Now().Add(patience))
				got, err := io.ReadAll(p.r)
				if err != nil {
					t.Errorf("client %d: %v", i, err)
				}
				if n := strings.Count(string(got), fmt.Sprintf("1 Lock Is Locked: %d\n", i)); n < lines {
					unanswered++
					missing += lines - n
				}
				p.Close()
			}
			if unanswered > 0 {
				t.Errorf("%d of %d clients were not answered all that the daemon had received: %d of %d lines are missing", unanswered, clients, missing, clients*lines)
			}
			d.exits(2 * patience)
		})
	}
}

// TestPause checks that a client that has said something in time is not taken for
// silent because the daemon was late to hear it, as after a pause of its machine.
func TestPause(t *testing.T) {
	needLoops(t)
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	t.Parallel()
	const clients, idle = 200, 2 * time.Second
	loops := []string{"1", "3"}
	daemons := make([]*live, len(loops))
	all := make([][]*peer, len(loops))
	begin := time.Now()
	for n := range daemons {
		daemons[n] = lockd(t, "-loops", loops[n], "-idle-timeout", idle.String())
		for i := range clients {
			p := daemons[n].dial([]string{"tcp", "unix"}[i%2])
			p.wants(t, fmt.Sprint("g ", i), fmt.Sprint("1 Lock Get Success: ", i))
			all[n] = append(all[n], p)
		}
	}
	for n, d := range daemons {
		d.signal(syscall.SIGSTOP)
		for i, p := range all[n] {
			fmt.Fprintf(p, "i %d\n", i)
		}
	}
	if took := time.Since(begin); took > idle/2 {
		t.Skipf("this machine is too busy: it took %v until all had said something", took)
	}
	time.Sleep(idle + 100*time.Millisecond)
	for n, d := range daemons {
		d.signal(syscall.SIGCONT)
		lost := 0
		for i, p := range all[n] {
			if reply, err := p.line(); err != nil || reply != fmt.Sprint("1 Lock Is Locked: ", i) {
				lost++
			}
			p.Close()
		}
		if lost > 0 {
			t.Errorf("loops %s: %d of %d clients have lost their locks, though they were not silent", loops[n], lost, clients)
		}
	}
}

// TestSignalStorm checks that signals that mean nothing do no harm to whoever is
// served meanwhile.
func TestSignalStorm(t *testing.T) {
	t.Parallel()
	harmless := []syscall.Signal{unix.SIGURG, unix.SIGWINCH, unix.SIGHUP, unix.SIGCONT, unix.SIGCHLD, unix.SIGPIPE}
	for _, loops := range []string{"0", "1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			d := lockd(t, "-loops", loops)
			stop := []func() int{d.crowd("tcp", 5, 2), d.crowd("unix", 5, 16), d.crowd("tcp", 2, 2000)}
			for i := range 1500 {
				d.signal(harmless[i%len(harmless)])
				if i%5 == 0 {
					time.Sleep(time.Millisecond)
				}
				if i%100 == 0 {
					p := d.dial("unix")
					p.wants(t, "g storm", "1 Lock Get Success: storm")
					p.wants(t, "r storm", "1 Lock Release Success: storm")
					p.Close()
				}
			}
			for _, s := range stop {
				if lines := s(); lines == 0 {
					t.Error("some clients got nothing done")
				}
			}
			d.signal(syscall.SIGTERM)
			d.exits(patience)
		})
	}
}

// TestManyIdle opens as many connections as the limits allow, up to 15,000.
func TestManyIdle(t *testing.T) {
	needLoops(t)
	if testing.Short() {
		t.Skip("it takes many connections")
	}
	t.Parallel()
	const wanted, least, spare = 15_000, 2000, 2000
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	n := int(min(limit.Cur, wanted+spare)) - spare
	if n < least {
		t.Skipf("a process may have only %d descriptors", limit.Cur)
	}
	d := lockd(t)
	fds, before, empty := make([]int, 0, n), d.settled(), d.memory()
	// Sockets without a net.Conn each, which would cost this process more than
	// the daemon. Unix ones, since a TCP port is used by one alone.
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	say, reply := []byte("sg many\n"), make([]byte, 100)
	for i := range n {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
		tv := unix.NsecToTimeval(patience.Nanoseconds())
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
		if err := restarted(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: d.unix}) }); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		if _, err := unix.Write(fd, say); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		var got int
		if err := restarted(func() (err error) { got, err = unix.Read(fd, reply); return err }); err != nil || string(reply[:got]) != fmt.Sprintf("%d Shared Lock Get Success: many\n", i+1) {
			t.Fatalf("connection %d is answered %q, %v", i, reply[:max(got, 0)], err)
		}
	}
	full := d.memory()
	t.Logf("%d connections: %.1f MB, %d bytes each beside an empty daemon's %.1f MB", n, float64(full)/1e6, (full-empty)/n, float64(empty)/1e6)
	p := d.dial("tcp")
	var took []time.Duration
	for range 200 {
		now := time.Now()
		p.wants(t, "i x", "0 Lock Not Locked: x")
		took = append(took, time.Since(now))
	}
	p50, p99 := centiles(took)
	t.Logf("a polite client's p50 is %v, its p99 %v", p50, p99)
	for _, fd := range fds {
		unix.Close(fd)
	}
	fds = nil
	if !eventually(func() bool { return d.descriptors() <= before+1 }) {
		t.Errorf("%d descriptors are open, %d were before", d.descriptors(), before)
	}
	if f := d.figures(); f["shared_locks"] != 0 || f["shared_orphans"] != n || f["connections"] != 2 {
		t.Errorf("after their end: %v", f)
	}
}

// restarted does something again that a signal has interrupted.
func restarted(do func() error) error {
	for {
		if err := do(); err != unix.EINTR {
			return err
		}
	}
}

// TestAdmissionOrder checks that who connects first is admitted first, and that a
// client that has seen the end of its stream has made room for the next.
func TestAdmissionOrder(t *testing.T) {
	t.Parallel()
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	for _, loops := range []string{"0", "1", "3"} {
		for _, network := range []string{"tcp", "unix"} {
			t.Run("loops "+loops+" "+network, func(t *testing.T) {
				t.Parallel()
				d := lockd(t, "-loops", loops, "-max-connections", "3")
				for round := range rounds {
					// Sometimes all four are in the queue before one is taken out.
					queued := round%4 == 3
					if queued {
						d.signal(syscall.SIGSTOP)
					}
					var four [4]*peer
					for i := range four {
						p, err := d.connect(network)
						if err != nil {
							t.Fatal(err)
						}
						defer p.Close()
						four[i] = p
					}
					if queued {
						d.signal(syscall.SIGCONT)
					}
					if reply, err := four[3].line(); reply != "0 Too Many Connections" || err != nil {
						t.Fatalf("round %d: the fourth is answered %q, %v", round, reply, err)
					}
					for i, p := range four[:3] {
						if reply, err := p.ask("i x"); reply != "0 Lock Not Locked: x" || err != nil {
							t.Fatalf("round %d: client %d is answered %q, %v", round, i, reply, err)
						}
					}
					for i, p := range four {
						if left, err := p.rest(""); left != "" || err != nil {
							t.Fatalf("round %d: client %d ends with %q, %v", round, i, left, err)
						}
						p.Close()
					}
				}
			})
		}
	}
}

// TestFight lets many clients of several loops fight for a few names. Whoever has
// one adds to its counter, which nobody else may do meanwhile; some end without
// having released it.
func TestFight(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			d := lockd(t, "-loops", loops)
			const clients, names = 60, 3
			var holder [names]atomic.Int64
			var counter [names]int64 // no atomic: the lock guards it
			var granted [names]atomic.Int64
			over := time.Now().Add(700 * time.Millisecond)
			var fighting sync.WaitGroup
			fight := func(me int, random *rand.Rand) error {
				p, err := d.connect([]string{"tcp", "unix"}[random.IntN(2)])
				if err != nil {
					return err
				}
				defer p.reset()
				for range 1 + random.IntN(200) {
					name := random.IntN(names)
					reply, err := p.ask(fmt.Sprint("g ", name))
					switch {
					case err != nil:
						return err
					case reply == fmt.Sprint("0 Lock Get Failure: ", name):
						continue
					case reply != fmt.Sprint("1 Lock Get Success: ", name):
						return fmt.Errorf("g is answered %q", reply)
					}
					if other := holder[name].Swap(int64(me)); other != 0 {
						return fmt.Errorf("%d has %d, and so has %d", me, name, other)
					}
					counter[name]++
					granted[name].Add(1)
					if !holder[name].CompareAndSwap(int64(me), 0) {
						return fmt.Errorf("%d has lost %d", me, name)
					}
					if random.IntN(20) == 0 {
						return nil // its end releases
					}
					if reply, err := p.ask(fmt.Sprint("r ", name)); err != nil || reply != fmt.Sprint("1 Lock Release Success: ", name) {
						return fmt.Errorf("r is answered %q, %v", reply, err)
					}
				}
				return nil
			}
			for me := range clients {
				random := rand.New(rand.NewPCG(1, uint64(me)))
				fighting.Go(func() {
					for time.Now().Before(over) {
						if err := fight(me+1, random); err != nil {
							t.Errorf("client %d: %v", me, err)
							return
						}
					}
				})
			}
			fighting.Wait()
			for name := range counter {
				if n := granted[name].Load(); n == 0 || n != counter[name] {
					t.Errorf("%d was granted %d times, and counted %d times", name, n, counter[name])
				}
			}
			if !eventually(func() bool { return d.figures()["connections"] == 1 }) {
				t.Error("connections are left")
			}
			f := d.figures()
			if f["locks"] != 0 || f["orphans"] == 0 {
				t.Errorf("at the end: %v", f)
			}
			t.Logf("%d %d %d granted, %d of %d released by the end of a connection", counter[0], counter[1], counter[2], f["orphans"], f["command_g"])
		})
	}
}
