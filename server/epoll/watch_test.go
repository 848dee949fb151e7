//go:build linux && (amd64 || arm64 || riscv64)

package epoll

import (
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lockd/server/core"
	"lockd/server/loop"
)

// TestRelease checks that a Wake after Release writes to no descriptor, even if the
// number is in use again.
func TestRelease(t *testing.T) {
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	k.Release()
	for _, fd := range []int{k.event, k.poll} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != unix.EBADF {
			t.Errorf("descriptor %d is still open: %v", fd, err)
		}
	}
	var next [8]int
	for i := range next {
		if next[i], err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		defer unix.Close(next[i])
	}
	k.Wake()
	k.Wake()
	for _, fd := range next {
		if _, err := unix.Read(fd, make([]byte, 8)); err != unix.EAGAIN {
			t.Errorf("Wake after Release has written to descriptor %d: %v", fd, err)
		}
	}

	// While others wake.
	var running sync.WaitGroup
	for range 50 {
		k, err := New()
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			running.Go(func() {
				for range 50 {
					k.Wake()
				}
			})
		}
		k.Release()
	}
	running.Wait()
}

// TestUntil checks that Wait returns at its time, not before, and does not poll in the
// last millisecond.
func TestUntil(t *testing.T) {
	k := kernel(t)
	ours, _ := pairOf(t, "unix")
	k.Watch(loop.FD(*ours), loop.Readable, 7)
	var all [4]loop.Event
	waits, rounds := 0, 0
	for _, d := range []core.Time{0, 1, core.Millisecond / 1000, core.Millisecond / 3, core.Millisecond - 1, core.Millisecond, core.Millisecond + 1, 5*core.Millisecond - 1} {
		for range 10 {
			rounds++
			for until := k.Now() + d; ; {
				waits++
				if n := k.Wait(all[:], until); n != 0 {
					t.Fatalf("Wait returns %d events", n)
				}
				if k.Now() >= until {
					break
				}
			}
		}
	}
	// A signal of the runtime may have interrupted some.
	if waits > rounds+rounds/2 {
		t.Errorf("it took %d calls to wait %d times", waits, rounds)
	}

	begin := k.Now()
	for _, until := range []core.Time{0, begin, begin - core.Second} {
		k.Wait(all[:], until) // does not wait
	}
	if took := k.Now() - begin; took > patience {
		t.Errorf("Wait until the past takes %d", took)
	}
	for _, c := range []struct{ left, want core.Time }{
		{0, 0}, {-1, 0}, {400_000_000 * core.Second, 1<<31 - 1}, {core.Never - k.Now() - 1, 1<<31 - 1},
	} {
		if got := core.Time(k.milliseconds(k.Now() + c.left)); got != c.want {
			t.Errorf("to wait for %d is to wait for %d ms, want %d", c.left, got, c.want)
		}
	}
	if got := int(k.milliseconds(core.Never)); got != -1 {
		t.Errorf("to wait for ever is to wait for %d ms", got)
	}
}

// TestNow checks that time starts at the wall clock and never goes back.
func TestNow(t *testing.T) {
	k := kernel(t)
	last := k.Now()
	if off := time.Since(time.Unix(0, int64(last))); off < -time.Hour || off > time.Hour {
		t.Errorf("it is %v off", off)
	}
	for range 1000 {
		now := k.Now()
		if now < last {
			t.Fatalf("time goes back from %d to %d", last, now)
		}
		last = now
	}
}

// TestTokens checks that every bit of a token comes back.
func TestTokens(t *testing.T) {
	k := kernel(t)
	ours, _ := pairOf(t, "unix")
	tokens := []uint64{0, 1<<63 - 1, 0xdeadbeefcafef00d, 0x00000000ffffffff, 0xffffffff00000000, ^uint64(0) - 1}
	for bit := range 64 {
		tokens = append(tokens, 1<<bit, ^(uint64(1) << bit))
	}
	for _, token := range tokens {
		if errno := k.Watch(loop.FD(*ours), loop.Writable, token); errno != 0 {
			t.Fatal(errno)
		}
		wantEvents(t, k, "writable", loop.Event{Token: token, Ready: loop.Writable})
	}
}

// TestWatch goes through all that one descriptor can be watched for.
func TestWatch(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		k := kernel(t)
		ours, theirs := pairOf(t, network)
		us, them := loop.FD(*ours), loop.FD(*theirs)
		watch := func(want loop.Ready, token uint64) {
			t.Helper()
			if errno := k.Watch(us, want, token); errno != 0 {
				t.Fatal(errno)
			}
		}
		k.Unwatch(us) // does nothing
		k.Unwatch(100_000)
		watch(loop.Readable, 1)
		wantEvents(t, k, "nothing to read")
		k.Write(them, []byte("x"))
		wantEvents(t, k, "something to read", loop.Event{Token: 1, Ready: loop.Readable})
		wantEvents(t, k, "still", loop.Event{Token: 1, Ready: loop.Readable})
		watch(loop.Writable, 2)
		wantEvents(t, k, "room", loop.Event{Token: 2, Ready: loop.Writable})
		watch(loop.Readable|loop.Writable, 3)
		wantEvents(t, k, "both", loop.Event{Token: 3, Ready: loop.Readable | loop.Writable})
		watch(0, 4)
		wantEvents(t, k, "nothing wanted")
		watch(loop.Readable, 5)
		wantEvents(t, k, "again", loop.Event{Token: 5, Ready: loop.Readable})
		k.Unwatch(us)
		k.Unwatch(us)
		wantEvents(t, k, "not watched")
		watch(loop.Readable, 6)
		wantEvents(t, k, "watched again", loop.Event{Token: 6, Ready: loop.Readable})

		// Hangup is reported whatever is wanted, and nothing after Unwatch.
		watch(0, 7)
		if network == "tcp" { // a reset
			unix.SetsockoptLinger(*theirs, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		}
		unix.Close(*theirs)
		*theirs = -1
		got := events(k, patience)
		if len(got) != 1 || got[0].Token != 7 || got[0].Ready&loop.Hangup == 0 {
			t.Errorf("the peer is gone: %+v", got)
		}
		k.Unwatch(us)
		wantEvents(t, k, "not watched any more")

		if errno := k.Watch(99_999, loop.Readable, 1); errno != syscall.EBADF {
			t.Errorf("Watch of no descriptor gives %v", errno)
		}
		k.Unwatch(99_999)
	})
}

// TestDuplicate checks that a closed descriptor reports no events, although a
// duplicate, in a child process for example, keeps its socket open, and that its number
// can be watched again for another socket.
func TestDuplicate(t *testing.T) {
	k := kernel(t)
	ours, theirs := pairOf(t, "unix")
	fd := *ours
	k.Watch(loop.FD(fd), loop.Readable, 1)
	duplicate, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(duplicate)
	k.Close(loop.FD(fd))
	*ours = -1
	k.Write(loop.FD(*theirs), []byte("x"))
	wantEvents(t, k, "a duplicate of what was closed")

	ours2, theirs2 := pairOf(t, "unix")
	if *ours2 != fd {
		if err := unix.Dup3(*ours2, fd, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
		unix.Close(*ours2)
	}
	*ours2 = -1
	if errno := k.Watch(loop.FD(fd), loop.Readable, 2); errno != 0 {
		t.Fatalf("the number of a closed descriptor cannot be watched: %v", errno)
	}
	k.Write(loop.FD(*theirs2), []byte("x"))
	wantEvents(t, k, "the number used again", loop.Event{Token: 2, Ready: loop.Readable})
	k.Close(loop.FD(fd))
}

// TestManyEvents checks that no more events come than there is room for, and that
// the others come later.
func TestManyEvents(t *testing.T) {
	k := kernel(t)
	seen := map[uint64]bool{}
	for i := range 20 {
		ours, _ := pairOf(t, "unix")
		k.Watch(loop.FD(*ours), loop.Writable, uint64(i))
	}
	var few [3]loop.Event
	for i := 0; i < 100 && len(seen) < 20; i++ {
		if i%3 == 0 {
			k.Wake()
		}
		for _, e := range few[:k.Wait(few[:], k.Now()+patience)] {
			seen[e.Token] = true
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d of 20 were reported", len(seen))
	}
	var many [100]loop.Event
	k.Wake()
	if n := k.Wait(many[:], k.Now()+patience); n != 20 {
		t.Errorf("%d of 20 were reported at once", n)
	}
}

// TestInterrupted checks that a signal is not reported as an event.
func TestInterrupted(t *testing.T) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGWINCH)
	defer signal.Stop(signals)
	k := kernel(t)
	var over atomic.Bool
	defer over.Store(true)
	var storm sync.WaitGroup
	thread := make(chan int, 1)
	storm.Go(func() {
		for id := <-thread; !over.Load(); runtime.Gosched() {
			unix.Tgkill(unix.Getpid(), id, unix.SIGWINCH)
		}
	})
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	thread <- unix.Gettid()
	var all [4]loop.Event
	waits := 0
	for until := k.Now() + 30*core.Millisecond; k.Now() < until; waits++ {
		if n := k.Wait(all[:], until); n != 0 {
			t.Errorf("Wait returns %d events", n)
		}
	}
	over.Store(true)
	storm.Wait()
	t.Logf("%d waits", waits)
}

// TestPeerEnded checks that the end of a stream is told to a loop that watches for it
// alone, and that bytes that nobody reads are not.
func TestPeerEnded(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			k := kernel(t)
			ours, theirs := pairOf(t, network)
			k.Watch(loop.FD(*ours), loop.PeerEnded, 7)
			if _, err := unix.Write(int(*theirs), []byte("i job\n")); err != nil {
				t.Fatal(err)
			}
			var all [4]loop.Event
			if n := k.Wait(all[:], k.Now()+20*core.Millisecond); n != 0 {
				t.Fatalf("bytes are events: %v", all[:n])
			}
			if err := unix.Shutdown(int(*theirs), unix.SHUT_WR); err != nil {
				t.Fatal(err)
			}
			if n := k.Wait(all[:], k.Now()+patience); n != 1 || all[0].Token != 7 || all[0].Ready&loop.PeerEnded == 0 {
				t.Errorf("the end of the stream: events %v", all[:n])
			}
		})
	}
}
