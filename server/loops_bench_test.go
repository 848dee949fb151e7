package server

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"lockd/server/core"
	"lockd/server/hub"
)

// BenchmarkLoops measures what several loops get done that share one Core, each with a
// thread of its own: a batch of commands under the mutex, then as much time as the kernel
// takes for the batch, which is spent turning. With cores=loops each loop has a Core of its
// own, as if names were split among them. docs/scale.md has what follows from it.
func BenchmarkLoops(b *testing.B) {
	for _, load := range []struct {
		depth   int
		outside time.Duration
	}{{1, 0}, {16, 0}, {64, 0}, {1, 5500 * time.Nanosecond}, {16, 6500 * time.Nanosecond}, {64, 9500 * time.Nanosecond}} {
		for _, loops := range []int{1, 2} {
			for cores := 1; cores <= loops; cores++ {
				name := fmt.Sprintf("depth=%d/outside=%v/loops=%d/cores=%d", load.depth, load.outside, loops, cores)
				b.Run(name, func(b *testing.B) { benchLoops(b, load.depth, load.outside, loops, cores) })
			}
		}
	}
}

func benchLoops(b *testing.B, depth int, outside time.Duration, loops, cores int) {
	if runtime.NumCPU() < loops {
		b.Skipf("skipped: %d loops need as many processors", loops)
	}
	hubs := make([]*hub.Hub, cores)
	for i := range hubs {
		hubs[i] = hub.New(core.New(core.Config{}), new(spinMutex))
	}
	var all sync.WaitGroup
	b.ResetTimer()
	for i := range loops {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			turnBatches(hubs[i%cores], i, depth, b.N, outside)
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N*depth*loops)/b.Elapsed().Seconds()/1e6, "Mcommands/s")
	b.ReportMetric(0, "ns/op")
}

// turnBatches gives so many batches of 50 connections in turn to Core.
func turnBatches(h *hub.Hub, loop, depth, batches int, outside time.Duration) {
	const conns = 50
	inbox := hub.NewInbox(func() {})
	fx := new(core.Effects)
	var ids [conns]core.ID
	var requests [conns][]byte
	for i := range ids {
		ids[i], _ = h.Open(0, core.Peer{Addr: "127.0.0.1:2"}, ownerIn{inbox}, inbox, fx)
		line := fmt.Sprintf(" job-%d-%08d\n", loop, i)
		requests[i] = []byte(strings.Repeat("g"+line+"r"+line, (depth+1)/2))
		if depth == 1 {
			requests[i] = []byte("g" + line)
		}
	}
	for i := range batches {
		at := i % conns
		h.Receive(0, ids[at], requests[at], inbox, fx)
		for began := time.Now(); outside > 0 && time.Since(began) < outside; {
		}
	}
	for _, id := range ids {
		h.Close(0, id, inbox, fx)
	}
}

// ownerIn is the owner of connections that get nothing but replies.
type ownerIn struct{ inbox *hub.Inbox }

func (o ownerIn) Inbox() *hub.Inbox { return o.inbox }
func (o ownerIn) Opened(core.ID)    {}
