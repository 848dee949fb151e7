package loop_test

import (
	"strings"
	"syscall"
	"testing"

	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
	"lockd/server/loop"
	"lockd/sim/kernel"
)

// sends is a kernel that records what is sent, and to whom. Sending to those who are
// broken fails.
type sends struct {
	*kernel.Poller
	names  map[loop.FD]string
	broken string
	sent   strings.Builder
}

func (s *sends) Write(fd loop.FD, p []byte) (int, syscall.Errno) {
	s.sent.WriteString(s.names[fd] + ": " + string(p))
	if s.names[fd] == s.broken {
		return 0, syscall.ECONNRESET
	}
	return s.Poller.Write(fd, p)
}

// world is a loop on a fake kernel.
type world struct {
	*testing.T
	*loop.Loop
	machine  *kernel.Machine
	kernel   *sends
	listener loop.FD
}

func newWorld(t *testing.T) *world {
	m := kernel.New(kernel.Options{})
	s := &sends{Poller: m.Poller(), names: make(map[loop.FD]string)}
	l := loop.New(loop.Config{Kernel: s, Hub: hub.New(core.New(core.Config{}), nil), Limits: &life.Limits{}})
	loop.Lead([]*loop.Loop{l})
	w := &world{t, l, m, s, m.Listen("tcp")}
	w.Listen(w.listener)
	w.Turn()
	return w
}

// connect connects a client that says something.
func (w *world) connect(name, says string) *kernel.End {
	end, ok := w.machine.Dial(w.listener, core.Peer{Addr: name})
	if !ok {
		w.Fatal("the machine refuses a connection")
	}
	w.Turn()
	fds := w.machine.Descriptors()
	w.kernel.names[fds[len(fds)-1]] = name
	end.Write([]byte(says))
	w.Turn()
	return end
}

// TestGrantFirst checks that a grant is sent before the reply to the release, and that
// what follows from a grant that cannot be sent comes after that reply (REPLY-1).
func TestGrantFirst(t *testing.T) {
	const granted, released = ": 1 Lock Get Success: x\n", ": 1 Lock Release Success: x\n"
	for _, test := range []struct{ broken, says, want string }{
		{"", "r x\n", "waiter" + granted + "holder" + released},
		{"waiter", "r x\nw 60000 g x\n", "waiter" + granted + "holder" + released + "holder" + granted},
	} {
		w := newWorld(t)
		holder := w.connect("holder", "g x\n")
		w.connect("waiter", "w 60000 g x\n")
		before := len(w.machine.Descriptors())
		w.kernel.sent.Reset()
		w.kernel.broken = test.broken
		holder.Write([]byte(test.says))
		w.Turn()
		if got := w.kernel.sent.String(); got != test.want {
			t.Errorf("after %q these were sent:\n%swant:\n%s", test.says, got, test.want)
		}
		want := before
		if test.broken != "" {
			want--
		}
		if n := len(w.machine.Descriptors()); n != want {
			t.Errorf("after %q %d descriptors are open, want %d", test.says, n, want)
		}
	}
}

// TestBrokenWaiters checks that many connections that wait for a lock and have broken do not
// take the loop while each hands it on to the next.
func TestBrokenWaiters(t *testing.T) {
	const waiters = 300
	w := newWorld(t)
	holder := w.connect("holder", "g x\n")
	for range waiters {
		w.connect("waiter", "w 60000 g x\n")
	}
	other := w.connect("other", "i y\n")
	w.kernel.broken = "waiter"
	holder.Write([]byte("r x\n"))
	for turn := 0; len(w.machine.Descriptors()) > 3; turn++ {
		w.kernel.sent.Reset()
		other.Write([]byte("i y\n"))
		w.Turn()
		if n := strings.Count(w.kernel.sent.String(), "waiter: "); n > 2 || turn > 2*waiters {
			t.Fatalf("%d waiters are granted the lock in turn %d", n, turn)
		}
		if !strings.Contains(w.kernel.sent.String(), "other: ") {
			t.Fatalf("another connection is not answered in turn %d", turn)
		}
	}
	if other.Write([]byte("i x\n")); !w.Turn() || !strings.HasSuffix(w.kernel.sent.String(), "other: 0 Lock Not Locked: x\n") {
		t.Errorf("at last %q was sent", w.kernel.sent.String())
	}
}
