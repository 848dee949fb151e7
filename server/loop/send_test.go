package loop_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
	"lockd/server/loop"
	"lockd/sim/kernel"
)

// writes is a kernel that records the size of each write.
type writes struct {
	*kernel.Poller
	sizes []int
}

func (w *writes) Write(fd loop.FD, p []byte) (int, syscall.Errno) {
	w.sizes = append(w.sizes, len(p))
	return w.Poller.Write(fd, p)
}

// TestWrites checks that the replies to one read are sent in one write if they fit in
// 64 KiB (REPLY-5), and that a dump is sent in pieces of 16 KiB.
func TestWrites(t *testing.T) {
	const room = 1 << 20
	m := kernel.New(kernel.Options{Buffers: kernel.Buffers{ServerReceive: room, ServerSend: room, ClientReceive: room}})
	w := &writes{Poller: m.Poller()}
	h := hub.New(core.New(core.Config{Dump: true, SmallDump: -1}), nil)
	l := loop.New(loop.Config{Kernel: w, Hub: h, Limits: &life.Limits{}})
	loop.Lead([]*loop.Loop{l})
	listener := m.Listen("tcp")
	l.Listen(listener)
	l.Turn()
	client, ok := m.Dial(listener, core.Peer{Addr: "h:1"})
	if !ok {
		t.Fatal("the machine refuses a connection")
	}
	say := func(text string, turns int) (sizes []int) {
		w.sizes = nil
		client.Write([]byte(text))
		for range turns {
			l.Turn()
		}
		return w.sizes
	}
	say("g "+strings.Repeat("x", 40_000)+"\n", 10)
	const commands = 2000
	replies := commands * len("0 Lock Not Locked: y\n")
	if got := say(strings.Repeat("i y\n", commands), 3); len(got) != 1 || got[0] != replies {
		t.Errorf("replies of %d bytes leave in writes of %d", replies, got)
	}
	dump := 40_000 + len(": h:1\n")
	want := fmt.Sprint([]int{16 << 10, 16 << 10, dump - 32<<10})
	if got := fmt.Sprint(say("d\n", 5)); got != want {
		t.Errorf("a dump of %d bytes leaves in writes of %s, want %s", dump, got, want)
	}
}
