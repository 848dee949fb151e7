//go:build unix

package server

import (
	"bufio"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// benchServer returns the address of a server with one loop.
func benchServer(b *testing.B) string {
	l, err := ListenTCP("127.0.0.1", 0, time.Minute, 0)
	if err != nil {
		b.Fatal(err)
	}
	s := New(Config{Loops: min(1, len(drivers())-1)})
	go s.Serve(l)
	b.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

// benchClient is a client that waits for every line.
type benchClient struct {
	net.Conn
	lines *bufio.Reader
}

func dialBench(b *testing.B, addr string) benchClient {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return benchClient{c, bufio.NewReader(c)}
}

func (c benchClient) line(b *testing.B) string {
	line, err := c.lines.ReadString('\n')
	if err != nil {
		b.Error(err)
	}
	return line
}

// ask sends a command and waits for its reply.
func (c benchClient) ask(b *testing.B, command string) {
	fmt.Fprint(c, command)
	c.line(b)
}

// BenchmarkHandOffTCP compares the time from a release to its grant to a connection that
// waits with that of a plain round trip: of a release alone, and of one that its client
// sends together with its next wait.
func BenchmarkHandOffTCP(b *testing.B) {
	for _, again := range []string{"alone", "with the next wait"} {
		b.Run(again, func(b *testing.B) {
			addr := benchServer(b)
			one, two := dialBench(b, addr), dialBench(b, addr)
			const wait = "w 600000 g x\n"
			one.ask(b, wait)
			fmt.Fprint(two, wait)
			time.Sleep(10 * time.Millisecond)
			var plain, handed []time.Duration
			for b.Loop() {
				one.ask(b, "i x\n") // after this, two waits
				start := time.Now()
				one.ask(b, "i x\n")
				plain = append(plain, time.Since(start))
				says, later := "r x\n", wait
				if again != "alone" {
					says, later = says+wait, ""
				}
				start = time.Now()
				fmt.Fprint(one, says)
				if line := two.line(b); line != "1 Lock Get Success: x\n" {
					b.Fatalf("instead of a grant %q", line)
				}
				handed = append(handed, time.Since(start))
				one.line(b) // the release
				fmt.Fprint(one, later)
				one, two = two, one
			}
			slices.Sort(plain)
			slices.Sort(handed)
			p, h := plain[len(plain)/2], handed[len(handed)/2]
			b.ReportMetric(float64(p.Nanoseconds()), "ns-plain-p50")
			b.ReportMetric(float64(h.Nanoseconds()), "ns-handoff-p50")
			b.ReportMetric(float64(h)/float64(p), "ratio")
		})
	}
}

// BenchmarkContended has 50 clients that acquire and release one name, and compares
// waiting with polling.
func BenchmarkContended(b *testing.B) {
	const clients = 50
	for _, way := range []struct{ name, acquire string }{{"wait", "w 600000 g x\n"}, {"poll", "g x\n"}} {
		acquire := way.acquire
		b.Run(way.name, func(b *testing.B) {
			addr := benchServer(b)
			conns := make([]benchClient, clients)
			for i := range conns {
				conns[i] = dialBench(b, addr)
			}
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			before := processorTime()
			var running sync.WaitGroup
			for _, c := range conns {
				running.Go(func() {
					for left.Add(-1) >= 0 {
						for {
							fmt.Fprint(c, acquire)
							if strings.HasPrefix(c.line(b), "1") {
								break
							}
						}
						fmt.Fprint(c, "r x\n")
						c.line(b)
					}
				})
			}
			running.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
			b.ReportMetric(float64(b.N)/(processorTime()-before).Seconds(), "pairs/cpu-s")
		})
	}
}

// processorTime returns the processor time of this process.
func processorTime() time.Duration {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
