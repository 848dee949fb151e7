package main

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestManyIdle opens as many connections as the limits allow, up to 15,000.
func TestManyIdle(t *testing.T) {
	needLoops(t)
	if testing.Short() {
		t.Skip("it takes many connections")
	}
	t.Parallel()
	takeTurn(t)
	const wanted, least, spare = 15_000, 2000, 2000
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	n := int(min(limit.Cur, wanted+spare)) - spare
	if n < least {
		t.Skipf("a process may have only %d descriptors", limit.Cur)
	}
	d := lockd(t)
	fds, before, empty := make([]int, 0, n), d.settled(), d.memory()
	// Raw sockets, since a net.Conn for each would cost this process more than the
	// daemon. Unix sockets, since they need no TCP ports.
	defer func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	}()
	say, reply := []byte("sg many\n"), make([]byte, 100)
	for i := range n {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
		tv := unix.NsecToTimeval(patience.Nanoseconds())
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &tv)
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &tv)
		if err := restarted(func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: d.unix}) }); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		if _, err := unix.Write(fd, say); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		var got int
		if err := restarted(func() (err error) { got, err = unix.Read(fd, reply); return err }); err != nil || string(reply[:got]) != fmt.Sprintf("%d Shared Lock Get Success: many\n", i+1) {
			t.Fatalf("connection %d is answered %q, %v", i, reply[:max(got, 0)], err)
		}
	}
	full := d.memory()
	t.Logf("%d connections: %.1f MB, %d bytes each beside an empty daemon's %.1f MB", n, float64(full)/1e6, (full-empty)/n, float64(empty)/1e6)
	p := d.dial("tcp")
	var took []time.Duration
	for range 200 {
		now := time.Now()
		p.wants(t, "i x", "0 Lock Not Locked: x")
		took = append(took, time.Since(now))
	}
	p50, p99 := centiles(took)
	t.Logf("round trips beside them: p50 %v, p99 %v", p50, p99)
	for _, fd := range fds {
		unix.Close(fd)
	}
	fds = nil
	if !eventually(func() bool { return d.descriptors() <= before+1 }) {
		t.Errorf("%d descriptors are open, %d were before", d.descriptors(), before)
	}
	if f := d.figures(); f["shared_locks"] != 0 || f["shared_orphans"] != n || f["connections"] != 2 {
		t.Errorf("after their end: %v", f)
	}
}

// restarted calls do again if a signal has interrupted it.
func restarted(do func() error) error {
	for {
		if err := do(); err != unix.EINTR {
			return err
		}
	}
}

// TestAdmissionOrder checks that connections are admitted in the order of connecting, and
// that a client that has seen the end of its stream has made room for the next.
func TestAdmissionOrder(t *testing.T) {
	t.Parallel()
	rounds := 200
	if testing.Short() {
		rounds = 20
	}
	for _, loops := range []string{"0", "1", "3"} {
		for _, network := range []string{"tcp", "unix"} {
			t.Run("loops "+loops+" "+network, func(t *testing.T) {
				t.Parallel()
				takeTurn(t)
				d := lockd(t, "-loops", loops, "-max-connections", "3")
				for round := range rounds {
					// Sometimes all four are in the queue before the first is accepted.
					queued := round%4 == 3
					if queued {
						d.signal(syscall.SIGSTOP)
					}
					var four [4]*peer
					for i := range four {
						p, err := d.connect(network)
						if err != nil {
							t.Fatal(err)
						}
						defer p.Close()
						four[i] = p
					}
					if queued {
						d.signal(syscall.SIGCONT)
					}
					if reply, err := four[3].line(); reply != "0 Too Many Connections" || err != nil {
						t.Fatalf("round %d: the fourth is answered %q, %v", round, reply, err)
					}
					for i, p := range four[:3] {
						if reply, err := p.ask("i x"); reply != "0 Lock Not Locked: x" || err != nil {
							t.Fatalf("round %d: client %d is answered %q, %v", round, i, reply, err)
						}
					}
					for i, p := range four {
						if left, err := p.rest(""); left != "" || err != nil {
							t.Fatalf("round %d: client %d ends with %q, %v", round, i, left, err)
						}
						p.Close()
					}
				}
			})
		}
	}
}

// TestContention lets many clients of several loops contend for a few names. The holder
// of a name increments its counter without synchronization; some clients end without
// having released it.
func TestContention(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			takeTurn(t)
			d := lockd(t, "-loops", loops)
			const clients, names = 60, 3
			var holder [names]atomic.Int64
			var counter [names]int64 // not atomic: the lock guards it
			var granted [names]atomic.Int64
			over := time.Now().Add(700 * time.Millisecond)
			var fighting sync.WaitGroup
			fight := func(me int, random *rand.Rand) error {
				p, err := d.connect([]string{"tcp", "unix"}[random.IntN(2)])
				if err != nil {
					return err
				}
				defer p.reset()
				for range 1 + random.IntN(200) {
					name := random.IntN(names)
					reply, err := p.ask(fmt.Sprint("g ", name))
					switch {
					case err != nil:
						return err
					case reply == fmt.Sprint("0 Lock Get Failure: ", name):
						continue
					case reply != fmt.Sprint("1 Lock Get Success: ", name):
						return fmt.Errorf("g is answered %q", reply)
					}
					if other := holder[name].Swap(int64(me)); other != 0 {
						return fmt.Errorf("client %d holds %d, and so does client %d", me, name, other)
					}
					counter[name]++
					granted[name].Add(1)
					if !holder[name].CompareAndSwap(int64(me), 0) {
						return fmt.Errorf("client %d has lost %d", me, name)
					}
					if random.IntN(20) == 0 {
						return nil // the end of its connection releases the lock
					}
					if reply, err := p.ask(fmt.Sprint("r ", name)); err != nil || reply != fmt.Sprint("1 Lock Release Success: ", name) {
						return fmt.Errorf("r is answered %q, %v", reply, err)
					}
				}
				return nil
			}
			for me := range clients {
				random := rand.New(rand.NewPCG(1, uint64(me)))
				fighting.Go(func() {
					for time.Now().Before(over) {
						if err := fight(me+1, random); err != nil {
							t.Errorf("client %d: %v", me, err)
							return
						}
					}
				})
			}
			fighting.Wait()
			for name := range counter {
				if n := granted[name].Load(); n == 0 || n != counter[name] {
					t.Errorf("%d was granted %d times, and counted %d times", name, n, counter[name])
				}
			}
			if !eventually(func() bool { return d.figures()["connections"] == 1 }) {
				t.Error("connections are left")
			}
			f := d.figures()
			if f["locks"] != 0 || f["orphans"] == 0 {
				t.Errorf("at the end: %v", f)
			}
			t.Logf("%d %d %d granted, %d of %d released by the end of a connection", counter[0], counter[1], counter[2], f["orphans"], f["command_g"])
		})
	}
}
