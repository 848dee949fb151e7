package core

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"lockd/wire"
)

// measured returns how often a command had each outcome, without those that it never had.
func measured(c *Core, command wire.Command) map[string]uint64 {
	counts := map[string]uint64{}
	for o, n := range c.Measures().Commands[command] {
		if n > 0 {
			counts[Outcome(o).String()] = n
		}
	}
	return counts
}

func TestMeasures(t *testing.T) {
	c := New(Config{MaxLocks: 3, MaxLine: 20, Dump: true})
	a, b, d := open(c, "a:1"), open(c, "b:1"), open(c, "d:1")
	for _, x := range []struct {
		from ID
		line string
	}{
		{a, "g x"}, {a, "g x"}, {b, "g x"}, {a, "sg s"}, {b, "b 3 s"}, {d, "b 1 s"}, {d, "g y"}, // limited
		{a, "i x"}, {a, "i z"}, {a, "si s"}, {a, "t x"}, {b, "t x"}, {b, "r x"}, {a, "r x"},
		{a, "iam me"}, {a, "d"}, {a, "k 9"}, {a, "k"}, {a, "w 1"}, {d, "w 0 b 1 s"}, {a, "nonsense"}, {a, "a line that is too long"},
	} {
		ask(c, x.from, x.line+"\n")
	}
	for command, want := range map[wire.Command]map[string]uint64{
		wire.Get:           {"granted": 2, "refused": 1, "limited": 1},
		wire.GetShared:     {"granted": 1},
		wire.GetBounded:    {"granted": 1, "refused": 1},
		wire.Inspect:       {"held": 1, "free": 1},
		wire.InspectShared: {"held": 1},
		wire.Token:         {"held": 1, "refused": 1},
		wire.Release:       {"released": 1, "refused": 1},
		wire.Iam:           {"disabled": 1},
		wire.Holders:       {"done": 1},
		wire.Kill:          {"done": 1, "disabled": 1},
		wire.Wait:          {"misused": 1, "timed_out": 1},
	} {
		if diff := cmp.Diff(want, measured(c, command)); diff != "" {
			t.Errorf("outcomes of %s (-want +got):\n%s", command, diff)
		}
	}
	m := c.Measures()
	got := []any{m.Invalid, m.Long, m.Exclusive, m.Shared, m.Open[TCP], m.Accepted[TCP]}
	want := []any{uint64(1), uint64(1), TableMeasures{Grants: 2}, TableMeasures{Names: 1, Holders: 2, Grants: 2}, 3, uint64(3)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("measures (-want +got):\n%s", diff)
	}
}

// TestMeasuresOfWaits ends waits in each way.
func TestMeasuresOfWaits(t *testing.T) {
	c := New(Config{MaxLocks: 2})
	now := Time(0)
	send := func(id ID, line string) { c.Receive(now, id, []byte(line+"\n"), new(Effects)) }
	holder := open(c, "h:1")
	send(holder, "g x")
	send(holder, "b 0 s")
	var waiting []ID
	for _, line := range []string{"w 5000 g x", "w 20 g x", "w 9000 g x", "w 9000 b 1 s", "w 9000 g x"} {
		id := open(c, "w:1")
		send(id, line)
		waiting = append(waiting, id)
	}
	if m := c.Measures(); m.Queues != 2 || m.Exclusive.Waiters != 4 || m.Shared.Waiters != 1 {
		t.Errorf("%d queues, %d and %d waiters", m.Queues, m.Exclusive.Waiters, m.Shared.Waiters)
	}
	now = 20 * Millisecond
	c.Tick(now, new(Effects)) // the second times out
	c.Close(now, waiting[2], new(Effects))
	c.EndOfStream(now, waiting[3], new(Effects))
	now = 300 * Millisecond
	send(holder, "r x") // the first is granted the lock
	now = 400 * Millisecond
	c.Stop(now, new(Effects))
	want := map[string]uint64{"granted": 1, "timed_out": 1, "disconnected": 1, "cancelled": 2}
	if diff := cmp.Diff(want, measured(c, wire.Wait)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	m := c.Measures()
	if h := m.Waits[granted]; h.Sum != 300 || h.Count() != 1 {
		t.Errorf("waits that were granted: %+v", h)
	}
	if h := m.Waits[cancelled]; h.Sum != 20+400 || h.Count() != 2 {
		t.Errorf("waits that were cancelled: %+v", h)
	}
	if m.Places.Sum != 1+2+3+1+4 || m.Places.Count() != 5 {
		t.Errorf("places in queues: %+v", m.Places)
	}
	if m.Queues != 0 || m.Exclusive.Waiters+m.Shared.Waiters != 0 || m.Exclusive.Grants != 2 {
		t.Errorf("%+v", m)
	}
}

func TestProvedName(t *testing.T) {
	c := New(Config{Registry: true, Dump: true})
	id, _ := c.Open(0, Peer{Addr: "h:1", Name: "worker"}, new(Effects))
	for line, want := range map[string]string{
		"me":        "1 h:1 worker\n",
		"iam other": "0 disabled\n",
		"iam":       "0 disabled\n",
		"who":       "h:1: worker\n",
	} {
		if got, _ := ask(c, id, line+"\n"); got != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}

func TestHistogram(t *testing.T) {
	h := NewHistogram(1, 10)
	for _, value := range []int64{0, 1, 2, 10, 11, 1000} {
		h.Add(value)
	}
	copied := h.Clone()
	h.Add(5)
	if diff := cmp.Diff([]uint64{2, 2, 2}, copied.Counts); diff != "" || copied.Sum != 1024 || h.Count() != 7 {
		t.Errorf("%s; %+v, then %+v", diff, copied, h)
	}
}
