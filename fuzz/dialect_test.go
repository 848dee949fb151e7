package fuzz

import (
	"bytes"
	"testing"

	"lockd/fuzz/pair"
	"lockd/server/core"
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
	f.Fuzz(func(t *testing.T, schedule []byte) {
		glockd, classic := pair.New(core.Config{}), pair.New(core.Config{Dialect: wire.Classic})
		commands := 0
		selected := 0
		step := func(line []byte) {
			var parser wire.Parser
			r := parser.Parse(line)
			if r.Command < wire.Get || r.Command > wire.InspectShared {
				return
			}
			again := false
			if r.Command == wire.Get {
				again = glockd.Holds(selected, r.Name)
			}
			packet := append(bytes.Clone(line), '\n')
			g, err := glockd.Send(selected, packet)
			if err != nil {
				t.Fatal(err)
			}
			c, err := classic.Send(selected, packet)
			if err != nil {
				t.Fatal(err)
			}
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
		for _, p := range []*pair.Pair{glockd, classic} {
			if err := p.Open(0); err != nil {
				t.Fatal(err)
			}
		}
		pair.Steps(schedule, func(s pair.Step) bool {
			if len(s.Data) > 0 {
				for line := range bytes.SplitSeq(s.Data, []byte("\n")) {
					step(line)
				}
				return true
			}
			for _, p := range []*pair.Pair{glockd, classic} {
				var err error
				switch {
				case s.What == pair.CloseConn:
					err = p.Close(selected)
				case s.What <= pair.SelectLast && !p.IsOpen(int(s.What-pair.SelectFirst)):
					err = p.Open(int(s.What - pair.SelectFirst))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if s.What <= pair.SelectLast {
				selected = int(s.What - pair.SelectFirst)
			}
			return glockd.IsOpen(selected)
		})
		reached(f, commands > 0)
	})
}
