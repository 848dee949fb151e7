package web_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"lockd/server/web"
)

// BenchmarkMillion asks for metrics and for pages while a million locks are held, and
// measures for how long another client, which asks all the time, waits at most.
func BenchmarkMillion(b *testing.B) {
	const locks = 1_000_000
	s := start(b, all(), web.Options{})
	holder := s.dial()
	go func() {
		w := bufio.NewWriterSize(holder, 64<<10)
		for i := range locks {
			fmt.Fprintf(w, "g a-name-of-15-%d\n", i)
		}
		w.Flush()
	}()
	go io.Copy(io.Discard, holder)
	for s.server.Measures().Exclusive.Names < locks {
		time.Sleep(10 * time.Millisecond)
	}
	for _, path := range []string{"none", "/metrics", "/", "/?q=99999", "/?view=connections"} {
		b.Run(path, func(b *testing.B) {
			client := s.dial()
			var stop atomic.Bool
			longest := make(chan time.Duration)
			go func() {
				most := time.Duration(0)
				for !stop.Load() {
					began := time.Now()
					client.ask("i x")
					most = max(most, time.Since(began))
				}
				longest <- most
			}()
			for b.Loop() {
				if path == "none" {
					time.Sleep(time.Millisecond)
					continue
				}
				answer, err := http.Get(s.url + path)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
			stop.Store(true)
			b.ReportMetric(float64((<-longest).Microseconds()), "µs-longest")
		})
	}
}
