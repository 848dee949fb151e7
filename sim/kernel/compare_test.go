//go:build linux && (amd64 || arm64)

package kernel

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"

	"lockd/server/loop"
)

// scripts is the number of scripts. Each must have the same results on both operating
// systems.
const scripts = 20_000

const seed = 1

// pauses are the pauses after each step with which a script that differed is played
// again: a busy real kernel does not deliver at once, and retransmits after 200 ms what
// it loses under load. Only a difference with every pause counts.
var pauses = [...]time.Duration{time.Millisecond, 5 * time.Millisecond, 50 * time.Millisecond, 500 * time.Millisecond}

// TestCompare plays random scripts on the Machine and on the Linux kernel.
func TestCompare(t *testing.T) {
	r := newReal(t)
	seen := situations{}
	started := time.Now()
	replayed := 0
	for number := range uint64(scripts) {
		s := newScript(seed, number)
		err := run(r, s, 0, seen)
		if err == nil {
			continue
		}
		replayed++
		t.Logf("script %d, played again since it differs: %v", number, err)
		before := losses()
		if err := persists(r, s); err != nil {
			if losses() != before {
				t.Skipf("skipped after %d scripts: this machine is short of TCP memory, and loses data: %v", number, err)
			}
			s, err = shrink(r, s, err)
			t.Fatalf("script %d differs, shrunk:\n%v%v", number, s, err)
		}
	}
	t.Logf("%d scripts in %v, %d played again", scripts, time.Since(started).Round(time.Millisecond), replayed)
	seen.check(t)
}

// persists returns how a script differs, if it does with every pause.
func persists(r *real, s script) (err error) {
	for _, pause := range pauses {
		if err = run(r, s, pause, situations{}); err == nil {
			return nil
		}
	}
	return err
}

// shrink removes steps as long as a difference remains.
func shrink(r *real, s script, err error) (script, error) {
	for size := len(s.steps) / 2; size > 0; size /= 2 {
		for from := 0; from+size <= len(s.steps); {
			shorter := s.without(from, from+size)
			if e := run(r, shorter, pauses[0], situations{}); e != nil {
				s, err = shorter, e
			} else {
				from += size
			}
		}
	}
	return s, err
}

// situations counts how often each situation has occurred.
type situations map[string]int

// The situations that must occur, on TCP and on unix sockets, besides every result in
// results.
const (
	refused        = "Dial to a closed listener"
	queueClosed    = "a listener closed with a queue"
	severalQueued  = "several connections in the queue"
	acceptedReset  = "accepted after the client closed"
	acceptedEnded  = "accepted after the client ended its stream"
	numberAgain    = "a reused number"
	filled         = "filled until EAGAIN"
	drained        = "drained after it was full"
	endBehindData  = "an end behind data that there is no room for"
	readAfterClose = "data read completely after their sender closed, more than there was room for"
	closedUnread   = "closed with unread data"
	closedRead     = "closed without unread data"
	endBeforeError = "the end read before the error"
	errorAfterData = "data read before the error"
	endAfterReset  = "the end read after the error"
	writtenDead    = "written to a closed peer"
	writtenWaiting = "written to a closed peer after its end was received"
	errorWritten   = "an error taken by a write"
	errorKept      = "an error left by a write"
	peerEnded      = "the end of the peer behind unread input"
	hangup         = "Hangup"
	hangupAlone    = "Hangup while nothing is wanted"
	failed         = "Error"
	bothEnding     = "both ended, one behind data that there is no room for"
)

var onTCP = []string{
	refused, queueClosed, severalQueued, acceptedReset, acceptedEnded, numberAgain, filled, drained,
	endBehindData, readAfterClose, closedUnread, closedRead, endBeforeError, errorAfterData, endAfterReset,
	writtenDead, writtenWaiting, errorWritten, bothEnding, peerEnded, hangup, hangupAlone, failed,
	"Read: data", "Read: end", "Read: EAGAIN", "Read: ECONNRESET",
	"Write: done", "Write: EPIPE", "Write: ECONNRESET", "Write: EAGAIN", "CloseWrite: done", "CloseWrite: ENOTCONN",
}

var onUnix = []string{
	refused, queueClosed, severalQueued, acceptedReset, acceptedEnded, numberAgain, filled, drained,
	readAfterClose, closedUnread, closedRead, errorAfterData, endAfterReset, errorKept, peerEnded, hangup, hangupAlone, failed,
	"Read: data", "Read: end", "Read: EAGAIN", "Read: ECONNRESET",
	"Write: done", "Write: EPIPE", "Write: EAGAIN", "CloseWrite: done",
}

func (s situations) check(t *testing.T) {
	for _, what := range onTCP {
		if s["tcp: "+what] == 0 {
			t.Errorf("tcp: %s: never happened", what)
		}
	}
	for _, what := range onUnix {
		if s["unix: "+what] == 0 {
			t.Errorf("unix: %s: never happened", what)
		}
	}
	if t.Failed() || testing.Verbose() {
		var lines []string
		for what, n := range s {
			lines = append(lines, fmt.Sprintf("%s: %d", what, n))
		}
		slices.Sort(lines)
		for _, line := range lines {
			t.Log(line)
		}
	}
}

func (s situations) note(tcp bool, what string) {
	if tcp {
		s["tcp: "+what]++
	} else {
		s["unix: "+what]++
	}
}

func (s situations) result(tcp bool, op string, r result) {
	what := map[syscall.Errno]string{
		syscall.EAGAIN: "EAGAIN", syscall.EPIPE: "EPIPE", syscall.ECONNRESET: "ECONNRESET", syscall.ENOTCONN: "ENOTCONN",
	}[r.errno]
	if r.errno == 0 {
		switch {
		case op != "Read":
			what = "done"
		case r.n > 0:
			what = "data"
		default:
			what = "end"
		}
	}
	s.note(tcp, op+": "+what)
}

func (s situations) accepted(p *play, l *link) {
	if l.gone {
		s.note(p.tcp, acceptedReset)
	} else if l.end.s.ended {
		s.note(p.tcp, acceptedEnded)
	}
	if p.machine.Queued(p.listeners[fake]) > 0 {
		s.note(p.tcp, severalQueued)
	}
	if p.numbers[l.server[fake]] {
		s.note(p.tcp, numberAgain)
	}
}

// reading records the situations of an end that is about to be read from.
func (s situations) reading(tcp bool, e *socket) {
	switch {
	case e.in.n > 0 && e.err != 0:
		s.note(tcp, errorAfterData)
	case e.in.n > 0 && e.poll()&loop.PeerEnded != 0:
		s.note(tcp, peerEnded)
	case e.in.n == 0 && e.done && e.err != 0:
		s.note(tcp, endBeforeError)
	case e.in.n == 0 && !e.done && e.err == 0 && e.shut == both && e.peer.dead:
		s.note(tcp, endAfterReset)
	}
}

// writing records the situations of an end that is about to be written to.
func (s situations) writing(tcp bool, e *socket) {
	switch {
	case e.err != 0 && tcp:
		s.note(tcp, errorWritten)
	case e.err != 0:
		s.note(tcp, errorKept)
	case e.state == closeWait && e.peer.dead:
		s.note(tcp, writtenWaiting)
	}
	if e.peer.dead && tcp && (e.state == closeWait || e.state == established) {
		s.note(tcp, writtenDead)
	}
}

func (s situations) closing(tcp bool, e *socket) {
	if e.in.n > 0 {
		s.note(tcp, closedUnread)
	} else {
		s.note(tcp, closedRead)
	}
}

func (s situations) readiness(p *play, events []loop.Event) {
	for _, e := range events {
		if e.Ready&loop.Hangup != 0 {
			s.note(p.tcp, hangup)
			if e.Ready&(loop.Readable|loop.Writable) == 0 {
				s.note(p.tcp, hangupAlone)
			}
		}
		if e.Ready&loop.Error != 0 {
			s.note(p.tcp, failed)
		}
	}
}
