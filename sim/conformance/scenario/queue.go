package scenario

import (
	"fmt"
	"slices"
	"strings"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
)

// queue makes connections wait for a name that a holds, in order, and returns them, and
// one that watches.
func queue(r *engine.Run, name string, n int, line string) (holder, watch *client.Conn, waiting []*client.Conn, err error) {
	names := []string{"holder", "watch"}
	for i := range n {
		names = append(names, fmt.Sprintf("w%d", i+1))
	}
	conns, err := r.Conns(names...)
	if err != nil {
		return nil, nil, nil, err
	}
	holder, watch, waiting = conns[0], conns[1], conns[2:]
	if err := r.WantInt(holder, "g "+name, 1); err != nil {
		return nil, nil, nil, err
	}
	for i, c := range waiting {
		if err := r.Stand(c, line, name, i+1, watch); err != nil {
			return nil, nil, nil, err
		}
	}
	return holder, watch, waiting, nil
}

// handOn releases a name by its holder, and then by each that is granted it, and checks
// that they are granted it in order. It returns the last, who keeps it.
func handOn(r *engine.Run, name string, holder *client.Conn, waiting []*client.Conn) (*client.Conn, error) {
	for i, c := range waiting {
		if err := r.WantInt(holder, "r "+name, 1); err != nil {
			return nil, err
		}
		if err := r.ExpectLine(c, protocol.Glockd.Reply("g", 1, name)); err != nil {
			return nil, err
		}
		for _, later := range waiting[i+1:] {
			if n := later.Count(); n > 0 {
				return nil, report.Failf(fmt.Sprintf("connection %s is answered before it", later.Name), "connection %s to be granted %s, before those behind it", c.Name, name)
			}
		}
		holder = c
	}
	return holder, nil
}

// inTurn hands a name on to all that wait, and checks that the last can release it.
func inTurn(r *engine.Run, name string, holder *client.Conn, waiting []*client.Conn) error {
	last, err := handOn(r, name, holder, waiting)
	if err != nil {
		return err
	}
	return r.WantInt(last, "r "+name, 1)
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
	conns, err := r.Conns("impatient", "last")
	if err != nil {
		return err
	}
	impatient, last := conns[0], conns[1]
	// A machine may stand still for longer than any wait, so nothing here has to happen
	// before the time is up.
	if err := r.Send(impatient, "w 400 g "+name+"\n"); err != nil {
		return err
	}
	if err := r.WantInt(watch, "r "+name, 0); err != nil {
		return err
	}
	if err := r.Send(last, forLong+"g "+name+"\n"); err != nil {
		return err
	}
	if err := r.ExpectLine(impatient, "0 Wait Timeout: "+name); err != nil {
		return err
	}
	if err := r.AwaitWaiters(watch, 9, name); err != nil {
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
	conns, err := r.Conns("p1", "p2", "p3", "p4")
	if err != nil {
		return err
	}
	over := make(chan struct{})
	pollers := make(chan error, len(conns))
	for _, c := range conns {
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
	_, err = handOn(r, name, holder, waiting)
	close(over)
	for range conns {
		if e := <-pollers; err == nil {
			err = e
		}
	}
	return err
}

// handOnInOrder ends a connection that holds several names and waits for another [END-9].
func handOnInOrder(r *engine.Run) error {
	conns, err := r.Conns("a", "watch", "behind", "w1", "w2", "w3")
	if err != nil {
		return err
	}
	a, watch, behind, waiting := conns[0], conns[1], conns[2], conns[3:]
	own := r.Name("own")
	if err := r.WantInt(watch, "b 0 "+own, 1); err != nil {
		return err
	}
	names := []string{r.Name("n3"), r.Name("n1"), r.Name("n2")}
	for _, line := range []string{"g " + names[0], "b 1 " + names[1], "g " + names[2]} {
		if err := r.WantInt(a, line, 1); err != nil {
			return err
		}
	}
	for i, line := range []string{"b 1 " + names[1], "g " + names[2], "g " + names[0]} {
		if err := r.Stand(waiting[i], forLong+line, line[strings.LastIndexByte(line, ' ')+1:], 1, watch); err != nil {
			return err
		}
	}
	if err := r.Stand(a, forLong+"b 1 "+own, own, 1, watch); err != nil {
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
