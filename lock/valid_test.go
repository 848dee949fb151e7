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
		{"renamed lock", "I1", func(m *Machine) { m.exclusive.named([]byte("a")).name = "x" }},
		{"closed holder", "I1", func(m *Machine) { delete(m.conns, 1) }},
		{"wrong place", "I1", func(m *Machine) { m.exclusive.named([]byte("a")).setAt(7) }},
		{"renumbered connection", "I1", func(m *Machine) { m.conns[99] = m.conns[20]; delete(m.conns, 20) }},
		{"free and not in the ring", "I1", func(m *Machine) { m.free.ring[m.exclusive.named([]byte("f")).at()] = nil }},
		{"held and in the ring", "I1", func(m *Machine) { m.free.ring[0] = m.exclusive.named([]byte("a")) }},
		{"wrong place in the ring", "I1", func(m *Machine) { m.exclusive.named([]byte("f")).setAt(3) }},
		{"miscounted locks", "I6", func(m *Machine) { m.exclusiveSize.Names++ }},
		{"lost lock", "I2", func(m *Machine) {
			m.exclusive.remove(m.exclusive.named([]byte("a")))
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
		{"same token", "I12", func(m *Machine) { m.conns[1].shared[1].token = m.conns[2].shared[1].token }},
		{"same token in two tables", "I12", func(m *Machine) { m.conns[1].shared[1].token = m.conns[1].exclusive[0].token }},
		{"token of the future", "I12", func(m *Machine) { m.conns[1].shared[1].token = 1000 }},
		{"no token", "I12", func(m *Machine) { m.conns[1].exclusive[0].token = 0 }},
		{"could be granted", "I9", func(m *Machine) {
			m.Release(1, []byte("b"))
			m.touched.queues[0].passing = false
		}},
		{"could be granted, shared", "I9", func(m *Machine) {
			l := m.shared["s"]
			l.holding(l.find(2)).bound = Unbounded
			l.extra.bounds.remove(2)
			l.less()
			m.waiters[m.conns[8]].bound = 0
		}},
		{"not queued", "I10", func(m *Machine) { m.exclusive.named([]byte("b")).bits &^= queuedBit }},
		{"no queue", "I10", func(m *Machine) { m.exclusive.named([]byte("a")).bits |= queuedBit }},
		{"another's queue", "I10", func(m *Machine) {
			m.exclusiveQueues[m.exclusive.named([]byte("a"))] = m.exclusiveQueues[m.exclusive.named([]byte("b"))]
		}},
		{"barging", "I10", func(m *Machine) {
			q := m.exclusiveQueues[m.exclusive.named([]byte("b"))]
			q.first.ticket, q.last.ticket = q.last.ticket, q.first.ticket
		}},
		{"ticket of the future", "I10", func(m *Machine) { m.waiters[m.conns[7]].ticket = 1000 }},
		{"miscounted waiters", "I10", func(m *Machine) { m.waiters[m.conns[7]].queue.waiters++ }},
		{"cut off", "I10", func(m *Machine) { m.waiters[m.conns[6]].after = nil }},
		{"waits elsewhere", "I11", func(m *Machine) { m.waiters[m.conns[7]] = m.waiters[m.conns[6]] }},
		{"waits nowhere", "I11", func(m *Machine) { m.waiters[m.conns[9]] = &waiter{} }},
		{"closed waiter", "I11", func(m *Machine) { m.waiters[m.conns[7]].conn = &conn{} }},
		{"misweighed waiter", "I11", func(m *Machine) { m.waitingSize.HolderBytes[0]++ }},
		{"smallest bound", "I5", func(m *Machine) { m.shared["s"].extra.bounds.bound++ }},
		{"no bounds", "I5", func(m *Machine) { m.conns[3].shared[1].bound = 7 }},
		{"wrong slot", "I1", func(m *Machine) { m.conns[20].slot = m.conns[1].slot }},
		{"short index", "I5", func(m *Machine) { delete(m.shared["many"].extra.index, 5) }},
		{"wrong index", "I5", func(m *Machine) { i := m.shared["many"].extra.index; i[5], i[6] = i[6], i[5] }},
		{"no index", "I5", func(m *Machine) { m.shared["many"].extra.index = nil }},
		{"miscounted", "I6", func(m *Machine) { m.sharedSize.Holdings++ }},
		{"over the limit", "I6", func(m *Machine) { m.options.Limits.Holdings = 3 }},
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
		m.GetBounded(2, []byte("s"), 2)
		m.GetShared(3, []byte("t"))
		m.Get(6, []byte("b"))
		m.WaitExclusive(6, []byte("b"))
		m.WaitExclusive(7, []byte("b"))
		m.WaitShared(8, []byte("s"), 0)
		if err := m.Valid(); err != nil {
			t.Fatal(err)
		}
		c.damage(m)
		if err := m.Valid(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want a violation of %s", c.name, err, c.want)
		}
	}
}
