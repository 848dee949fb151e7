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

// sends is a kernel that records what is sent, and to whom. Sending to the one who is
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

// TestGrantFirst checks that a grant is sent before the reply to the release, and that
// what follows from a grant that cannot be sent comes after that reply (REPLY-1).
func TestGrantFirst(t *testing.T) {
	for _, test := range []struct{ broken, says, want string }{
		{"", "r x\n", "waiter: 1 Lock Get Success: x\n" + "holder: 1 Lock Release Success: x\n"},
		{"waiter", "r x\nw 60000 g x\n", "waiter: 1 Lock Get Success: x\n" + "holder: 1 Lock Release Success: x\n" + "holder: 1 Lock Get Success: x\n"},
	} {
		m := kernel.New(kernel.Options{})
		s := &sends{Poller: m.Poller(), names: make(map[loop.FD]string)}
		l := loop.New(loop.Config{Kernel: s, Hub: hub.New(core.New(core.Config{}), nil), Limits: &life.Limits{}})
		loop.Lead([]*loop.Loop{l})
		listener := m.Listen("tcp")
		l.Listen(listener)
		l.Turn()
		connect := func(name string) *kernel.End {
			end, ok := m.Dial(listener, core.Peer{Addr: name})
			if !ok {
				t.Fatal("the machine refuses a connection")
			}
			l.Turn()
			fds := m.Descriptors()
			s.names[fds[len(fds)-1]] = name
			end.Write([]byte("w 60000 g x\n"))
			l.Turn()
			return end
		}
		holder := connect("holder")
		connect("waiter")
		before := len(m.Descriptors())
		s.sent.Reset()
		s.broken = test.broken
		holder.Write([]byte(test.says))
		l.Turn()
		if got := s.sent.String(); got != test.want {
			t.Errorf("after %q these were sent:\n%swant:\n%s", test.says, got, test.want)
		}
		want := before
		if test.broken != "" {
			want--
		}
		if n := len(m.Descriptors()); n != want {
			t.Errorf("after %q %d descriptors are open, want %d", test.says, n, want)
		}
	}
}
