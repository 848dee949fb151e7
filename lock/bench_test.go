package lock

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkMachine measures one operation on a machine that holds some locks.
func BenchmarkMachine(b *testing.B) {
	for _, c := range []struct {
		name string
		run  func(m *Machine, name []byte)
	}{
		{"get_again", func(m *Machine, name []byte) { m.Get(1, name) }},
		{"get_refused", func(m *Machine, name []byte) { m.Get(2, name) }},
		{"release_refused", func(m *Machine, name []byte) { m.Release(2, name) }},
		{"inspect", func(m *Machine, name []byte) { m.Holder(name) }},
		{"shared_get_release", func(m *Machine, name []byte) { m.GetShared(2, name); m.ReleaseShared(2, name) }},
		{"shared_inspect", func(m *Machine, name []byte) { m.Holders(name) }},
		{"release_get", func(m *Machine, name []byte) { m.Release(1, name); m.Get(1, name) }},
	} {
		for _, locks := range []int{100, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", c.name, locks), func(b *testing.B) {
				m := New(Options{Reentrant: true})
				m.Open(1)
				m.Open(2)
				names := make([][]byte, locks)
				for i := range names {
					names[i] = fmt.Appendf(nil, "job-%d", i*7919)
					m.Get(1, names[i])
					m.GetShared(1, names[i])
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					c.run(m, names[i])
					if i++; i == locks {
						i = 0
					}
				}
			})
		}
	}
}

// BenchmarkClose measures the cost per lock of ending a connection and of clearing it
// afterwards.
func BenchmarkClose(b *testing.B) {
	const locks = 10_000
	names := make([][]byte, locks)
	for i := range names {
		names[i] = fmt.Appendf(nil, "job-%d", i)
	}
	m := New(Options{})
	for id := Conn(1); b.Loop(); id++ {
		b.StopTimer()
		m.Open(id)
		for _, name := range names {
			m.Get(id, name)
		}
		b.StartTimer()
		m.Close(id)
		for m.Uncleared() {
			m.Clear()
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/locks, "ns/lock")
}

// BenchmarkMemory measures the memory of a lock, beyond that of its connection.
func BenchmarkMemory(b *testing.B) {
	const locks = 1_000_000
	for _, c := range []struct {
		name string
		get  func(m *Machine, id Conn, name []byte)
	}{
		{"exclusive", func(m *Machine, id Conn, name []byte) { m.Get(1, name) }},
		{"shared", func(m *Machine, id Conn, name []byte) { m.GetShared(1, name) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				m := New(Options{})
				m.Open(1)
				before := liveBytes()
				for i := range locks {
					c.get(m, 1, fmt.Appendf(nil, "job-%d", i))
				}
				b.ReportMetric(float64(liveBytes()-before)/locks, "B/lock")
				runtime.KeepAlive(m)
			}
		})
	}
}

// liveBytes returns the bytes of live objects.
func liveBytes() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
