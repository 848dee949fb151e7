package world

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The oracles of this file check the server from outside and do not depend on the
// model: they would notice a misreading of the protocol that both share.

// The addresses of the two connections that check the server and belong to no client.
const (
	auditorAddr = "10.0.0.99:99"
	lastAddr    = "10.0.0.100:100"
)

// audit asks for statistics and dumps in the middle of the run.
func (w *world) audit(*client) {
	w.net.rest()
	if w.auditor != nil && !w.net.has(w.auditor) {
		w.auditor = nil
	}
	if w.auditor == nil {
		w.auditor = &client{label: w.labels, addr: auditorAddr}
		w.labels++
		if !w.net.dial(w.auditor) {
			w.auditor = nil
			return
		}
	}
	living := w.net.living()
	p := w.auditor
	w.checkFigures(p, len(living))
	if !w.options.Classic && w.options.Dump && !w.wasKilled(p) {
		w.checkDumps(p, living)
	}
}

// shownAs is the address under which the server shows a connection [ADDR-1].
func (w *world) shownAs(addr string, label int) string {
	if addr == "unix" {
		return "unix:" + strconv.Itoa(int(w.judge.ID(label)))
	}
	return addr
}

// figure finds the value of a key in the reply to q, in both dialects.
func (w *world) figure(statistics, key string) int {
	for line := range strings.Lines(statistics) {
		line = strings.TrimSpace(line)
		text, found := strings.CutPrefix(line, key+": ")
		if !found {
			text, found = strings.CutPrefix(line, "["+key+"] => ")
		}
		if found {
			n, err := strconv.Atoi(text)
			if err != nil {
				w.judge.Failf("statistics: %q is not a number", line)
			}
			return n
		}
	}
	w.judge.Failf("statistics: no %s in %q", key, statistics)
	return 0
}

// checkFigures compares q with what the world knows: the number of connections, and
// the limit of locks.
func (w *world) checkFigures(p *client, living int) {
	statistics := w.net.ask(p, "q")
	if w.wasKilled(p) {
		return
	}
	key := "connections"
	if w.options.Classic {
		key = "conns"
	}
	if got := w.figure(statistics, key); got > living || got < living && !w.mayHaveEnded(p, got) {
		w.judge.Failf("statistics: %d connections, %d are open", got, living)
	}
	if limit := w.options.MaxLocks; limit > 0 && w.figure(statistics, "locks") > limit {
		w.judge.Failf("statistics: %d locks are over the limit of %d", w.figure(statistics, "locks"), limit)
	}
}

// mayHaveEnded reports whether no more than so many connections are left by now: time may
// have passed before the reply, and what some had sent behind a wait may have killed
// others.
func (w *world) mayHaveEnded(p *client, left int) bool {
	return w.options.Kill && p == w.auditor && len(w.net.living()) <= left
}

// wasKilled reports whether a connection that checks the server has been killed: what some
// had sent behind a wait may do so.
func (w *world) wasKilled(p *client) bool {
	return w.options.Kill && p.addr == auditorAddr && (w.auditor != p || !w.net.has(p))
}

// checkDumps compares the tables with the figures, and checks that every holder is an
// open connection.
func (w *world) checkDumps(p *client, living []string) {
	waiting := w.judge.Waiting() // time may pass between the replies, and change what is held
	statistics := w.net.ask(p, "q")
	exclusive, shared := w.net.ask(p, "d"), w.net.ask(p, "sd")
	if w.wasKilled(p) {
		return
	}
	locks, sharedLocks := w.figure(statistics, "locks"), w.figure(statistics, "shared_locks")
	if locks > 0 {
		w.hit(DumpDuringChanges)
	}
	if got := strings.Count(exclusive, "\n"); got != locks && waiting == 0 {
		w.judge.Failf("d shows %d locks, q counts %d", got, locks)
	}
	if got := strings.Count(shared, "\n"); (got < sharedLocks || (sharedLocks == 0) != (got == 0)) && waiting == 0 {
		w.judge.Failf("sd shows %d holders of the %d shared locks of q", got, sharedLocks)
	}
	for _, command := range []string{"dump", "dump shared"} {
		for _, addr := range addresses.FindAllString(w.net.ask(p, command), -1) {
			if !slices.Contains(living, addr) {
				w.judge.Failf("%s: the holder %s is none of the open connections %q", command, addr, living)
			}
		}
	}
	if strings.Contains(exclusive, "n0: ") && strings.Contains(shared, "n0: ") {
		w.hit(ExclusiveAndShared)
	}
	if w.options.Registry && registeredTwice(w.net.ask(p, "who")) {
		w.hit(NameRegisteredTwice)
	}
}

// addresses matches the addresses of this world, which no name contains.
var addresses = regexp.MustCompile(`10\.0\.0\.\d+:\d+|unix:\d+`)

func registeredTwice(who string) bool {
	seen := map[string]bool{}
	for line := range strings.Lines(who) {
		_, name, _ := strings.Cut(line, ": ")
		if seen[name] {
			return true
		}
		seen[name] = true
	}
	return false
}

// calm ends the run: the faults stop, what is under way arrives and all clients leave.
// Then every table must be empty and every name obtainable.
func (w *world) calm() {
	for _, p := range w.clients {
		p.finished = true
		if p.open {
			w.leaving(p)
		}
	}
	w.net.finish()
	if w.auditor != nil {
		w.net.hangUp(w.auditor)
	}
	last := &client{label: w.labels, addr: lastAddr}
	if !w.net.dial(last) {
		w.judge.Failf("all clients have left, and the server refuses a connection")
		return
	}
	w.checkEmpty(last)
	for _, name := range w.script.names {
		if limit := w.options.MaxNameBytes; limit == 0 || len(name) <= limit {
			w.checkObtainable(last, name)
		}
	}
	w.net.hangUp(last)
	w.net.pause()
}

func (w *world) checkEmpty(p *client) {
	w.checkFigures(p, 1)
	statistics := w.net.ask(p, "q")
	if n := w.figure(statistics, "locks"); n != 0 {
		w.judge.Failf("all clients have left, and %d locks are held", n)
	}
	if w.options.Classic {
		return
	}
	if n := w.figure(statistics, "shared_locks"); n != 0 {
		w.judge.Failf("all clients have left, and %d shared locks are held", n)
	}
	if !w.options.Dump {
		return
	}
	tables := w.net.ask(p, "d") + w.net.ask(p, "sd") + w.net.ask(p, "dump") + w.net.ask(p, "dump shared")
	if w.options.Registry {
		tables += w.net.ask(p, "who")
	}
	if tables != "map[]\nmap[]\n" {
		w.judge.Failf("all clients have left, and the tables show %q", tables)
	}
}

func (w *world) checkObtainable(p *client, name string) {
	if limit := w.options.MaxLine; limit > 0 && len("sg "+name) > limit {
		return
	}
	for _, verb := range []string{"g", "r", "sg", "sr"} {
		if reply := w.net.ask(p, verb+" "+name); !bytes.HasPrefix([]byte(reply), []byte("1 ")) {
			w.judge.Failf("all clients have left, and %s %s is answered %q", verb, name, reply)
		}
	}
}
