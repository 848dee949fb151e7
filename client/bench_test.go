package client

import (
	"context"
	"fmt"
	"sync"
	"testing"
)

// BenchmarkAcquire measures acquiring and releasing a free lock: two round trips.
func BenchmarkAcquire(b *testing.B) {
	d := start(b)
	for _, addr := range []string{d.tcp, d.unix} {
		b.Run(addr[:4], func(b *testing.B) {
			c := dial(b, addr)
			ctx := context.Background()
			b.ReportAllocs()
			for b.Loop() {
				l, err := c.Acquire(ctx, "job")
				if err != nil {
					b.Fatal(err)
				}
				if err := l.Release(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSession measures concurrent callers of one session.
func BenchmarkSession(b *testing.B) {
	d := start(b)
	for _, callers := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := session(b, dial(b, d.tcp))
			ctx := context.Background()
			b.ReportAllocs()
			b.ResetTimer()
			var wait sync.WaitGroup
			for i := range callers {
				wait.Go(func() {
					name := fmt.Sprintf("job-number-%04d", i)
					for range b.N / callers / 2 {
						if err := s.Get(ctx, name); err != nil {
							b.Error(err)
							return
						}
						if err := s.Release(ctx, name); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wait.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1000, "k/s")
		})
	}
}
