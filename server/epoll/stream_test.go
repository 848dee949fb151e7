//go:build linux && (amd64 || arm64 || riscv64)

package epoll

import (
	"bytes"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lockd/server/loop"
)

// TestNeverBlocks clears O_NONBLOCK, as any process with a duplicate of the
// descriptor can. Timeouts of the sockets make sure that the test ends even if
// a call blocks.
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

		// All bytes that Write accepted arrive, then the end.
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

// TestReadAndWrite checks the ordinary cases.
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

// TestClosedPeer checks that writing to a closed peer is an error, and raises no
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
