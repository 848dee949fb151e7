package server

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"lockd/server/core"
)

// panics is a Core whose Receive panics.
type panics struct{ *core.Core }

func (panics) Receive(core.Time, core.ID, []byte, *core.Effects) ([]byte, core.State) {
	panic("a fault of Core")
}

// TestPanicEndsTheProcess checks that a panic inside Core ends the process with a
// message, whatever the transport: an inconsistent Core must not serve clients.
func TestPanicEndsTheProcess(t *testing.T) {
	if transport := os.Getenv("LOCKD_TEST_PANIC"); transport != "" {
		panicOver(t, transport)
		time.Sleep(patience)
		return
	}
	for _, transport := range []string{"tcp", "loop", "ws"} {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPanicEndsTheProcess$")
		c.Env = append(os.Environ(), "LOCKD_TEST_PANIC="+transport)
		began := time.Now()
		out, err := c.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "panic: a fault of Core") || !strings.Contains(string(out), "panics.Receive") || time.Since(began) > patience/2 {
			t.Errorf("%s: after %v: %v\n%s", transport, time.Since(began), err, out)
		}
	}
}

// panicOver sends a command to a Core that panics.
func panicOver(t *testing.T, transport string) {
	l, err := ListenTCP("127.0.0.1", 0, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{}
	if transport == "loop" {
		config.Loops = 1
	}
	s := newServer(config, panics{core.New(core.Config{})})
	dial := func() (wireConn, error) { return dialStream("tcp", l.Addr().String()) }
	if transport == "ws" {
		go s.ServeWebSocket(l)
		dial = func() (wireConn, error) { return dialWebSocket(l.Addr().String()) }
	} else {
		go s.Serve(l)
	}
	c, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.write([]byte("i x\n")); err != nil {
		t.Fatal(err)
	}
}
