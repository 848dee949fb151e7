package loop_test

import (
	"fmt"
	"testing"

	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
	"lockd/server/loop"
	"lockd/sim/kernel"
)

// TestMostBrief checks that too many connections that are sent a refusal (BAD-4, BAD-7)
// are closed before their time is over.
func TestMostBrief(t *testing.T) {
	const most = 3
	for said, told := range map[string]string{
		"":                 "0 Too Many Connections\n",
		"GET / HTTP/1.1\n": "0 HTTP Not Supported\n",
	} {
		connections := 1
		if said != "" {
			connections = 0 // no limit
		}
		m := kernel.New(kernel.Options{})
		h := hub.New(core.New(core.Config{MaxConnections: connections}), nil)
		l := loop.New(loop.Config{Kernel: m.Poller(), Hub: h, Limits: &life.Limits{}, MostBrief: most})
		loop.Lead([]*loop.Loop{l})
		listener := m.Listen("tcp")
		l.Listen(listener)
		l.Turn()
		dial := func(n int) *kernel.End {
			c, ok := m.Dial(listener, core.Peer{Addr: fmt.Sprint("h:", n)})
			if !ok {
				t.Fatal("the machine refuses a connection")
			}
			return c
		}
		dial(0) // is served
		before := len(m.Descriptors()) + 1
		for n := range 10 {
			c := dial(n + 1)
			c.Write([]byte(said))
			for range 3 {
				l.Turn()
			}
			got := make([]byte, 100)
			if n, _ := c.Read(got); string(got[:n]) != told {
				t.Fatalf("got %q, want %q", got[:n], told)
			}
		}
		if n := len(m.Descriptors()) - before; n != most {
			t.Errorf("%d connections that were sent %q are open, want %d", n, told, most)
		}
	}
}
