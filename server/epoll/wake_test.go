//go:build linux && (amd64 || arm64 || riscv64)

package epoll

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockd/server/core"
	"lockd/server/loop"
)

// TestWake checks that Wake ends the Wait of another goroutine.
func TestWake(t *testing.T) {
	k := kernel(t)
	begin, took := make(chan bool), make(chan core.Time)
	go func() {
		var all [4]loop.Event
		for range begin {
			now := k.Now()
			k.Wait(all[:], now+patience)
			took <- k.Now() - now
		}
	}()
	defer close(begin)
	for i := range 20 {
		begin <- true
		if i%2 == 0 {
			time.Sleep(time.Millisecond) // until it waits
		}
		k.Wake()
		if d := <-took; d >= patience {
			t.Fatal("Wait was not woken")
		}
	}
}

// TestWakeWithoutWait checks that a Wake is remembered, once.
func TestWakeWithoutWait(t *testing.T) {
	k := kernel(t)
	var all [1]loop.Event
	for range 3 {
		for range 1000 {
			k.Wake()
		}
		begin := k.Now()
		if n := k.Wait(all[:], begin+patience); n != 0 {
			t.Fatalf("Wait returns %d events", n)
		}
		if took := k.Now() - begin; took >= patience {
			t.Fatal("the Wake was lost")
		}
		// The thousand calls count as one.
		begin, waits := k.Now(), 0
		for ; k.Now() < begin+soon; waits++ {
			k.Wait(all[:], begin+soon)
		}
		if waits > 10 {
			t.Errorf("Wait returned %d times after one Wake", waits)
		}
	}
}

// TestConcurrentWakes checks that everything posted before a Wake is seen after a
// Wait, however the calls interleave.
func TestConcurrentWakes(t *testing.T) {
	k := kernel(t)
	var posted atomic.Int64
	var over atomic.Bool
	defer over.Store(true)
	var running sync.WaitGroup
	for i := range 3 {
		running.Go(func() {
			for n := 0; !over.Load(); n++ {
				posted.Add(1)
				k.Wake()
				if n%(5+i) == 0 {
					runtime.Gosched()
				}
			}
		})
	}
	var all [4]loop.Event
	begin := k.Now()
	deadline := begin + patience
	waits := 0
	for ; k.Now() < begin+core.Second/3; waits++ {
		if k.Wait(all[:], deadline) != 0 {
			t.Fatal("an unexpected event")
		}
		if k.Now() >= deadline {
			t.Fatalf("a Wake was lost after %d", posted.Load())
		}
	}
	over.Store(true)
	running.Wait()
	t.Logf("%d wakes, %d waits", posted.Load(), waits)
	// One by one, each with a response: a lost Wake would block for ever.
	turns := make(chan int)
	go func() {
		for i := range 1000 {
			posted.Store(int64(-i - 1))
			k.Wake()
			<-turns
		}
	}()
	for i := range 1000 {
		for posted.Load() != int64(-i-1) {
			k.Wait(all[:], deadline)
			if k.Now() >= deadline {
				t.Fatalf("Wake %d was lost", i)
			}
		}
		turns <- i
	}
}
