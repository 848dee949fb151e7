package client

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// lostSoon waits until a lock is lost, and checks that it says so.
func lostSoon(t testing.TB, l *Lock) {
	t.Helper()
	select {
	case <-l.Context().Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the loss is not noticed")
	}
	is(t, context.Cause(l.Context()), ErrLost)
	is(t, l.Release(context.Background()), ErrLost)
}

// TestLost checks that holders, waiters and sessions learn at once that the server has
// ended, and that the Client goes on with the next one.
func TestLost(t *testing.T) {
	t.Parallel()
	for _, unix := range []bool{false, true} {
		d := start(t)
		ctx := testContext(t)
		addr := d.tcp
		if unix {
			addr = d.unix
		}
		c := dial(t, addr)
		s := session(t, c)
		l, unwatched := must(c.Acquire(ctx, "job"))(t), must(c.Acquire(ctx, "other"))(t)
		held := l.Context()
		waits := make(chan error, 1)
		go func() {
			_, err := c.Acquire(ctx, "job")
			waits <- err
		}()
		waiting(t, s, "job", 1)
		time.Sleep(staleConn)
		if held.Err() != nil {
			t.Error("the lock is lost too early")
		}
		d.kill()
		lostSoon(t, l)
		is(t, unwatched.Release(ctx), ErrLost)
		is(t, context.Cause(unwatched.Context()), ErrReleased)
		is(t, <-waits, ErrLost)
		<-s.Done()
		is(t, s.Get(ctx, "job"), ErrLost)
		if _, err := c.Acquire(ctx, "job"); err == nil {
			t.Error("a lock of no server")
		}
		_, port, _ := net.SplitHostPort(d.tcp)
		d.run(port)
		again := must(c.Acquire(ctx, "job"))(t)
		is(t, s.Get(ctx, "job"), ErrLost) // it never connects again
		d.signal(syscall.SIGTERM)
		lostSoon(t, again)
		d.kill()
	}
}

// TestUpgrade checks that a Client learns anew what the server can do when it was lost.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	d := start(t)
	c := dial(t, d.tcp)
	without := dial(t, d.tcp, WithIdleConns(0)) // has no connection to learn it from
	ctx := testContext(t)
	ok(t, must(without.Acquire(ctx, "other"))(t).Release(ctx))
	l := must(c.Acquire(ctx, "job"))(t)
	d.kill()
	lostSoon(t, l)
	d.flags = []string{"-dialect", "classic"}
	_, port, _ := net.SplitHostPort(d.tcp)
	d.run(port)
	l = must(c.Acquire(ctx, "job"))(t)
	if c.Extended() || l.Token() > 0 {
		t.Errorf("extended: %v, token %d", c.Extended(), l.Token())
	}
	soon, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ok(t, must(without.Acquire(soon, "other"))(t).Release(ctx))
	ok(t, l.Release(ctx))
}

// proxy passes bytes between clients and a server, and can cut and delay them.
type proxy struct {
	net.Listener
	delay atomic.Int64

	mu    sync.Mutex
	conns []net.Conn
}

func startProxy(t testing.TB, to string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	p := &proxy{Listener: l}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			a, err := l.Accept()
			if err != nil {
				return
			}
			b, err := net.Dial("tcp", to)
			if err != nil {
				a.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, a, b)
			p.mu.Unlock()
			pass := func(to, from net.Conn) {
				buf := make([]byte, 1000)
				for {
					n, err := from.Read(buf)
					time.Sleep(time.Duration(p.delay.Load()))
					if _, wrong := to.Write(buf[:n]); err != nil || wrong != nil {
						break
					}
				}
				to.Close()
				from.Close()
			}
			wait.Go(func() { pass(b, a) })
			wait.Go(func() { pass(a, b) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.cut(false)
		wait.Wait()
	})
	return p
}

// cut ends all connections, or resets them.
func (p *proxy) cut(reset bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		if reset {
			c.(*net.TCPConn).SetLinger(0)
		}
		c.Close()
	}
	p.conns = nil
}

// TestProxy checks that a lock is lost when something between ends the connection, and
// that idle connections that were ended cost nothing.
func TestProxy(t *testing.T) {
	t.Parallel()
	d := start(t)
	p := startProxy(t, d.tcp)
	ctx := testContext(t)
	c := dial(t, p.Addr().String())
	for _, reset := range []bool{false, true} {
		l := must(c.Acquire(ctx, "job"))(t)
		s := session(t, c)
		for i := range 5 {
			ok(t, must(c.Acquire(ctx, strings.Repeat("n", i+1)))(t).Release(ctx))
		}
		l.Context()
		p.cut(reset)
		lostSoon(t, l)
		is(t, s.Ping(ctx), ErrLost)
		ok(t, must(c.Acquire(ctx, "job"))(t).Release(ctx)) // not held any more, on a new connection
	}
	p.delay.Store(int64(20 * time.Millisecond))
	l := must(c.Acquire(ctx, "slow"))(t)
	ok(t, l.Release(ctx))
}

// TestContextOfARelease checks that Release waits for a Context that is being made: else
// that would take the loss of the next Lock of the connection away.
func TestContextOfARelease(t *testing.T) {
	t.Parallel()
	l := must(dial(t, start(t).unix).Acquire(testContext(t), "job"))(t)
	l.conn.mu.Lock() // which Context needs
	made := make(chan struct{})
	go func() {
		l.Context()
		close(made)
	}()
	begun := false
	for !begun && l.mu.TryLock() {
		begun = l.ctx != nil
		l.mu.Unlock()
	}
	time.Sleep(20 * time.Millisecond)
	free := l.mu.TryLock()
	if free {
		l.mu.Unlock()
	}
	l.conn.mu.Unlock()
	if <-made; begun || free {
		t.Error("Release need not wait for a Context that does not watch the connection yet")
	}
	ok(t, l.Release(testContext(t)))
}

// TestKilled checks that a holder that is killed learns that.
func TestKilled(t *testing.T) {
	t.Parallel()
	d := start(t, "-kill")
	ctx := testContext(t)
	c := dial(t, d.unix)
	s := session(t, c)
	l := must(c.Acquire(ctx, "job"))(t)
	all := must(s.Holders(ctx, "job"))(t)
	if len(all) != 1 || all[0].Token != l.Token() {
		t.Fatalf("%+v", all)
	}
	is(t, s.Kill(ctx, all[0].Conn, l.Token()+1), ErrNotFound)
	ok(t, s.Kill(ctx, all[0].Conn, l.Token()))
	is(t, s.Kill(ctx, all[0].Conn, 0), ErrNotFound)
	lostSoon(t, l)
	is(t, session(t, dial(t, start(t).tcp)).Kill(ctx, 1, 0), ErrDisabled)
}

// TestClose checks that Close ends locks and waits.
func TestClose(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	c := dial(t, start(t).tcp)
	l := must(c.Acquire(ctx, "job"))(t)
	waits := make(chan error, 1)
	go func() {
		l, err := c.Acquire(ctx, "job")
		if err == nil { // it was granted when Close ended the holder, and is lost as well
			<-l.Context().Done()
			err = context.Cause(l.Context())
		}
		waits <- err
	}()
	s := session(t, c)
	waiting(t, s, "job", 1)
	c.Close()
	lostSoon(t, l)
	is(t, <-waits, ErrClosed)
	_, err := c.Acquire(ctx, "job")
	is(t, err, ErrClosed)
	for must(s.Inspect(ctx, "job"))(t) { // a Session is closed by itself
	}
	s.Close()
	is(t, s.Get(ctx, "job"), ErrLost, ErrClosed)
}

// TestNotLockd checks that a server of another kind is found out.
func TestNotLockd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		serve func(net.Conn)
		want  error
	}{
		"http":   {func(c net.Conn) { io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }, ErrNotLockd},
		"echo":   {func(c net.Conn) { io.Copy(c, c) }, ErrNotLockd},
		"banner": {func(c net.Conn) { io.WriteString(c, "220 ready\r\n"); io.Copy(io.Discard, c) }, ErrNotLockd},
		"silent": {func(c net.Conn) { io.Copy(io.Discard, c) }, ErrNoAnswer},
		"closes": {func(c net.Conn) {}, ErrLost},
		"full":   {func(c net.Conn) { io.WriteString(c, "0 Too Many Connections\n") }, ErrTooManyConnections},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ok(t, err)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go func() { c.serve(conn); conn.Close() }()
			}
		}()
		_, err = Dial(testContext(t), l.Addr().String(), WithDialTimeout(300*time.Millisecond))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		l.Close()
	}
	for _, addr := range []string{"", "localhost", "unix:", "127.0.0.1", "127.0.0.1:"} {
		if _, err := Dial(testContext(t), addr); err == nil || !strings.Contains(err.Error(), "write") {
			t.Errorf("%q: %v", addr, err)
		}
	}
	if _, err := Dial(testContext(t), "127.0.0.1:1"); err == nil || !strings.Contains(err.Error(), "connect at 127.0.0.1:1: dial tcp 127.0.0.1:1") {
		t.Error(err)
	}
}

// TestLimits checks the errors of a server whose limits are reached.
func TestLimits(t *testing.T) {
	t.Parallel()
	d := start(t, "-max-connections", "2", "-max-locks", "1", "-dump=false")
	ctx := testContext(t)
	c := dial(t, d.tcp)
	l := must(c.Acquire(ctx, "job"))(t)
	s := session(t, c)
	_, err := c.Acquire(ctx, "other")
	is(t, err, ErrTooManyConnections)
	is(t, s.Get(ctx, "other"), ErrLimit)
	_, err = s.Holders(ctx, "")
	is(t, err, ErrDisabled)
	_, err = s.Waiters(ctx, "")
	is(t, err, ErrDisabled)
	_, err = s.Who(ctx)
	is(t, err, ErrDisabled)
	ok(t, l.Release(ctx))
	ok(t, s.Get(ctx, "other"))
}
