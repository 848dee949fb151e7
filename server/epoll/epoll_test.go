//go:build linux && (amd64 || arm64 || riscv64)

package epoll

import (
	"bytes"
	"context"
	"net"
	"net/netip"
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

// patience is how long a test waits for what must come.
const patience = 10 * core.Second

// kernel returns a Kernel for one test.
func kernel(t *testing.T) *Kernel {
	t.Helper()
	k, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Release)
	return k
}

// pairOf returns a connection: the end that was accepted or that is like it, and
// the other. Both are closed at the end of the test, unless it gives -1 for one.
func pairOf(t *testing.T, network string) (ours, theirs *int) {
	t.Helper()
	var fds [2]int
	switch network {
	case "unix":
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = pair
	case "tcp":
		l, addr := listener(t)
		fds[1] = socket(t, unix.AF_INET)
		if err := unix.Connect(fds[1], addr); err != nil {
			t.Fatal(err)
		}
		unix.SetNonblock(fds[1], true)
		fds[0] = int(accept(t, kernel(t), l).fd)
	}
	t.Cleanup(func() {
		for _, fd := range fds {
			if fd >= 0 {
				unix.Close(fd)
			}
		}
	})
	return &fds[0], &fds[1]
}

func socket(t *testing.T, family int) int {
	t.Helper()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

// listener returns a listening descriptor on 127.0.0.1, and its address.
func listener(t *testing.T) (int, unix.Sockaddr) {
	t.Helper()
	fd := socket(t, unix.AF_INET)
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 10); err != nil {
		t.Fatal(err)
	}
	unix.SetNonblock(fd, true)
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return fd, addr
}

type accepted struct {
	fd   loop.FD
	peer core.Peer
}

// accept waits for a connection.
func accept(t *testing.T, k *Kernel, listener int) accepted {
	t.Helper()
	for deadline := k.Now() + patience; k.Now() < deadline; time.Sleep(time.Millisecond) {
		switch fd, peer, errno := k.Accept(loop.FD(listener)); errno {
		case 0:
			return accepted{fd, peer}
		case syscall.EAGAIN, syscall.EINTR:
		default:
			t.Fatal(errno)
		}
	}
	t.Fatal("no connection comes")
	return accepted{}
}

// events waits until there are some; no longer than for some time.
func events(k *Kernel, longest core.Time) []loop.Event {
	var all [16]loop.Event
	for until := k.Now() + longest; ; {
		if n := k.Wait(all[:], until); n > 0 || k.Now() >= until {
			return all[:n]
		}
	}
}

// soon is a time in which what is ready already is reported.
const soon = 20 * core.Millisecond

func wantEvents(t *testing.T, k *Kernel, when string, want ...loop.Event) {
	t.Helper()
	longest := soon
	if len(want) > 0 {
		longest = patience
	}
	got := events(k, longest)
	if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
		t.Fatalf("%s: %+v, want %+v", when, got, want)
	}
}

func both(t *testing.T, test func(t *testing.T, network string)) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) { test(t, network) })
	}
}

// TestNeverBlocks clears O_NONBLOCK, as everybody who has a duplicate of the
// descriptor can. Time-outs of the sockets see to it that the test ends even if
// something blocks.
func TestNeverBlocks(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		k := kernel(t)
		ours, theirs := pairOf(t, network)
		fd := loop.FD(*ours)
		if err := unix.SetNonblock(*ours, false); err != nil {
			t.Fatal(err)
		}
		const blocked = 5 * time.Second
		tv := unix.NsecToTimeval(blocked.Nanoseconds())
		unix.SetsockoptTimeval(*ours, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
		unix.SetsockoptTimeval(*ours, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
		begin := time.Now()
		inTime := func(what string) {
			t.Helper()
			if took := time.Since(begin); took >= blocked {
				t.Fatalf("%s blocks: it took %v", what, took)
			}
		}

		if n, errno := k.Read(fd, make([]byte, 10)); n != 0 || errno != syscall.EAGAIN {
			t.Errorf("Read without input gives %d, %v", n, errno)
		}
		inTime("Read")
		sent, piece := 0, bytes.Repeat([]byte("x"), 1<<16)
		for range 10_000 {
			n, errno := k.Write(fd, piece)
			sent += n
			if errno != 0 {
				if n != 0 || errno != syscall.EAGAIN {
					t.Errorf("Write to a full socket gives %d, %v", n, errno)
				}
				break
			}
		}
		inTime("Write")
		if sent == 0 || sent >= 10_000*len(piece) {
			t.Errorf("%d bytes were sent", sent)
		}

		// All that was said to be sent arrives, then the end.
		if errno := k.CloseWrite(fd); errno != 0 {
			t.Errorf("CloseWrite gives %v", errno)
		}
		unix.SetNonblock(*theirs, false)
		got, buf := 0, make([]byte, 1<<16)
		for {
			n, err := unix.Read(*theirs, buf)
			if err == unix.EINTR {
				continue
			}
			if n <= 0 {
				break
			}
			got += n
		}
		if got != sent {
			t.Errorf("%d bytes arrived, %d were sent", got, sent)
		}
	})
}

// TestReadAndWrite are the ordinary cases.
func TestReadAndWrite(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		k := kernel(t)
		ours, theirs := pairOf(t, network)
		us, them := loop.FD(*ours), loop.FD(*theirs)
		k.Watch(us, loop.Readable, 1)
		if n, errno := k.Write(them, []byte("hello")); n != 5 || errno != 0 {
			t.Fatalf("Write gives %d, %v", n, errno)
		}
		wantEvents(t, k, "input", loop.Event{Token: 1, Ready: loop.Readable})
		buf := make([]byte, 3)
		for _, want := range []string{"hel", "lo"} {
			if n, errno := k.Read(us, buf); errno != 0 || string(buf[:n]) != want {
				t.Fatalf("Read gives %q, %v, want %q", buf[:n], errno, want)
			}
		}
		if _, errno := k.Read(us, buf); errno != syscall.EAGAIN {
			t.Errorf("Read gives %v", errno)
		}
		if n, errno := k.Write(us, nil); n != 0 || errno != 0 {
			t.Errorf("Write of nothing gives %d, %v", n, errno)
		}
		k.CloseWrite(them)
		if got := events(k, patience); len(got) != 1 || got[0].Ready&loop.Readable == 0 {
			t.Errorf("the end of the stream is %+v", got)
		}
		if n, errno := k.Read(us, buf); n != 0 || errno != 0 {
			t.Errorf("Read at the end gives %d, %v", n, errno)
		}
		if n, errno := k.Write(us, []byte("still")); n != 5 || errno != 0 {
			t.Errorf("Write after the peer's half-close gives %d, %v", n, errno)
		}
		if _, errno := k.Read(-1, buf); errno != syscall.EBADF {
			t.Errorf("Read of no descriptor gives %v", errno)
		}
	})
}

// TestClosedPeer checks that writing to a peer that is gone is an error, and no
// signal.
func TestClosedPeer(t *testing.T) {
	signals := make(chan os.Signal, 100)
	signal.Notify(signals, syscall.SIGPIPE, syscall.SIGWINCH)
	defer signal.Stop(signals)
	both(t, func(t *testing.T, network string) {
		k := kernel(t)
		ours, theirs := pairOf(t, network)
		unix.Close(*theirs)
		*theirs = -1
		var last syscall.Errno
		for begin := time.Now(); last != syscall.EPIPE && time.Since(begin) < 10*time.Second; {
			_, last = k.Write(loop.FD(*ours), []byte("x"))
		}
		if last != syscall.EPIPE { // after ECONNRESET, on TCP
			t.Errorf("Write to a closed peer gives %v", last)
		}
		// The signals of a process are delivered in the order of their numbers.
		unix.Kill(unix.Getpid(), unix.SIGWINCH)
		for {
			select {
			case sig := <-signals:
				if sig == syscall.SIGPIPE {
					t.Error("Write to a closed peer raises SIGPIPE")
					continue
				}
			case <-time.After(10 * time.Second):
				t.Error("no signal comes")
			}
			return
		}
	})
}

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
			time.Sleep(time.Millisecond) // it waits by now
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
		// The thousand were one.
		begin, waits := k.Now(), 0
		for ; k.Now() < begin+soon; waits++ {
			k.Wait(all[:], begin+soon)
		}
		if waits > 10 {
			t.Errorf("Wait returned %d times after one Wake", waits)
		}
	}
}

// TestConcurrentWakes checks that whatever was posted before a Wake is seen after
// a Wait, however they meet.
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
			t.Fatal("an event comes from nowhere")
		}
		if k.Now() >= deadline {
			t.Fatalf("a Wake was lost after %d", posted.Load())
		}
	}
	over.Store(true)
	running.Wait()
	t.Logf("%d wakes, %d waits", posted.Load(), waits)
	// One by one, with an answer: here a lost one is waited for for ever.
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

// TestRelease checks that a Wake that comes too late writes to nothing, whoever
// has the number by now.
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

// TestUntil checks that Wait comes back at its time, not before, and does not
// spend the last millisecond asking.
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

// TestNow checks that time starts at the wall clock's and goes on.
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

// TestWatch goes through what can be wanted of one descriptor.
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

// TestDuplicate checks that a closed descriptor is silent, though a duplicate, in
// a child process say, keeps what it stood for alive, and that its number can be
// watched for something else.
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

// TestInterrupted checks that a signal is no event.
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

// TestAccept checks what is accepted, and from whom, as the net package shows it.
func TestAccept(t *testing.T) {
	k := kernel(t)
	for _, c := range []struct{ name, network, listen, dial string }{
		{"IPv4", "tcp", "127.0.0.1:0", "127.0.0.1"},
		{"IPv6", "tcp", "[::1]:0", "::1"},
		{"IPv4-mapped", "tcp", "[::]:0", "127.0.0.1"},
		{"IPv6 on all interfaces", "tcp", "[::]:0", "::1"},
		{"link-local", "tcp", "[::]:0", linkLocal()},
		{"unix", "unix", t.TempDir() + "/s", ""},
		{"unix of the abstract kind", "unix", "@lockd-epoll-test", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.network == "tcp" && c.dial == "" {
				t.Skip("no interface has such an address")
			}
			l, err := net.Listen(c.network, c.listen)
			if err != nil {
				t.Skipf("cannot listen: %v", err)
			}
			defer l.Close()
			raw, err := l.(syscall.Conn).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			to := l.Addr().String()
			if c.network == "tcp" {
				_, port, _ := net.SplitHostPort(to)
				to = net.JoinHostPort(c.dial, port)
			}
			var got accepted
			var empty syscall.Errno
			raw.Control(func(fd uintptr) { _, _, empty = k.Accept(loop.FD(fd)) })
			if empty != syscall.EAGAIN {
				t.Fatalf("Accept from an empty queue gives %v", empty)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			client, err := new(net.Dialer).DialContext(ctx, c.network, to)
			if err != nil {
				t.Skipf("cannot connect: %v", err)
			}
			defer client.Close()
			raw.Control(func(fd uintptr) { got = accept(t, k, int(fd)) })
			defer k.Close(got.fd)
			want := core.Peer{Network: core.Unix}
			if c.network == "tcp" {
				want = core.Peer{Network: "tcp", Addr: client.LocalAddr().String()}
			}
			if got.peer != want {
				t.Errorf("the peer is %+v, want %+v", got.peer, want)
			}
			status, err := unix.FcntlInt(uintptr(got.fd), unix.F_GETFL, 0)
			if err != nil || status&unix.O_NONBLOCK == 0 {
				t.Errorf("its status is %x, %v", status, err)
			}
			flags, err := unix.FcntlInt(uintptr(got.fd), unix.F_GETFD, 0)
			if err != nil || flags&unix.FD_CLOEXEC == 0 {
				t.Errorf("its flags are %x, %v", flags, err)
			}
		})
	}
	if _, _, errno := k.Accept(-1); errno != syscall.EBADF {
		t.Errorf("Accept from no descriptor gives %v", errno)
	}
}

// linkLocal is a link-local address of this host with its zone, "" if it has
// none.
func linkLocal() string {
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			if err == nil && prefix.Addr().Is6() && prefix.Addr().IsLinkLocalUnicast() {
				return prefix.Addr().WithZone(i.Name).String()
			}
		}
	}
	return ""
}

// TestAcceptWithoutDescriptors checks that a lack of descriptors is reported, and
// that the connection stays in the queue.
func TestAcceptWithoutDescriptors(t *testing.T) {
	k := kernel(t)
	l, addr := listener(t)
	client := socket(t, unix.AF_INET)
	defer unix.Close(client)
	if err := unix.Connect(client, addr); err != nil {
		t.Fatal(err)
	}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	// The lowest free number is above a limit of 3.
	none := limit
	none.Cur = 3
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Skip(err)
	}
	_, _, errno := k.Accept(loop.FD(l))
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if errno != syscall.EMFILE {
		t.Errorf("Accept gives %v", errno)
	}
	unix.Close(int(accept(t, k, l).fd))
}
