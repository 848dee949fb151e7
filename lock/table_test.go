package lock

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestTable compares a table that grows, shrinks and grows again with a map, and checks
// that its memory follows the number of locks.
func TestTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 0))
	table, model := newTable(), map[string]*exclusive{}
	name := func() []byte { return fmt.Appendf(nil, "lock-%d", random.IntN(20_000)) }
	check := func() {
		t.Helper()
		seen := 0
		for l := range table.all() {
			if seen++; model[l.name] != l || table.named([]byte(l.name)) != l {
				t.Fatalf("%s is in the table and not found, or not in the map", l.name)
			}
		}
		if seen != len(model) || table.len != len(model) {
			t.Fatalf("the table has %d locks and counts %d, the map has %d", seen, table.len, len(model))
		}
		if b := table.buckets; b < minSpread*table.len || b > max(segment, maxSpread*table.len) || len(table.segments) != (b+segment-1)/segment {
			t.Fatalf("%d buckets in %d segments for %d locks", b, len(table.segments), table.len)
		}
		for i, unused := range table.segments[len(table.segments):cap(table.segments)] {
			if unused != nil {
				t.Fatalf("segment %d is kept, %d are in use", len(table.segments)+i, len(table.segments))
			}
		}
	}
	for _, most := range []int{100, 10_000, 3, 700, 4_000, 0, 5_000} {
		for step := 0; len(model) != most; step++ {
			n := name()
			l := table.named(n)
			switch {
			case l != model[string(n)]:
				t.Fatalf("%s: the table has %v, the map %v", n, l, model[string(n)])
			case l == nil && len(model) < most:
				l = &exclusive{name: string(n)}
				table.add(table.hash(n), l)
				model[l.name] = l
			case l != nil && len(model) > most:
				table.remove(l)
				delete(model, l.name)
			}
			if step%500 == 0 {
				check()
			}
		}
		check()
	}
}

// BenchmarkTable measures the table by itself, beside a map.
func BenchmarkTable(b *testing.B) {
	for _, locks := range []int{100, 100_000} {
		table, model := newTable(), map[string]*exclusive{}
		names := make([][]byte, locks)
		for i := range names {
			names[i] = fmt.Appendf(nil, "job-%d", i*7919)
			l := &exclusive{name: string(names[i])}
			table.add(table.hash(names[i]), l)
			model[l.name] = l
		}
		rand.New(rand.NewPCG(1, 0)).Shuffle(locks, func(i, j int) { names[i], names[j] = names[j], names[i] })
		for _, c := range []struct {
			name string
			run  func(name []byte)
		}{
			{"find", func(name []byte) { table.named(name) }},
			{"map_find", func(name []byte) { _ = model[string(name)] }},
			{"remove_add", func(name []byte) {
				hash := table.hash(name)
				l := table.find(hash, name)
				table.remove(l)
				table.add(hash, l)
			}},
			{"map_remove_add", func(name []byte) {
				l := model[string(name)]
				delete(model, l.name)
				model[l.name] = l
			}},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, locks), func(b *testing.B) {
				i := 0
				for b.Loop() {
					c.run(names[i])
					if i++; i == locks {
						i = 0
					}
				}
			})
		}
	}
}
