package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lockd/sim/tlstest"
)

// TestVanishedServer checks that a holder and a waiter notice within WithKeepAlive that the
// server's machine has vanished silently, long before the daemon, which lives, would give
// the lock to another. The machines are network namespaces, connected by a virtual cable
// that the test disconnects.
func TestVanishedServer(t *testing.T) {
	t.Parallel()
	t.Run("plain", func(t *testing.T) { testVanished(t, false) })
	t.Run("TLS", func(t *testing.T) { testVanished(t, true) })
}

func testVanished(t *testing.T, secure bool) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: network namespaces need root")
	}
	theirs, ours := machines(t)
	d := &daemon{t: t, unix: "unix:" + t.TempDir() + "/s", within: []string{"ip", "netns", "exec", theirs}, flags: []string{"-host", "10.231.78.1"}}
	t.Cleanup(d.kill)
	d.run("-1")
	ctx := testContext(t)
	plain := &Client{options: defaults}
	plain.keepAlive = 2 * time.Second
	addr, opts := d.tcp, []Option{WithDialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		return within(ours, func() (net.Conn, error) { return plain.defaultDial(ctx, network, address) })
	})}
	if secure {
		ca := tlstest.NewAuthority(t)
		l := must(within(theirs, func() (net.Listener, error) { return net.Listen("tcp", "10.231.78.1:0") }))(t)
		tlstest.Serve(t, l, &tls.Config{Certificates: []tls.Certificate{ca.Issue(24*time.Hour, "10.231.78.1")}}, "unix", d.unix[len("unix:"):])
		addr, opts = l.Addr().String(), append(opts, WithTLS(&tls.Config{RootCAs: ca.Pool()}))
	}
	c := dial(t, addr, opts...)
	l := must(c.Acquire(ctx, "job"))(t)
	held := l.Context()
	waits := make(chan error, 1)
	go func() {
		_, err := c.Acquire(ctx, "job")
		waits <- err
	}()
	waiting(t, session(t, c), "job", 1)
	pull := time.Now()
	if out, err := exec.Command("ip", "-n", ours, "link", "set", "far", "down").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	<-held.Done()
	took := time.Since(pull)
	t.Logf("the loss was noticed after %v", took.Round(time.Millisecond))
	if took > 8*time.Second { // seconds are the kernel's unit
		t.Errorf("the loss was noticed after %v, want about 2s", took)
	}
	is(t, context.Cause(held), ErrLost)
	is(t, <-waits, ErrLost)
	watch := session(t, dial(t, d.unix))
	if !must(watch.Inspect(ctx, "job"))(t) {
		t.Error("the daemon has given the lock away before its holder could know")
	}
}

// machines makes two network namespaces connected by a virtual cable.
func machines(t *testing.T) (theirs, ours string) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("skipped: there is no ip(8)")
	}
	name := fmt.Sprintf("lockd-client-%d", os.Getpid())
	theirs, ours = name+"-a", name+"-b"
	for _, n := range []string{theirs, ours} {
		if out, err := exec.Command("ip", "netns", "add", n).CombinedOutput(); err != nil {
			t.Skipf("skipped: no network namespaces here: %s", out)
		}
		t.Cleanup(func() { exec.Command("ip", "netns", "del", n).Run() })
	}
	if out, err := exec.Command("ip", "-n", theirs, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", ours).CombinedOutput(); err != nil {
		t.Skipf("skipped: no virtual cables here: %s", out)
	}
	for _, args := range [][]string{
		{"-n", theirs, "addr", "add", "10.231.78.1/30", "dev", "near"}, {"-n", ours, "addr", "add", "10.231.78.2/30", "dev", "far"},
		{"-n", theirs, "link", "set", "near", "up"}, {"-n", ours, "link", "set", "far", "up"},
	} {
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	return theirs, ours
}

// within calls f on a thread in a network namespace, and ends the thread.
func within[T any](namespace string, f func() (T, error)) (c T, err error) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		var file *os.File
		if file, err = os.Open("/run/netns/" + namespace); err != nil {
			return
		}
		defer file.Close()
		if err = unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err == nil {
			c, err = f()
		}
	}()
	<-over
	return c, err
}
