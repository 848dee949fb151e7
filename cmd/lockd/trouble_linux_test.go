package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"

	"lockd/server"
	"lockd/sim/transport"
)

func needLoops(t *testing.T) {
	t.Helper()
	if !server.LoopsSupported {
		t.Skip("there are no loops on this architecture")
	}
}

// TestBesideSaturation checks that a WebSocket, a goroutine among loops, is
// answered while the loop is never idle and the environment gives Go one
// processor.
func TestBesideSaturation(t *testing.T) {
	needLoops(t)
	for _, loops := range []string{"1", "2"} {
		t.Run("loops "+loops, func(t *testing.T) {
			d := startLive(t, "", []string{"GOMAXPROCS=1"}, "-loops", loops)
			ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
			defer cancel()
			ws, err := transport.DialWebSocket(ctx, "ws://"+d.ws, "")
			if err != nil {
				t.Fatal(err)
			}
			defer ws.CloseNow()
			stop := d.load("tcp", 50, 16)
			var took []time.Duration
			for begin := time.Now(); len(took) < 50 || time.Since(begin) < 500*time.Millisecond; {
				now := time.Now()
				for _, c := range []struct{ line, want string }{{"g x", "1 Lock Get Success: x\n"}, {"r x", "1 Lock Release Success: x\n"}} {
					if err := ws.Write(ctx, websocket.MessageText, []byte(c.line)); err != nil {
						t.Fatal(err)
					}
					if _, reply, err := ws.Read(ctx); err != nil || string(reply) != c.want {
						t.Fatalf("%s is answered %q, %v", c.line, reply, err)
					}
				}
				took = append(took, time.Since(now)/2)
			}
			n := len(took)
			p50, p99 := centiles(took)
			t.Logf("p50 %v, p99 %v of %d round trips beside %d lines", p50, p99, 2*n, stop())
			if p50 > 50*time.Millisecond {
				t.Errorf("half of the round trips take more than %v", p50)
			}
		})
	}
}

// TestFlooders checks that clients that send as much as they can do not delay a client
// that waits for each reply.
func TestFlooders(t *testing.T) {
	needLoops(t)
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			d := lockd(t)
			p := d.dial(network)
			stop := d.load(network, 20, 3000)
			var took []time.Duration
			for begin := time.Now(); len(took) < 30 || time.Since(begin) < 500*time.Millisecond; {
				now := time.Now()
				p.wants(t, "i x", "0 Lock Not Locked: x")
				took = append(took, time.Since(now))
			}
			n := len(took)
			p50, p99 := centiles(took)
			t.Logf("p50 %v, p99 %v of %d round trips beside %d lines", p50, p99, n, stop())
			if p50 > time.Second {
				t.Errorf("half of the round trips take more than %v", p50)
			}
		})
	}
}

// TestUnreadLog checks that clients do not wait for a log that is a full pipe.
func TestUnreadLog(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes many connections")
	}
	t.Parallel()
	takeTurn(t)
	const connections = 1000
	// Each connection logs some two KiB: together much more than the MiB that is kept.
	long := strings.Repeat("x", 190)
	lines := "g " + long + "\n" + strings.Repeat("r "+long+"\ng "+long+"\n", 3)
	loops := []string{"0", "1"}
	daemons := make([]*live, len(loops))
	pipes := make([]*os.File, len(loops))
	for n := range daemons {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		d := newLive(t, "", "-loops", loops[n], "-port", "0", "-ws", "0", "-verbose")
		d.cmd.Stderr = w
		d.start()
		w.Close()
		daemons[n], pipes[n] = d, r
		if !eventually(func() bool {
			p, err := d.connect("unix")
			if err == nil {
				p.Close()
			}
			return err == nil
		}) {
			t.Fatal("it does not listen")
		}
		witness := d.dial("unix")
		for i := range connections {
			p, err := d.connect("unix")
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.rest(lines); err != nil || strings.Count(got, ": "+long+"\n") != 7 {
				t.Fatalf("loops %s: client %d is answered %q, %v", loops[n], i, got, err)
			}
			p.Close()
			if i%200 == 0 {
				witness.SetDeadline(time.Now().Add(patience))
				witness.wants(t, "i y", "0 Lock Not Locked: y")
			}
		}
		witness.wants(t, "i y", "0 Lock Not Locked: y")
		witness.Close()
		d.signal(syscall.SIGTERM)
	}
	for n, d := range daemons {
		t.Logf("loops %s: it has ended after another %v", loops[n], d.exits(patience))
		said, err := io.ReadAll(pipes[n])
		if err != nil || !bytes.Contains(said, []byte("lockd is ready")) || bytes.Contains(said, []byte("stopped")) {
			t.Errorf("loops %s: the pipe holds %d bytes, %v; it was not full: %.200q", loops[n], len(said), err, said[max(0, len(said)-200):])
		}
	}
}

// TestPause checks that a client that has sent something in time is not taken for silent
// because the daemon reads it late, as after a pause of its machine.
func TestPause(t *testing.T) {
	needLoops(t)
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	t.Parallel()
	endTurn := takeTurn(t)
	const clients, idle = 200, 2 * time.Second
	loops := []string{"1", "3"}
	daemons := make([]*live, len(loops))
	all := make([][]*peer, len(loops))
	begin := time.Now()
	for n := range daemons {
		daemons[n] = lockd(t, "-loops", loops[n], "-idle-timeout", idle.String())
		for i := range clients {
			p := daemons[n].dial([]string{"tcp", "unix"}[i%2])
			p.wants(t, fmt.Sprint("g ", i), fmt.Sprint("1 Lock Get Success: ", i))
			all[n] = append(all[n], p)
		}
	}
	for n, d := range daemons {
		d.signal(syscall.SIGSTOP)
		for i, p := range all[n] {
			fmt.Fprintf(p, "i %d\n", i)
		}
	}
	if took := time.Since(begin); took > idle/2 {
		t.Skipf("this machine is too busy: it took %v until all clients had sent something", took)
	}
	endTurn() // others may have the machine meanwhile
	time.Sleep(idle + 100*time.Millisecond)
	for n, d := range daemons {
		d.signal(syscall.SIGCONT)
		lost := 0
		for i, p := range all[n] {
			if reply, err := p.line(); err != nil || reply != fmt.Sprint("1 Lock Is Locked: ", i) {
				lost++
			}
			p.Close()
		}
		if lost > 0 {
			t.Errorf("loops %s: %d of %d clients have lost their locks, though they were not silent", loops[n], lost, clients)
		}
	}
}

// TestSignalStorm checks that signals without a meaning for the daemon do not affect its
// clients.
func TestSignalStorm(t *testing.T) {
	t.Parallel()
	harmless := []syscall.Signal{unix.SIGURG, unix.SIGWINCH, unix.SIGHUP, unix.SIGCONT, unix.SIGCHLD, unix.SIGPIPE}
	for _, loops := range []string{"0", "1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			takeTurn(t)
			d := lockd(t, "-loops", loops)
			stop := []func() int{d.load("tcp", 5, 2), d.load("unix", 5, 16), d.load("tcp", 2, 2000)}
			for i := range 1500 {
				d.signal(harmless[i%len(harmless)])
				if i%5 == 0 {
					time.Sleep(time.Millisecond)
				}
				if i%100 == 0 {
					p := d.dial("unix")
					p.wants(t, "g storm", "1 Lock Get Success: storm")
					p.wants(t, "r storm", "1 Lock Release Success: storm")
					p.Close()
				}
			}
			for _, s := range stop {
				if lines := s(); lines == 0 {
					t.Error("some clients made no progress")
				}
			}
			d.signal(syscall.SIGTERM)
			d.exits(patience)
		})
	}
}
