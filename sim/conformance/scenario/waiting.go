package scenario

import (
	"fmt"
	"strings"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
)

// forLong is a wait that no case expects to time out.
const forLong = "w 600000 "

// longNames sends the longest lines that the server takes [EXT-1, EXT-3].
func longNames(r *engine.Run) error {
	conns, err := r.Conns("a", "b")
	if err != nil {
		return err
	}
	a, b := conns[0], conns[1]
	name := r.Name("long")
	name += strings.Repeat("n", max(0, r.Subject.MaxLine-len("w 600000 b 0 ")-len(name)))
	for _, ask := range []struct {
		conn       *client.Conn
		line, want string
	}{
		{a, "w 600000 g " + name, "1 Lock Get Success: " + name},
		{b, "w 1 g " + name, "0 Wait Timeout: " + name},
		{a, "b 1 " + name, "1 Shared Lock Get Success: " + name},
		{b, "w 1 b 0 " + name, "0 Wait Timeout: " + name},
		{b, "t " + name, "0 Lock Not Held: " + name},
		{b, "st " + name, "0 Lock Not Held: " + name},
		{b, "w x " + name, "0 Usage: w MS g NAME"},
		{b, "b " + name, "0 Usage: b N NAME"},
	} {
		if err := r.WantLine(ask.conn, ask.line, ask.want); err != nil {
			return err
		}
	}
	return nil
}

// timeOut measures a wait [WAIT-4].
func timeOut(r *engine.Run) error {
	name := r.Name("line")
	holder, watch, _, err := queue(r, name, 0, "")
	if err != nil {
		return err
	}
	c, err := r.Conn("c")
	if err != nil {
		return err
	}
	const wait = 250 * time.Millisecond
	started := time.Now()
	if err := r.WantLine(c, fmt.Sprintf("w %d g %s", wait.Milliseconds(), name), "0 Wait Timeout: "+name); err != nil {
		return err
	}
	if took := time.Since(started); took < wait {
		return report.Failf(took.String(), "a wait of at least %v", wait)
	}
	if err := r.AwaitWaiters(watch, 0, name); err != nil {
		return err
	}
	if err := r.WantInt(holder, "r "+name, 1); err != nil {
		return err
	}
	return r.WantInt(watch, "g "+name, 1)
}

// waitAtTheLimit waits for names that only the limit of locks refuses [WAIT-8].
func waitAtTheLimit(r *engine.Run) error {
	limit := r.Subject.MaxLocks
	if limit > mostHoldings || limit < 4 {
		return report.Skip(fmt.Sprintf("a limit of %d locks does not suit the case: want 4 to %d", limit, mostHoldings))
	}
	conns, err := r.Conns("a", "b", "watch")
	if err != nil {
		return err
	}
	a, b, watch := conns[0], conns[1], conns[2]
	for i := range limit {
		if err := r.WantInt(a, "g "+r.Name(fmt.Sprintf("fill%d", i+1)), 1); err != nil {
			return err
		}
	}
	free, mine := r.Name("free"), r.Name("fill1")
	for _, line := range []string{"w 60000 g " + free, "w 60000 b 3 " + free, "b 3 " + free} {
		if err := r.WantLine(b, line, protocol.LockLimitReached+free); err != nil {
			return err
		}
	}
	// The wait takes no holding; its grant takes the one that its holder gives up.
	if err := r.Stand(b, "w 60000 g "+mine, mine, 1, watch); err != nil {
		return err
	}
	if err := r.WantInt(a, "r "+mine, 1); err != nil {
		return err
	}
	return r.ExpectLine(b, protocol.Glockd.Reply("g", 1, mine))
}

// muchBehindAWait sends more behind a wait than a server keeps [WAIT-9].
func muchBehindAWait(r *engine.Run) error {
	name := r.Name("line")
	holder, watch, waiting, err := queue(r, name, 1, forLong+"g "+name)
	if err != nil {
		return err
	}
	c := waiting[0]
	const lines = 20_000
	var behind strings.Builder
	for i := range lines {
		fmt.Fprintf(&behind, "i %s\n", r.Name(fmt.Sprintf("n%d", i%7)))
	}
	behind.WriteString("r " + name + "\n")
	sent := make(chan error, 1)
	go func() { sent <- r.Send(c, behind.String()) }()
	time.Sleep(50 * time.Millisecond)
	if err := r.WantInt(watch, "i "+name, 1); err != nil {
		return err
	}
	if n := c.Count(); n > 0 {
		return report.Failf(fmt.Sprintf("%d lines", n), "no answer while connection %s waits", c.Name)
	}
	if err := r.WantInt(holder, "r "+name, 1); err != nil {
		return err
	}
	if err := r.ExpectLine(c, protocol.Glockd.Reply("g", 1, name)); err != nil {
		return err
	}
	for range lines {
		if _, err := r.Take(c, "a reply to what stands behind the wait"); err != nil {
			return err
		}
	}
	if err := r.ExpectLine(c, protocol.Glockd.Reply("r", 1, name)); err != nil {
		return err
	}
	return <-sent
}

// manyWaits makes two hundred connections wait, while another is served.
func manyWaits(r *engine.Run) error {
	const n = 200
	name := r.Name("line")
	holder, watch, _, err := queue(r, name, 0, "")
	if err != nil {
		return err
	}
	conns, err := r.Crowd(n)
	if err != nil {
		return err
	}
	if err := engine.Each(n, func(i int) error { return r.Send(conns[i], forLong+"g "+name+"\nr "+name+"\n") }); err != nil {
		return err
	}
	if err := r.AwaitWaiters(watch, n, name); err != nil {
		return err
	}
	if err := r.WantInt(holder, "r "+name, 1); err != nil {
		return err
	}
	return engine.Each(n, func(i int) error {
		if err := r.ExpectLine(conns[i], protocol.Glockd.Reply("g", 1, name)); err != nil {
			return err
		}
		return r.ExpectLine(conns[i], protocol.Glockd.Reply("r", 1, name))
	})
}

// pingWhileWaiting pings a server on a connection that waits [WS-5].
func pingWhileWaiting(r *engine.Run) error {
	name := r.Name("line")
	_, watch, waiting, err := queue(r, name, 1, forLong+"g "+name)
	if err != nil {
		return err
	}
	if err := waiting[0].Ping(r.Ctx); err != nil {
		return report.Failf(client.Describe(err), "a pong while the connection waits")
	}
	if n := waiting[0].Count(); n > 0 {
		return report.Failf(fmt.Sprintf("%d lines", n), "no answer to the wait")
	}
	if err := waiting[0].HalfClose(); err != nil { // sends a close frame
		return engine.Broken(waiting[0], err)
	}
	if err := r.ExpectLine(waiting[0], "0 Wait Cancelled: "+name); err != nil {
		return err
	}
	return r.AwaitWaiters(watch, 0, name)
}
