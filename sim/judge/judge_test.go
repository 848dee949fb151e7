package judge

import (
	"bytes"
	"strings"
	"testing"

	"lockd/server/core"
)

// full is a configuration with all commands, in which dumps come later.
var full = core.Config{Registry: true, Dump: true, SmallDump: -1}

// A Judge notices what happens to only one of Core and the model.
func TestDifferences(t *testing.T) {
	for name, c := range map[string]struct {
		config core.Config
		play   func(*Judge)
		want   string
	}{
		"a reply": {full, func(j *Judge) {
			j.model.Receive(1, []byte("g a\n"))
			j.Send(0, []byte("i a\n"))
		}, `connection 0 sent "i a\n": got "0 Lock Not Locked: a\n", want "1 Lock Is Locked: a\n"`},
		"a reply to a message": {full, func(j *Judge) {
			j.Receive(0, []byte("g a"))
			j.model.Receive(1, []byte("b"))
			j.EndMessage(0)
		}, `want "1 Lock Get Success: ab\n"`},
		"exclusive orphans": {full, func(j *Judge) {
			j.model.Receive(1, []byte("g a\n"))
			j.Close(0)
		}, "orphaned 0 exclusive and 0 shared locks, want 1 and 0"},
		"shared orphans": {full, func(j *Judge) {
			j.core.Receive(0, 1, []byte("sg a\n"), new(core.Effects))
			j.Close(0)
		}, "orphaned 0 exclusive and 1 shared locks, want 0 and 0"},
		"a number": {full, func(j *Judge) {
			j.model.Open("h:5")
			j.Open(1, "h:1")
		}, "got number 2, accepted true; want number 3, accepted true"},
		"a refusal": {core.Config{MaxConnections: 2}, func(j *Judge) {
			j.model.Open("h:5")
			j.Open(1, "h:1")
		}, "got number 2, accepted true; want number 0, accepted false"},
		"a dismissal": {full, func(j *Judge) {
			j.model.Receive(1, []byte("\x16\x03\x01"))
			j.EndMessage(0)
		}, "BAD-7: connection 0 is dismissed: false, want true"},
		"waiting for nothing": {full, func(j *Judge) {
			j.model.Await(1, []byte("d\n"))
			j.Receive(0, []byte("d\n"))
		}, `connection 0 waits, although "d\n" is answered at once`},
		"a dump": {full, func(j *Judge) {
			j.Receive(0, []byte("g a\nd\n"))
			j.model.Allow(0)
			j.model.Close(1)
			j.model.Open("h:0")
			j.Tick()
			j.Make()
		}, "and did not wait when that dump was begun"},
		"a late dump": {full, func(j *Judge) {
			j.Open(1, "h:1")
			j.Receive(0, []byte("d\n"))
			j.model.Receive(2, []byte("g a\n"))
			j.Await(0)
		}, `connection number 1 has waited and got "", want "a: h:1\n"`},
		"an early dump": {full, func(j *Judge) {
			j.dumps.pause = core.Second
			j.Receive(0, []byte("d\n"))
			j.Tick()
		}, "too early"},
		"output for others": {full, func(j *Judge) {
			j.fx.Append(2, []byte("x"))
			j.replies(1)
		}, `the input was of connection number 1, and number 2 is sent "x"`},
		"a wrong oracle": {full, func(j *Judge) {
			j.Distort = bytes.ToUpper
			j.Send(0, []byte("g a\n"))
		}, `want "1 LOCK GET SUCCESS: A\n"`},
		"what is left": {full, func(j *Judge) {
			j.core.Open(0, Peer("h:7"), &j.fx)
			j.model.Open("h:7")
			j.CloseAll()
		}, "1 connections are left"},
	} {
		t.Run(name, func(t *testing.T) {
			j := New(c.config)
			j.Open(0, Addr(0))
			if j.Err() != nil {
				t.Fatal(j.Err())
			}
			if c.play(j); j.Err() == nil || !strings.Contains(j.Err().Error(), c.want) {
				t.Errorf("got %v, want %s", j.Err(), c.want)
			}
		})
	}
}

// Send continues after batches and dumps. Connections that have ended may receive
// bytes and be closed again.
func TestSend(t *testing.T) {
	j := New(full)
	j.Open(0, Addr(0))
	j.Open(1, "unix")
	const lines = 5000
	reply := j.Send(0, bytes.Repeat([]byte("sg a\nsd\n"), lines))
	if n := bytes.Count(reply, []byte("1 Shared Lock Get Success: a\na: h:0\n")); n != lines {
		t.Errorf("%d of %d pairs of commands are answered", n, lines)
	}
	if got := string(j.Send(1, []byte("me\n"))); got != "1 unix:2 unix:2\n" {
		t.Errorf("the unix connection is answered %q", got)
	}
	if orphans := j.Close(0); orphans != (core.Orphans{Shared: 1}) || j.IsOpen(0) || !j.IsOpen(1) {
		t.Errorf("%+v were orphaned; open: %v, %v", orphans, j.IsOpen(0), j.IsOpen(1))
	}
	j.Send(0, []byte("g late\n"))
	j.Close(0)
	j.Send(7, []byte("g never\n"))
	j.CloseAll()
	if j.Err() != nil || !j.Granted() || j.Commands() != 2*lines+2 {
		t.Errorf("%v; granted: %v, %d commands", j.Err(), j.Granted(), j.Commands())
	}
	j.Restart()
	if j.Open(0, Addr(0)); j.ID(0) != 1 || j.IsOpen(1) || j.Commands() != 2*lines+2 || j.Err() != nil {
		t.Errorf("after a restart the first connection has number %d; %v", j.ID(0), j.Err())
	}
}
