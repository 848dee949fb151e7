package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"lockd/fuzz/schedule"
	"lockd/server/core"
	"lockd/sim/judge"
	"lockd/wire"
)

// FuzzDialects gives the six lock commands to a server of each dialect and
// checks that they differ in text only: the numbers are the same, but for g on a
// lock that the connection holds, to which classic says no (CLASSIC-1,
// CLASSIC-2).
func FuzzDialects(f *testing.F) {
	for _, seed := range coreSeeds {
		f.Add([]byte(seed[1:]))
	}
	f.Fuzz(func(t *testing.T, coded []byte) {
		glockd, classic := judge.New(core.Config{}), judge.New(core.Config{Dialect: wire.Classic})
		check := func() {
			glockd.Valid()
			classic.Valid()
			if err := errors.Join(glockd.Err(), classic.Err()); err != nil {
				t.Fatal(err)
			}
		}
		commands := 0
		selected := 0
		step := func(line []byte) {
			var parser wire.Parser
			r := parser.Parse(line)
			if r.Command < wire.Get || r.Command > wire.InspectShared {
				return
			}
			again := r.Command == wire.Get && holds(glockd, selected, r.Name)
			packet := append(bytes.Clone(line), '\n')
			g, c := glockd.Send(selected, packet), classic.Send(selected, packet)
			check()
			gr, gerr := wire.ParseReply(bytes.TrimSuffix(g, []byte("\n")))
			cr, cerr := wire.ParseReply(bytes.TrimSuffix(c, []byte("\r\n")))
			if gerr != nil || cerr != nil {
				t.Fatalf("%q is answered %q and %q", line, g, c)
			}
			if again && (gr.N != 1 || cr.N != 0) || !again && gr.N != cr.N {
				t.Fatalf("%q is answered %q and %q (again: %v)", line, g, c, again)
			}
			commands++
		}
		open := func() {
			for _, j := range []*judge.Judge{glockd, classic} {
				if !j.IsOpen(selected) {
					j.Open(selected, judge.Addr(selected))
				}
			}
		}
		open()
		for s := range schedule.Steps(coded) {
			switch {
			case len(s.Data) > 0:
				for line := range bytes.SplitSeq(s.Data, []byte("\n")) {
					step(line)
				}
			case s.What == schedule.CloseConn:
				glockd.Close(selected)
				classic.Close(selected)
			case s.What <= schedule.SelectLast:
				selected = int(s.What - schedule.SelectFirst)
				open()
			}
			if check(); !glockd.IsOpen(selected) {
				break
			}
		}
		reached(f, commands > 0)
	})
}

// holds asks whether a connection holds the exclusive lock of a name: it releases the
// lock and gets it again.
func holds(j *judge.Judge, n int, name []byte) bool {
	if reply := j.Send(n, fmt.Appendf(nil, "r %s\n", name)); len(reply) == 0 || reply[0] != '1' {
		return false
	}
	j.Send(n, fmt.Appendf(nil, "g %s\n", name))
	return true
}
