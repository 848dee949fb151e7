package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestStopUnderSaturation checks that a daemon whose clients never stop sending ends,
// and that each client gets whole replies and the end of the stream.
func TestStopUnderSaturation(t *testing.T) {
	t.Parallel()
	const clients = 12 // keep any daemon busy; for each, MiBs have to be answered at the end
	for _, loops := range []string{"0", "1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			takeTurn(t)
			// A slow machine may take long for the MiB of each client.
			d := lockd(t, "-loops", loops, "-shutdown-timeout", (3 * patience).String())
			var working sync.WaitGroup
			for i := range clients {
				p := d.dial([]string{"tcp", "unix"}[i%2])
				p.SetDeadline(time.Now().Add(4 * patience))
				p.wants(t, "i x", "0 Lock Not Locked: x") // it is no longer in the queue
				working.Go(func() {
					if err := p.endless(fmt.Sprint("name", i)); err != nil {
						t.Errorf("client %d: %v", i, err)
					}
				})
			}
			time.Sleep(200 * time.Millisecond)
			before := d.figures()["command_g"]
			d.signal(syscall.SIGTERM)
			t.Logf("it has ended after %v and %d locks", d.exits(4*patience), before)
			working.Wait()
			if _, err := os.Lstat(d.unix); err == nil {
				t.Error("the unix socket is still there")
			}
		})
	}
}

// TestStopAnswersAll checks that a daemon that stops answers all that the kernel
// had received for it (END-8), from any number of connections: more than a loop can
// handle in the 20 ms of silence after which a connection counts as drained.
func TestStopAnswersAll(t *testing.T) {
	t.Parallel()
	const lines = 400 // less than a read takes
	for _, loops := range []string{"0", "1", "3"} {
		t.Run("loops "+loops, func(t *testing.T) {
			t.Parallel()
			takeTurn(t)
			clients := 2000
			if loops == "0" {
				clients = 200
			}
			d := lockd(t, "-loops", loops)
			all := make([]*peer, clients)
			for i := range all {
				all[i] = d.dial([]string{"tcp", "unix"}[i%2])
				all[i].wants(t, fmt.Sprint("g ", i), fmt.Sprint("1 Lock Get Success: ", i))
			}
			// While it is stopped, all clients send something; then it gets SIGTERM.
			d.signal(syscall.SIGSTOP)
			for i, p := range all {
				io.WriteString(p, strings.Repeat(fmt.Sprintf("i %d\n", i), lines))
			}
			d.signal(syscall.SIGTERM)
			d.signal(syscall.SIGCONT)
			unanswered, missing := 0, 0
			for i, p := range all {
				p.SetDeadline(time.Now().Add(patience))
				got, err := io.ReadAll(p.r)
				if err != nil {
					t.Errorf("client %d: %v", i, err)
				}
				if n := strings.Count(string(got), fmt.Sprintf("1 Lock Is Locked: %d\n", i)); n < lines {
					unanswered++
					missing += lines - n
				}
				p.Close()
			}
			if unanswered > 0 {
				t.Errorf("%d of %d clients did not get all replies: %d of %d lines are missing", unanswered, clients, missing, clients*lines)
			}
			d.exits(2 * patience)
		})
	}
}
