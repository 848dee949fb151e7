package lock

import (
	"strings"
	"testing"
)

// TestValidDetectsViolations violates every invariant in turn and checks that Valid
// reports it.
func TestValidDetectsViolations(t *testing.T) {
	for _, c := range []struct {
		name, want string
		damage     func(*Machine)
	}{
		{"renamed lock", "I1", func(m *Machine) { m.exclusive["a"].name = "x" }},
		{"closed holder", "I1", func(m *Machine) { delete(m.conns, 1) }},
		{"wrong place", "I1", func(m *Machine) { m.exclusive["a"].at = 7 }},
		{"renumbered connection", "I1", func(m *Machine) { m.conns[99] = m.conns[20]; delete(m.conns, 20) }},
		{"free and not in the ring", "I1", func(m *Machine) { m.free.ring[m.exclusive["f"].at] = nil }},
		{"held and in the ring", "I1", func(m *Machine) { m.free.ring[0] = m.exclusive["a"] }},
		{"wrong place in the ring", "I1", func(m *Machine) { m.exclusive["f"].at = 3 }},
		{"miscounted locks", "I6", func(m *Machine) { m.exclusiveSize.Names++ }},
		{"lost lock", "I2", func(m *Machine) {
			delete(m.exclusive, "a")
			m.exclusiveSize.named("a", -1)
			m.exclusiveSize.change("a", m.conns[1], -1)
		}},
		{"renamed shared lock", "I3", func(m *Machine) { m.shared["s"].name = "x" }},
		{"empty shared lock", "I3", func(m *Machine) { m.shared["e"] = &shared{name: "e"} }},
		{"closed shared holder", "I3", func(m *Machine) { m.shared["s"].holders[0].conn = &conn{} }},
		{"twice a holder", "I3", func(m *Machine) { l := m.shared["s"]; l.holders = append(l.holders, l.holders[0]) }},
		{"wrong shared place", "I3", func(m *Machine) { m.shared["s"].holders[1].at = 0 }},
		{"lost shared lock", "I4", func(m *Machine) {
			delete(m.shared, "s")
			m.sharedSize.named("s", -1)
			m.sharedSize.change("s", m.conns[1], -1)
			m.sharedSize.change("s", m.conns[2], -1)
		}},
		{"same time", "I5", func(m *Machine) { m.conns[1].shared[1].acquired = m.conns[2].shared[1].acquired }},
		{"time in the future", "I5", func(m *Machine) { m.conns[1].shared[1].acquired = 1000 }},
		{"short index", "I5", func(m *Machine) { delete(m.shared["many"].index, 5) }},
		{"wrong index", "I5", func(m *Machine) { i := m.shared["many"].index; i[5], i[6] = i[6], i[5] }},
		{"no index", "I5", func(m *Machine) { m.shared["many"].index = nil }},
		{"miscounted", "I6", func(m *Machine) { m.sharedSize.Holdings++ }},
		{"over the limit", "I6", func(m *Machine) { m.options.MaxHoldings = 3 }},
		{"misweighed", "I6", func(m *Machine) { m.conns[1].weight[1]++ }},
		{"not listed", "I7", func(m *Machine) { m.holders.remove(m.conns[1]) }},
		{"listed elsewhere", "I7", func(m *Machine) { l := m.holders.list; l[0], l[1] = l[1], l[0] }},
		{"closed and listed", "I7", func(m *Machine) {
			m.conns[20].place = int32(len(m.holders.list))
			m.holders.list = append(m.holders.list, &conn{id: 77, place: m.conns[20].place})
		}},
	} {
		m := New(Options{})
		for c := range Conn(12) {
			m.Open(c)
			m.GetShared(c, []byte("many"))
		}
		m.Open(20)
		m.Get(1, []byte("f"))
		m.Release(1, []byte("f"))
		m.Get(1, []byte("a"))
		m.Get(1, []byte("b"))
		m.GetShared(1, []byte("s"))
		m.GetShared(2, []byte("s"))
		if err := m.Valid(); err != nil {
			t.Fatal(err)
		}
		c.damage(m)
		if err := m.Valid(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a violation of %s", c.name, err, c.want)
		}
	}
}
