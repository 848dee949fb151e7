package conformance_test

import (
	"net"
	"syscall"
	"testing"
	"time"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/transport"
)

// slowListener is a listener that is slow to accept.
type slowListener struct{ net.Listener }

func (l slowListener) Accept() (net.Conn, error) {
	time.Sleep(5 * time.Millisecond)
	return l.Listener.Accept()
}

// TestSmallBacklog tests a server whose accept queue is always full: the kernel makes
// clients wait for a second or more before they are served, which must not fail a case.
func TestSmallBacklog(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 5) })
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{Core: core.Config{Registry: true, Dump: true}})
	t.Cleanup(func() { s.Close() })
	go s.Serve(slowListener{l})
	opts := at(transport.Endpoint{Transport: "tcp", Address: l.Addr().String()})
	opts.Timeout = 500 * time.Millisecond
	opts.Run = []string{"get-free", "get-re*", "release-*"}
	found := judge(t, opts)
	if !found.Conforms() {
		t.Errorf("died: %v, the verdict is %q", found.Died, found.Verdict())
	}
}
