package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockd/server"
)

// listening serves each connection of a listener by a function, until the end of the test.
func listening(t *testing.T, serve func(net.Conn)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				defer c.Close()
				serve(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wait.Wait()
	})
	return l.Addr().String()
}

// lockd serves the real daemon's protocol.
func lockd(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{})
	go s.Serve(l)
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	return l.Addr().String()
}

func named(t *testing.T, name string) Protocol {
	t.Helper()
	p, err := Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func options(addr string) Options {
	return Options{Addr: addr, Connections: 5, Depth: 4, Names: 8, NameBytes: 20, Mix: Mix{Exclusive: 1}, Duration: 50 * time.Millisecond, Seed: 1}
}

func run(t *testing.T, p Protocol, o Options) Result {
	t.Helper()
	r, err := Run(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Commands == 0 || r.Elapsed < 40*time.Millisecond || r.Latency.TotalCount() != r.Commands || r.Worst() < r.Quantile(50) {
		t.Errorf("%+v, %d latencies, worst %v", r, r.Latency.TotalCount(), r.Worst())
	}
	return r
}

// TestLockd puts all mixes on the real server.
func TestLockd(t *testing.T) {
	addr := lockd(t)
	for _, c := range []struct {
		name   string
		change func(*Options)
		sure   bool // every reply is a yes
	}{
		{"alone", func(o *Options) { o.Connections, o.Depth = 1, 1 }, true},
		{"odd depth", func(o *Options) { o.Depth = 7 }, true},
		{"deep", func(o *Options) { o.Depth, o.NameBytes = 1000, 250 }, true},
		{"all commands", func(o *Options) { o.Mix = Mix{Exclusive: 3, Shared: 2, Inspect: 1, Wait: 1} }, false},
		{"odd depth with looks", func(o *Options) { o.Mix, o.Depth = Mix{Exclusive: 3, Inspect: 2}, 7 }, false},
		{"contention", func(o *Options) { o.Contention, o.Names, o.Depth = 1, 2, 1 }, false},
		{"handing on", func(o *Options) { o.Contention, o.Names, o.Mix = 1, 1, Mix{Wait: 1} }, true},
		{"rate", func(o *Options) { o.Rate = 4000 }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(addr)
			c.change(&o)
			if r := run(t, named(t, "lockd"), o); c.sure != (r.Yes == r.Commands) {
				t.Errorf("%d of %d replies are a yes", r.Yes, r.Commands)
			}
		})
	}
}

// TestUnix uses a unix socket, and Progress and Measuring.
func TestUnix(t *testing.T) {
	path := t.TempDir() + "/s"
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{})
	go s.Serve(l)
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	o := options("unix:" + path)
	var measured []bool
	progressed := 0
	o.Duration, o.Warmup = 1100*time.Millisecond, 10*time.Millisecond
	o.Measuring = func(begins bool) { measured = append(measured, begins) }
	o.Progress = func(r Result) {
		if progressed++; r.Commands == 0 {
			t.Error("nothing was answered in a second")
		}
	}
	run(t, named(t, "lockd"), o)
	if fmt.Sprint(measured) != "[true false]" || progressed != 1 {
		t.Errorf("measuring: %v, progress: %d times", measured, progressed)
	}
}

// TestEcho gets back what it sends.
func TestEcho(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- Echo(ctx, l) }()
	o := options(l.Addr().String())
	o.Depth, o.NameBytes, o.Names = 1000, 1000, 1 // more than a socket takes
	run(t, named(t, "echo"), o)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestOthers speaks to servers that understand as much of the other protocols as is sent.
func TestOthers(t *testing.T) {
	memcached := func(c net.Conn) {
		held := map[string]bool{}
		for in := bufio.NewScanner(c); in.Scan(); {
			switch words := strings.Fields(in.Text()); words[0] {
			case "add":
				in.Scan() // the value
				held[words[1]] = true
				io.WriteString(c, "STORED\r\n")
			case "get":
				if held[words[1]] {
					fmt.Fprintf(c, "VALUE %s 0 1\r\n1\r\n", words[1])
				}
				io.WriteString(c, "END\r\n")
			case "delete":
				delete(held, words[1])
				io.WriteString(c, "DELETED\r\n")
			}
		}
	}
	redis := func(c net.Conn) {
		in := bufio.NewReader(c)
		for {
			var n, size int
			if _, err := fmt.Fscanf(in, "*%d\r\n", &n); err != nil {
				return
			}
			words := make([]string, n)
			for i := range words {
				if _, err := fmt.Fscanf(in, "$%d\r\n%s\r\n", &size, &words[i]); err != nil || size != len(words[i]) {
					return
				}
			}
			switch strings.Join(words[:1], "") {
			case "SET":
				io.WriteString(c, "+OK\r\n")
			default:
				io.WriteString(c, ":1\r\n")
			}
		}
	}
	var wrong atomic.Int64
	dflockd := func(c net.Conn) {
		tokens, last := map[string]string{}, 0 // of what is held
		for in := bufio.NewScanner(c); in.Scan(); {
			command := in.Text()
			in.Scan()
			name := in.Text()
			in.Scan()
			switch command {
			case "l":
				if tokens[name] != "" {
					io.WriteString(c, "timeout\n")
					continue
				}
				last++
				tokens[name] = fmt.Sprint("token", last)
				fmt.Fprintf(c, "acquired %s 33 %d\n", tokens[name], last)
			case "r":
				if tokens[name] != in.Text() {
					wrong.Add(1)
				}
				delete(tokens, name)
				io.WriteString(c, "ok\n")
			}
		}
	}
	for name, serve := range map[string]func(net.Conn){"memcached": memcached, "redis": redis, "dflockd": dflockd} {
		t.Run(name, func(t *testing.T) {
			for _, depth := range []int{1, 4, 64} {
				o := options(listening(t, serve))
				o.Depth = depth
				if r := run(t, named(t, name), o); r.Yes != r.Commands {
					t.Errorf("%d of %d replies are a yes", r.Yes, r.Commands)
				}
				if name != "dflockd" {
					o.Mix = Mix{Exclusive: 1, Inspect: 1}
					run(t, named(t, name), o)
				}
			}
		})
	}
	if n := wrong.Load(); n > 0 {
		t.Errorf("%d locks were released with another token than they were acquired with", n)
	}
}

// TestLate checks that with a rate the latency counts from when a command was due: a server
// that does nothing for a while delays all that was due meanwhile.
func TestLate(t *testing.T) {
	const pause = 300 * time.Millisecond
	var began atomic.Int64
	began.Store(time.Now().UnixNano())
	addr := listening(t, func(c net.Conn) {
		paused := false
		for in := bufio.NewScanner(c); in.Scan(); {
			if !paused && time.Now().UnixNano()-began.Load() > int64(200*time.Millisecond) {
				paused = true
				time.Sleep(pause)
			}
			io.WriteString(c, "1\n")
		}
	})
	o := options(addr)
	o.Connections, o.Depth, o.Duration = 1, 1, 600*time.Millisecond
	closed := run(t, named(t, "lockd"), o)
	if closed.Quantile(90) > pause/4 {
		t.Errorf("without a rate one command waits, and the others are not sent: p90 %v", closed.Quantile(90))
	}
	began.Store(time.Now().UnixNano())
	o.Rate = 1000
	if r := run(t, named(t, "lockd"), o); r.Quantile(80) < pause/4 || r.Worst() < pause*9/10 {
		t.Errorf("half of the commands were due while the server did nothing for %v: p80 %v, worst %v", pause, r.Quantile(80), r.Worst())
	}
}

// TestServersFail checks what is said of servers that do not do what they should.
func TestServersFail(t *testing.T) {
	for _, c := range []struct {
		name  string
		serve func(net.Conn)
		want  string
	}{
		{"closes", func(c net.Conn) { c.Read(make([]byte, 1)) }, "lockd: connection 0 was closed by the server, which owes 4 replies"},
		{"refuses", func(c net.Conn) { c.Read(make([]byte, 100)); io.WriteString(c, "0 no\n") }, "a lock that nobody else wants was refused"},
		{"says too much", func(c net.Conn) { c.Read(make([]byte, 100)); io.WriteString(c, strings.Repeat("1\n", 5)) }, "got 1 replies more"},
		{"speaks another protocol", func(c net.Conn) { c.Read(make([]byte, 100)); io.WriteString(c, "ERROR\r\n") }, `got "ERROR\r", which is no reply of lockd; -protocol says`},
		{"says nothing", func(c net.Conn) { io.Copy(io.Discard, c) }, "no command was answered in 50ms"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(listening(t, c.serve))
			o.Connections = 1
			_, err := Run(t.Context(), named(t, "lockd"), o)
			if err == nil || !strings.Contains(err.Error(), c.want) && !strings.Contains(err.Error(), "reset") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := Run(t.Context(), named(t, "lockd"), options("127.0.0.1:1")); err == nil || !strings.Contains(err.Error(), "cannot reach lockd") {
		t.Errorf("without a server: %v", err)
	}
}

// TestInterrupted checks that the end of the context ends a load.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	o := options(lockd(t))
	o.Duration = time.Hour
	r, err := Run(ctx, named(t, "lockd"), o)
	if err != nil || r.Elapsed > 10*time.Second || r.Commands == 0 {
		t.Errorf("%v, %v", r, err)
	}
}

// TestInterruptedInSilence checks that the end of the context ends a load on a server that
// does not answer.
func TestInterruptedInSilence(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	o := options(listening(t, func(c net.Conn) { io.Copy(io.Discard, c) }))
	o.Duration = time.Hour
	began := time.Now()
	if _, err := Run(ctx, named(t, "lockd"), o); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 20*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}

// TestWarmup checks that what is answered before the measurement does not count.
func TestWarmup(t *testing.T) {
	var answered, before atomic.Int64
	addr := listening(t, func(c net.Conn) {
		for in := bufio.NewScanner(c); in.Scan(); {
			answered.Add(1)
			io.WriteString(c, "1\n")
		}
	})
	o := options(addr)
	o.Warmup = 100 * time.Millisecond
	o.Measuring = func(begins bool) {
		if begins {
			before.Store(answered.Load())
		}
	}
	r := run(t, named(t, "lockd"), o)
	inFlight := int64(o.Connections * o.Depth)
	if before.Load() <= 2*inFlight || r.Commands > answered.Load()-before.Load()+inFlight {
		t.Errorf("%d of %d replies count, and %d came before", r.Commands, answered.Load(), before.Load())
	}
}
