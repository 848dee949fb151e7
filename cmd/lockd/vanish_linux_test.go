package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestVanishedMachine checks how long the locks of a machine that has vanished silently
// last: about twice -keepalive, whatever -write-timeout is. The machines are network
// namespaces, connected by a virtual cable that the test disconnects.
func TestVanishedMachine(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("skipped: network namespaces need root")
	}
	for i, writeTimeout := range []string{"0", "20s"} {
		t.Run("-write-timeout "+writeTimeout, func(t *testing.T) {
			t.Parallel()
			ours, theirs := machines(t, i)
			d := startLive(t, fmt.Sprintf("exec ip netns exec %s \"$@\"", ours), nil,
				"-ws", "0", "-host", "10.231.77.1", "-keepalive", "1s", "-write-timeout", writeTimeout)
			holder := dialFrom(t, theirs, d.tcp)
			fmt.Fprint(holder, "g x\n")
			if got, err := io.ReadAll(io.LimitReader(holder, int64(len("1 Lock Get Success: x\n")))); err != nil || !strings.HasPrefix(string(got), "1 ") {
				t.Fatalf("got %q, %v", got, err)
			}
			observer := d.dial("unix")
			pull := time.Now()
			command(t, "ip", "-n", theirs, "link", "set", "far", "down")
			for {
				reply, err := observer.ask("i x")
				if err != nil || time.Since(pull) > patience {
					t.Fatalf("the lock is held for ever: %q, %v", reply, err)
				}
				if reply == "0 Lock Not Locked: x" {
					break
				}
				time.Sleep(20 * time.Millisecond)
			}
			took := time.Since(pull)
			t.Logf("the lock was held for %v", took.Round(time.Millisecond))
			// The kernel rounds by up to one second.
			if took > 3500*time.Millisecond {
				t.Errorf("the lock was held for %v, want about 2s", took)
			}
		})
	}
}

// machines makes two network namespaces connected by a virtual cable.
func machines(t *testing.T, number int) (ours, theirs string) {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("skipped: there is no ip(8)")
	}
	name := fmt.Sprintf("lockd-test-%d-%d", os.Getpid(), number)
	ours, theirs = name+"-a", name+"-b"
	for _, n := range []string{ours, theirs} {
		if out, err := exec.Command("ip", "netns", "add", n).CombinedOutput(); err != nil {
			t.Skipf("skipped: no network namespaces here: %s", out)
		}
		t.Cleanup(func() { exec.Command("ip", "netns", "del", n).Run() })
	}
	if out, err := exec.Command("ip", "-n", ours, "link", "add", "near", "type", "veth", "peer", "name", "far", "netns", theirs).CombinedOutput(); err != nil {
		t.Skipf("skipped: no virtual cables here: %s", out)
	}
	command(t, "ip", "-n", ours, "addr", "add", "10.231.77.1/30", "dev", "near")
	command(t, "ip", "-n", theirs, "addr", "add", "10.231.77.2/30", "dev", "far")
	command(t, "ip", "-n", ours, "link", "set", "near", "up")
	command(t, "ip", "-n", theirs, "link", "set", "far", "up")
	return ours, theirs
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
}

// dialFrom connects from a network namespace.
func dialFrom(t *testing.T, namespace, addr string) net.Conn {
	t.Helper()
	var c net.Conn
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked, so that the thread is not reused
		f, err := os.Open("/run/netns/" + namespace)
		if err == nil {
			defer f.Close()
			err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET)
		}
		if err == nil {
			c, err = net.DialTimeout("tcp", addr, patience)
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c
}
