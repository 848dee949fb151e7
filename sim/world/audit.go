package world

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The oracles of this file look at the server from outside and know nothing of
// the model: they would notice a misreading that both share.

// The addresses of those who look at the server and are none of the clients.
const (
	auditorAddr = "10.0.0.99:99"
	lastAddr    = "10.0.0.100:100"
)

// audit asks for statistics and dumps in the middle of the run.
func (w *world) audit(*peer) {
	w.net.rest()
	if w.auditor != nil && !w.net.has(w.auditor) {
		w.auditor = nil
	}
	if w.auditor == nil {
		w.auditor = &peer{label: w.labels, addr: auditorAddr}
		w.labels++
		if !w.net.dial(w.auditor) {
			w.auditor = nil
			return
		}
	}
	living := w.net.living()
	w.checkFigures(w.auditor, len(living))
	if !w.options.Classic && w.options.Dump {
		w.checkDumps(w.auditor, living)
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
				w.judge.Failf("statistics: %q is no figure", line)
			}
			return n
		}
	}
	w.judge.Failf("statistics: no %s in %q", key, statistics)
	return 0
}

// checkFigures compares q with what the world knows: how many connections
// live, and how many names there are at most.
func (w *world) checkFigures(p *peer, living int) {
	statistics := w.net.ask(p, "q")
	key := "connections"
	if w.options.Classic {
		key = "conns"
	}
	if got := w.figure(statistics, key); got != living {
		w.judge.Failf("statistics: %d connections, %d are open", got, living)
	}
	if limit := w.options.MaxLocks; limit > 0 && w.figure(statistics, "locks") > limit {
		w.judge.Failf("statistics: %d locks are over the limit of %d", w.figure(statistics, "locks"), limit)
	}
}

// checkDumps compares the tables with the figures, and demands that every
// holder lives.
func (w *world) checkDumps(p *peer, living []string) {
	statistics := w.net.ask(p, "q")
	exclusive, shared := w.net.ask(p, "d"), w.net.ask(p, "sd")
	locks, sharedLocks := w.figure(statistics, "locks"), w.figure(statistics, "shared_locks")
	if locks > 0 {
		w.hit(DumpDuringChanges)
	}
	if got := strings.Count(exclusive, "\n"); got != locks {
		w.judge.Failf("d shows %d locks, q counts %d", got, locks)
	}
	if got := strings.Count(shared, "\n"); got < sharedLocks || (sharedLocks == 0) != (got == 0) {
		w.judge.Failf("sd shows %d holders of the %d shared locks of q", got, sharedLocks)
	}
	for _, command := range []string{"dump", "dump shared"} {
		for _, addr := range addresses.FindAllString(w.net.ask(p, command), -1) {
			if !slices.Contains(living, addr) {
				w.judge.Failf("%s: the holder %s is none of the living connections %q", command, addr, living)
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

// addresses finds the addresses of this world, which no name contains.
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

// calm ends the run: the faults stop, what is under way arrives, everybody
// leaves, and then nothing may be left behind: every name can be got, every
// table is empty.
func (w *world) calm() {
	for _, p := range w.peers {
		p.finished = true
		if p.open {
			w.leaving(p)
		}
	}
	w.net.finish()
	if w.auditor != nil {
		w.net.hangUp(w.auditor)
	}
	last := &peer{label: w.labels, addr: lastAddr}
	if !w.net.dial(last) {
		w.judge.Failf("everybody has left, and the server refuses a connection")
		return
	}
	w.checkEmpty(last)
	for _, name := range w.script.names {
		w.checkObtainable(last, name)
	}
	w.net.hangUp(last)
	w.net.pause()
}

func (w *world) checkEmpty(p *peer) {
	w.checkFigures(p, 1)
	statistics := w.net.ask(p, "q")
	if n := w.figure(statistics, "locks"); n != 0 {
		w.judge.Failf("everybody has left, and %d locks are held", n)
	}
	if w.options.Classic {
		return
	}
	if n := w.figure(statistics, "shared_locks"); n != 0 {
		w.judge.Failf("everybody has left, and %d shared locks are held", n)
	}
	if !w.options.Dump {
		return
	}
	tables := w.net.ask(p, "d") + w.net.ask(p, "sd") + w.net.ask(p, "dump") + w.net.ask(p, "dump shared")
	if w.options.Registry {
		tables += w.net.ask(p, "who")
	}
	if tables != "map[]\nmap[]\n" {
		w.judge.Failf("everybody has left, and the tables show %q", tables)
	}
}

func (w *world) checkObtainable(p *peer, name string) {
	if limit := w.options.MaxLine; limit > 0 && len("sg "+name) > limit {
		return
	}
	for _, verb := range []string{"g", "r", "sg", "sr"} {
		if reply := w.net.ask(p, verb+" "+name); !bytes.HasPrefix([]byte(reply), []byte("1 ")) {
			w.judge.Failf("everybody has left, and %s %s is answered %q", verb, name, reply)
		}
	}
}
