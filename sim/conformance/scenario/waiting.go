package scenario

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
)

// forLong is a wait that no case expects to time out.
const forLong = "w 600000 "

// version checks the reply to v [VERSION-1].
func version(r *engine.Run) error { return versionOf(r, "v") }

func versionWithAName(r *engine.Run) error { return versionOf(r, "v 2 of this") }

// features are those that a server may have.
var features = []string{"wait", "bound", "token", "list", "kill"}

func versionOf(r *engine.Run, line string) error {
	c, err := r.Conn("a")
	if err != nil {
		return err
	}
	lines, err := r.Answer(c, line)
	if err != nil {
		return err
	}
	if len(lines) != 1 {
		return report.Failf(engine.Listing(lines), "one line")
	}
	words := strings.Fields(lines[0])
	if len(words) < 3 || words[0] != "1" || words[1] != "lockd" {
		return report.Failf(lines[0], "a line 1 lockd VERSION FEATURE…")
	}
	for _, feature := range words[3:] {
		if !slices.Contains(features, feature) {
			return report.Failf(lines[0], "features of the list %v", features)
		}
	}
	for _, command := range []string{"wait", "bound", "token"} {
		if !slices.Contains(words, command) {
			return report.Failf(lines[0], "the feature %s", command)
		}
	}
	return nil
}

// longNames sends the longest lines that the server takes [EXT-1, EXT-3].
func longNames(r *engine.Run) error {
	a, err := r.Conn("a")
	if err != nil {
		return err
	}
	b, err := r.Conn("b")
	if err != nil {
		return err
	}
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
		if err := r.Send(ask.conn, ask.line+"\n"); err != nil {
			return err
		}
		if err := r.ExpectLine(ask.conn, ask.want); err != nil {
			return err
		}
	}
	return nil
}

// queue makes connections wait for a name that a holds, in order, and returns them, and
// one that watches.
func queue(r *engine.Run, name string, n int, line string) (holder, watch *client.Conn, waiting []*client.Conn, err error) {
	if holder, err = r.Conn("holder"); err != nil {
		return nil, nil, nil, err
	}
	if watch, err = r.Conn("watch"); err != nil {
		return nil, nil, nil, err
	}
	if err = r.WantInt(holder, "g "+name, 1); err != nil {
		return nil, nil, nil, err
	}
	for i := range n {
		c, err := r.Conn(fmt.Sprintf("w%d", i+1))
		if err != nil {
			return nil, nil, nil, err
		}
		if err := r.Stand(c, line, name, i+1, watch); err != nil {
			return nil, nil, nil, err
		}
		waiting = append(waiting, c)
	}
	return holder, watch, waiting, nil
}

// inTurn releases a name by its holder, and then by each that is granted it, and checks
// that they are granted it in order.
func inTurn(r *engine.Run, name string, holder *client.Conn, waiting []*client.Conn) error {
	for i, c := range waiting {
		if err := r.WantInt(holder, "r "+name, 1); err != nil {
			return err
		}
		if err := r.ExpectLine(c, protocol.Glockd.Reply("g", 1, name)); err != nil {
			return err
		}
		for _, later := range waiting[i+1:] {
			if n := later.Count(); n > 0 {
				return report.Failf(fmt.Sprintf("connection %s is answered before it", later.Name), "connection %s to be granted %s, before those behind it", c.Name, name)
			}
		}
		holder = c
	}
	return r.WantInt(holder, "r "+name, 1)
}

// inLine is how many connections stand in a queue.
const inLine = 20

func firstCome(r *engine.Run) error {
	name, n := r.Name("line"), inLine
	if !r.Subject.Dump {
		n = 5 // without lists each takes a while
	}
	holder, _, waiting, err := queue(r, name, n, forLong+"g "+name)
	if err != nil {
		return err
	}
	return inTurn(r, name, holder, waiting)
}

func leaveTheMiddle(r *engine.Run) error {
	name := r.Name("line")
	holder, watch, waiting, err := queue(r, name, 8, forLong+"g "+name)
	if err != nil {
		return err
	}
	impatient, err := r.Conn("impatient")
	if err != nil {
		return err
	}
	if err := r.Stand(impatient, "w 1200 g "+name, name, 9, watch); err != nil {
		return err
	}
	last, err := r.Conn("last")
	if err != nil {
		return err
	}
	if err := r.Stand(last, forLong+"g "+name, name, 10, watch); err != nil {
		return err
	}
	if err := r.ExpectLine(impatient, "0 Wait Timeout: "+name); err != nil {
		return err
	}
	for _, i := range []int{3, 0, 6} {
		if err := waiting[i].Close(); err != nil {
			return engine.Broken(waiting[i], err)
		}
	}
	if err := r.AwaitWaiters(watch, 6, name); err != nil {
		return err
	}
	return inTurn(r, name, holder, []*client.Conn{waiting[1], waiting[2], waiting[4], waiting[5], waiting[7], last})
}

// noBarging hands a name on while others poll for it.
func noBarging(r *engine.Run) error {
	name := r.Name("line")
	holder, _, waiting, err := queue(r, name, 6, forLong+"g "+name)
	if err != nil {
		return err
	}
	over := make(chan struct{})
	pollers := make(chan error, 4)
	for i := range cap(pollers) {
		c, err := r.Conn(fmt.Sprintf("p%d", i))
		if err != nil {
			return err
		}
		go func() {
			for {
				select {
				case <-over:
					pollers <- nil
					return
				default:
				}
				if n, err := r.AskInt(c, "g "+name); err != nil {
					pollers <- err
					return
				} else if n != 0 {
					pollers <- report.Failf("a poller has got it", "no \"g %s\" to succeed while others wait", name)
					return
				}
			}
		}()
	}
	for i, c := range waiting {
		if err = r.WantInt(holder, "r "+name, 1); err != nil {
			break
		}
		if err = r.ExpectLine(c, protocol.Glockd.Reply("g", 1, name)); err != nil {
			break
		}
		if holder = waiting[i]; i == len(waiting)-1 {
			break // the last one keeps it
		}
	}
	close(over)
	for range cap(pollers) {
		if e := <-pollers; err == nil {
			err = e
		}
	}
	return err
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
	if err := r.Send(c, fmt.Sprintf("w %d g %s\n", wait.Milliseconds(), name)); err != nil {
		return err
	}
	if err := r.ExpectLine(c, "0 Wait Timeout: "+name); err != nil {
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
	a, err := r.Conn("a")
	if err != nil {
		return err
	}
	b, err := r.Conn("b")
	if err != nil {
		return err
	}
	watch, err := r.Conn("watch")
	if err != nil {
		return err
	}
	for i := range limit {
		if err := r.WantInt(a, "g "+r.Name(fmt.Sprintf("fill%d", i+1)), 1); err != nil {
			return err
		}
	}
	reached := protocol.LockLimitReached
	free, mine := r.Name("free"), r.Name("fill1")
	for _, line := range []string{"w 60000 g " + free, "w 60000 b 3 " + free, "b 3 " + free} {
		if err := r.Send(b, line+"\n"); err != nil {
			return err
		}
		if err := r.ExpectLine(b, reached+free); err != nil {
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

// handOnInOrder ends a connection that holds several names and waits for another [END-9].
func handOnInOrder(r *engine.Run) error {
	a, err := r.Conn("a")
	if err != nil {
		return err
	}
	watch, err := r.Conn("watch")
	if err != nil {
		return err
	}
	own := r.Name("own")
	if err := r.WantInt(watch, "b 0 "+own, 1); err != nil {
		return err
	}
	names := []string{r.Name("n3"), r.Name("n1"), r.Name("n2")}
	for i, line := range []string{"g " + names[0], "b 1 " + names[1], "g " + names[2]} {
		if err := r.WantInt(a, line, 1); err != nil {
			return fmt.Errorf("lock %d: %w", i, err)
		}
	}
	var waiting []*client.Conn
	for i, line := range []string{"b 1 " + names[1], "g " + names[2], "g " + names[0]} {
		c, err := r.Conn(fmt.Sprintf("w%d", i))
		if err != nil {
			return err
		}
		if err := r.Stand(c, forLong+line, line[strings.LastIndexByte(line, ' ')+1:], 1, watch); err != nil {
			return err
		}
		waiting = append(waiting, c)
	}
	if err := r.Stand(a, forLong+"b 1 "+own, own, 1, watch); err != nil {
		return err
	}
	behind, err := r.Conn("behind")
	if err != nil {
		return err
	}
	if err := r.Stand(behind, forLong+"b 0 "+own, own, 2, watch); err != nil {
		return err
	}
	if err := a.Close(); err != nil {
		return engine.Broken(a, err)
	}
	tokens := make([]int, 4)
	for i, c := range []*client.Conn{behind, waiting[2], waiting[0], waiting[1]} { // in the order of their grants
		if _, err := r.Take(c, "the grant of a lock of connection a"); err != nil {
			return err
		}
		ask := []string{"st " + own, "t " + names[0], "st " + names[1], "t " + names[2]}[i]
		if tokens[i], err = r.AskInt(c, ask); err != nil {
			return err
		}
	}
	if !slices.IsSorted(tokens) {
		return report.Failf(fmt.Sprint("the tokens ", tokens), "tokens in the order in which connection a had acquired the locks, after that of the wait that it gave up")
	}
	return nil
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
