package core

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkHandOff measures a release of a name for which very many connections wait,
// which grants it to the next of them, and the wait of the one that has released it.
func BenchmarkHandOff(b *testing.B) {
	for _, waiters := range []int{1, 100_000} {
		b.Run(fmt.Sprint(waiters), func(b *testing.B) {
			c := New(Config{})
			var fx Effects
			for range waiters + 1 {
				id := open(c, "127.0.0.1:2")
				c.Receive(0, id, []byte("w 60000 g job\n"), &fx)
			}
			holder := ID(1)
			both := []byte("r job\nw 60000 g job\n")
			b.ReportAllocs()
			for b.Loop() {
				fx.Reset()
				c.Receive(0, holder, both, &fx)
				holder = fx.Resumed()[0].To
			}
			if err := c.Valid(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkDeadlines measures a wait that begins and is cancelled, while very many others
// wait.
func BenchmarkDeadlines(b *testing.B) {
	for _, waiters := range []int{1, 100_000} {
		b.Run(fmt.Sprint(waiters), func(b *testing.B) {
			c := New(Config{})
			var fx Effects
			c.Receive(0, open(c, "h:1"), []byte("g job\n"), &fx)
			for i := range waiters {
				c.Receive(0, open(c, "h:1"), fmt.Appendf(nil, "w %d g job\n", 1000+i*7919%60000), &fx)
			}
			id := open(c, "h:1")
			line := []byte("w 30000 g job\n")
			b.ReportAllocs()
			for b.Loop() {
				fx.Reset()
				c.Receive(0, id, line, &fx)
				c.EndOfStream(0, id, &fx)
				delete(c.finished, id)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
		})
	}
}

// BenchmarkReaders measures a step that grants a name to some of very many readers behind
// a writer.
func BenchmarkReaders(b *testing.B) {
	const readers = 100_000
	steps := 0
	for b.Loop() {
		b.StopTimer()
		c := New(Config{})
		var fx Effects
		writer := open(c, "h:1")
		c.Receive(0, writer, []byte("b 1 page\n"), &fx)
		for range readers {
			c.Receive(0, open(c, "h:1"), []byte("w 60000 b 0 page\n"), &fx)
		}
		fx.Reset()
		b.StartTimer()
		c.Receive(0, writer, []byte("sr page\n"), &fx)
		for steps = 1; c.Next() == 0; steps++ {
			fx.Reset()
			c.Tick(0, &fx)
		}
	}
	mean := b.Elapsed().Seconds() / float64(b.N) / float64(steps) * 1e6
	b.ReportMetric(mean, "µs/step")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)/readers*1e9, "ns/reader")
}

// BenchmarkWaiters measures the memory of a connection that waits, beyond that of one that
// does not.
func BenchmarkWaiters(b *testing.B) {
	const waiters = 100_000
	for b.Loop() {
		c := New(Config{})
		var fx Effects
		c.Receive(0, open(c, "h:1"), []byte("g job\n"), &fx)
		ids := make([]ID, waiters)
		for i := range ids {
			ids[i] = open(c, "h:1")
		}
		before := liveBytes()
		for _, id := range ids {
			c.Receive(0, id, []byte("w 60000 g job\n"), &fx)
		}
		b.ReportMetric(float64(liveBytes()-before)/waiters, "B/waiter")
		runtime.KeepAlive(c)
	}
}

// liveBytes returns the bytes of live objects.
func liveBytes() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
