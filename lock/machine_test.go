package lock

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

// TestMachine compares the Machine with the naive one over random operations of
// up to 14 connections, so that shared locks gain and lose an index.
func TestMachine(t *testing.T) {
	names := []string{"", "a", "b", "\x00", "\xff"}
	rapid.Check(t, func(t *rapid.T) {
		w := newPair(Options{
			Reentrant: rapid.Bool().Draw(t, "reentrant"),
			Limits: Limits{
				Holdings:  rapid.SampledFrom([]int{0, 0, 3, 20}).Draw(t, "limit"),
				OfConn:    rapid.SampledFrom([]int{0, 0, 1, 3}).Draw(t, "limit of a connection"),
				NameBytes: rapid.SampledFrom([]int{0, 0, 2, 9}).Draw(t, "limit of names"),
			},
			Piece: rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "piece"),
		})
		conns := Conn(rapid.SampledFrom([]int{2, 4, 14}).Draw(t, "connections"))
		weights := rapid.SampledFrom([][]operation{
			{opGet, opRelease, opGetShared, opReleaseShared, opClose, opOpen},
			{opGetShared, opGetShared, opGetShared, opReleaseShared, opOpen, opOpen},
			{opGet, opGet, opRelease, opGetShared, opOpen, opOpen},
			{opGet, opGet, opGet, opGetShared, opGetShared, opGetShared, opClose, opOpen, opOpen, opClear},
			{opGet, opRelease, opRelease, opWait, opWait, opWait, opCancel, opContinue},
			{opWait, opWait, opRelease, opRelease, opClose, opOpen, opClear, opContinue, opCancelAll},
			{opGetShared, opReleaseShared, opGetBounded1, opGetBounded2, opGetBounded0, opWaitBounded0, opWaitBounded1, opWaitBounded2, opContinue, opCancel},
			{opReleaseShared, opReleaseShared, opWaitBounded0, opWaitBounded0, opWaitBounded1, opWaitBounded2, opClose, opOpen, opClear, opContinue, opWait, opRelease},
		}).Draw(t, "operations")
		most := rapid.SampledFrom([]int{0, 1, 2, 100, 100}).Draw(t, "most")
		for c := range conns {
			w.openConn(c)
		}
		for range rapid.IntRange(1, 150).Draw(t, "steps") {
			op := rapid.SampledFrom(weights).Draw(t, "operation")
			c := Conn(rapid.Uint64Range(0, uint64(conns)).Draw(t, "connection"))
			name := rapid.SampledFrom(names).Draw(t, "name")
			if rapid.IntRange(0, 3).Draw(t, "time") == 0 {
				w.machine.SetTime(rapid.Int64Range(0, 100).Draw(t, "milliseconds"))
			}
			if err := w.step(op, c, name, most); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.same(names); err != nil {
			t.Fatal(err)
		}
		for w.machine.Uncleared() {
			w.machine.Clear()
		}
		if err := errors.Join(w.same(names), w.machine.Valid()); err != nil {
			t.Fatal(err)
		}
	})
}

// TestExhaustive tries every sequence of four operations of a few connections, after all
// have opened. The first of the four is of the first connection on the first name, if it is
// of any: no connection and no name differs from the others.
func TestExhaustive(t *testing.T) {
	type call struct {
		op   operation
		conn Conn
		name string
	}
	for _, c := range []struct {
		conns Conn
		names []string
		ops   []operation
	}{
		{2, []string{"a", "b"}, []operation{opGet, opRelease, opGetShared, opReleaseShared, opClose, opOpen}},
		{3, []string{"a"}, []operation{opWait, opRelease, opCancel, opClose, opOpen}},
		{3, []string{"a"}, []operation{opReleaseShared, opGetBounded1, opWaitBounded1, opWaitBounded0}},
	} {
		all := []call{{op: opClear}, {op: opContinue}}
		for _, op := range c.ops {
			for conn := range c.conns {
				for _, name := range c.names {
					if all = append(all, call{op, conn, name}); op == opClose || op == opOpen || op == opCancel {
						break
					}
				}
			}
		}
		const length = 4
		options := []Options{{}, {Reentrant: true}, {Limits: Limits{Holdings: 1}}, {Piece: 1}}
		if c.conns > 2 {
			options = []Options{{Reentrant: true}, {Limits: Limits{Holdings: 1}, Piece: 1}}
		}
		for _, o := range options {
			sequences := 1
			for range length {
				sequences *= len(all)
			}
			for sequence := range sequences {
				w := newPair(o)
				for conn := range c.conns {
					w.openConn(conn)
				}
				rest := sequence
				if first := all[rest%len(all)]; first.conn > 0 || first.name > c.names[0] {
					continue
				}
				for range length {
					next := all[rest%len(all)]
					rest /= len(all)
					if err := w.step(next.op, next.conn, next.name, 1); err != nil {
						t.Fatalf("%v, sequence %d with %+v: %v", c.ops, sequence, o, err)
					}
				}
				if sequence%31 == 0 { // comparing everything is slow; steps are compared always
					if err := w.same(c.names); err != nil {
						t.Fatalf("%v, sequence %d with %+v: %v", c.ops, sequence, o, err)
					}
				}
			}
		}
	}
}

// TestRef checks that a reference to a connection that has ended, or was never open, is of
// no use, also when another connection has its place.
func TestRef(t *testing.T) {
	m := New(Options{Piece: 2})
	name := []byte("a")
	for _, names := range []string{"b", "bc"} { // with three locks it ends by a mark
		one := m.Open(1)
		m.Expect(one)
		m.Get(1, name)
		for _, b := range []byte(names) {
			m.Get(1, []byte{b})
		}
		m.Close(1)
		for _, r := range []Ref{one, {}} {
			m.Expect(r)
			if m.Get(1, name) != Denied || m.Get(9, name) != Denied {
				t.Error("a connection that has ended gets a lock")
			}
		}
		m.Open(2)
		if m.Expect(one); m.Get(1, name) != Denied || m.Get(2, name) != Granted {
			t.Error("a connection that has ended gets a lock instead of another")
		}
		m.Close(2)
	}
}

// TestClosedConnection checks that a closed connection acquires nothing.
func TestClosedConnection(t *testing.T) {
	m := New(Options{})
	m.Open(1)
	m.Get(1, []byte("a"))
	m.Close(1)
	if m.Get(1, []byte("a")) != Denied {
		t.Error("a connection that has ended gets a lock")
	}
	if n, outcome := m.GetShared(1, []byte("a")); n != 0 || outcome != Denied {
		t.Error("a connection that has ended gets a shared lock")
	}
}
