//go:build unix

package client

import (
	"syscall"
	"testing"
	"time"
)

// TestTLSInherited checks that a lock is held as long as somebody has its descriptor, of
// which the one who has got it says nothing at its end.
func TestTLSInherited(t *testing.T) {
	t.Parallel()
	d := start(t)
	addr, trusting := tlsFront(t, d)
	ctx := testContext(t)
	c := dial(t, addr, WithTLS(trusting))
	watch := session(t, dial(t, d.tcp))
	l := must(c.Acquire(ctx, "job"))(t)
	raw := must(l.SyscallConn())(t)
	copied := -1
	var err error
	ok(t, raw.Control(func(fd uintptr) { copied, err = syscall.Dup(int(fd)) }))
	ok(t, err)
	socketOf(l.conn.net).Close() // as when the process is killed
	lostSoon(t, l)
	for range 50 {
		if !must(watch.Inspect(ctx, "job"))(t) {
			t.Fatal("the lock is free, and the descriptor is open")
		}
		time.Sleep(time.Millisecond)
	}
	ok(t, syscall.Close(copied))
	ok(t, must(dial(t, d.tcp).Acquire(ctx, "job"))(t).Release(ctx))
}
