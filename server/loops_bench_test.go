package server

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockd/server/core"
	"lockd/server/hub"
)

// BenchmarkLoops measures what several loops get done that share one Core, each with a
// thread of its own: a batch of commands under the mutex, then as much time as everything
// else takes for the batch, which is spent spinning. With cores=2 each loop has a Core of
// its own. docs/scale.md has what follows from it.
func BenchmarkLoops(b *testing.B) {
	for _, load := range []struct {
		depth   int
		outside time.Duration
	}{{1, 0}, {16, 0}, {64, 0}, {1, 5600 * time.Nanosecond}, {16, 6300 * time.Nanosecond}, {64, 8600 * time.Nanosecond}} {
		for _, loops := range []int{1, 2} {
			for cores := 1; cores <= loops; cores++ {
				name := fmt.Sprintf("depth=%d/outside=%v/loops=%d/cores=%d", load.depth, load.outside, loops, cores)
				b.Run(name, func(b *testing.B) { benchLoops(b, load.depth, load.outside, loops, cores) })
			}
		}
	}
}

func benchLoops(b *testing.B, depth int, outside time.Duration, loops, cores int) {
	if runtime.GOMAXPROCS(0) < loops {
		b.Skipf("skipped: %d loops need as many processors", loops)
	}
	hubs := make([]*hub.Hub, cores)
	for i := range hubs {
		hubs[i] = hub.New(core.New(core.Config{}), new(spinMutex))
	}
	spinners := make([]*spinner, loops)
	for i := range spinners {
		spinners[i] = newSpinner(hubs[i%cores], i, depth, outside)
	}
	var all sync.WaitGroup
	var stop atomic.Bool // one has done its batches
	var batches atomic.Int64
	b.ResetTimer()
	for _, s := range spinners {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			batches.Add(int64(s.run(b.N, &stop)))
		})
	}
	all.Wait()
	b.ReportMetric(float64(batches.Load())*float64(depth)/b.Elapsed().Seconds()/1e6, "Mcommands/s")
	b.ReportMetric(0, "ns/op")
}

// spinner is a loop without a kernel.
type spinner struct {
	hub      *hub.Hub
	inbox    *hub.Inbox
	outside  time.Duration
	ids      []core.ID
	requests [][2][]byte // of each connection, in turn
}

func newSpinner(h *hub.Hub, number, depth int, outside time.Duration) *spinner {
	const conns = 50
	s := &spinner{hub: h, inbox: hub.NewInbox(func() {}), outside: outside}
	for i := range conns {
		id, _ := h.Open(0, core.Peer{Addr: "127.0.0.1:2"}, ownerIn{s.inbox}, s.inbox, new(core.Effects))
		s.ids = append(s.ids, id)
		name := fmt.Sprintf(" job-%d-%08d\n", number, i)
		pairs := []byte(strings.Repeat("g"+name+"r"+name, depth/2))
		request := [2][]byte{pairs, pairs}
		if depth == 1 {
			request = [2][]byte{[]byte("g" + name), []byte("r" + name)}
		}
		s.requests = append(s.requests, request)
	}
	return s
}

// run gives batches of the connections in turn to Core, and returns how many.
func (s *spinner) run(most int, stop *atomic.Bool) int {
	fx := new(core.Effects)
	for i := range most {
		if stop.Load() {
			return i
		}
		at := i % len(s.ids)
		s.hub.Receive(0, s.ids[at], s.requests[at][i/len(s.ids)%2], s.inbox, fx)
		for began := time.Now(); s.outside > 0 && time.Since(began) < s.outside; {
		}
	}
	stop.Store(true)
	return most
}

// ownerIn is the owner of connections that get nothing but replies.
type ownerIn struct{ inbox *hub.Inbox }

func (o ownerIn) Inbox() *hub.Inbox { return o.inbox }
func (o ownerIn) Opened(core.ID)    {}
