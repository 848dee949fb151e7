package sockets

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"lockd/sim/history"
	"lockd/sim/transport"
	"lockd/sim/workload"
	"lockd/wire"
)

// ErrUnreachable is wrapped by errors that report that no lock server answers at
// an address, or not any more.
var ErrUnreachable = errors.New("no lock server answers")

// Remote is a server at any address. Other clients may use it at the same time: the
// crowd uses names of its own, and asks for no statistics.
type Remote struct {
	endpoint transport.Endpoint
	classic  bool
	prefix   string
	runs     int
}

// helloTimeout is how long a lock server may take to answer the first command.
const helloTimeout = 5 * time.Second

// Connect checks that a lock server listens at an address, and detects its dialect.
func Connect(e transport.Endpoint) (*Remote, error) {
	r := &Remote{endpoint: e, prefix: fmt.Sprintf("lockcheck-%d-", time.Now().UnixNano())}
	c, err := dial(e)
	if err != nil {
		return nil, fmt.Errorf("%w at %v: %v", ErrUnreachable, e, err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(helloTimeout))
	name := r.prefix + "hello"
	if _, err := fmt.Fprintf(c, "i %s\n", name); err != nil {
		return nil, fmt.Errorf("%w at %v: %v", ErrUnreachable, e, err)
	}
	line, err := wire.NewReplyReader(c, 1<<10).Line()
	if err != nil {
		return nil, fmt.Errorf("%w at %v: the command %q got no reply: %v", ErrUnreachable, e, "i "+name, err)
	}
	switch string(line) {
	case "0 Lock Not Locked: " + name:
	case "0 Not Locked":
		r.classic = true
	default:
		return nil, fmt.Errorf("%w at %v: the command %q got %q, which is not the protocol of lockd", ErrUnreachable, e, "i "+name, line)
	}
	return r, nil
}

// Run records one history of the server.
func (r *Remote) Run(o Options) (*history.History, map[string]int64, error) {
	o.Crowd.Classic, o.Crowd.TablePercent = r.classic, 0
	o.Crowd.Anonymous = true
	// When a connection that was reset has ended is not known before all names are free.
	// Very many operations that may happen at any time until then make the check explode.
	if aborted := o.Crowd.AbortPercent; aborted > 0 {
		o.Crowd.EndPercent = min(o.Crowd.EndPercent, 1000/aborted)
	}
	// A client may have left before the server has executed what it sent, which must not
	// affect the next run.
	r.runs++
	prefix := fmt.Sprintf("%s%d-", r.prefix, r.runs)
	for i, name := range o.Crowd.Names {
		o.Crowd.Names[i] = prefix + name
	}
	var now atomic.Int64
	env := workload.Environment{
		Dial: func(int) (workload.Conn, error) {
			c, err := dial(r.endpoint)
			if err != nil {
				return nil, fmt.Errorf("%w at %v any more: %v", ErrUnreachable, r.endpoint, err)
			}
			c.SetReadDeadline(time.Now().Add(patience))
			return c, nil
		},
		Now:     func() int64 { return now.Add(1) },
		Think:   func(int, *rand.Rand) {},
		Stall:   func() { time.Sleep(time.Millisecond) },
		Ended:   func(workload.Conn) bool { return false },
		Barrier: func() error { return r.settle(o.Crowd.Names) },
	}
	h, coverage, err := workload.Run(env, o.Crowd)
	h.Prefix = prefix
	if err != nil && !errors.Is(err, ErrUnreachable) {
		if _, again := Connect(r.endpoint); again != nil {
			err = fmt.Errorf("the server has ended in the middle of the run (%w); the failure of the run: %v", again, err)
		}
	}
	return h, coverage, err
}

// settle waits until all names are free. Then the server has noticed that all clients
// have left.
func (r *Remote) settle(names []string) error {
	deadline := time.Now().Add(patience)
	for {
		free, err := r.free(names)
		if err != nil || free {
			return err
		}
		if time.Now().After(deadline) {
			return &workload.ProtocolError{Text: fmt.Sprintf("all clients have left, and after %v some of %q are still locked", patience, names)}
		}
		time.Sleep(time.Millisecond)
	}
}

func (r *Remote) free(names []string) (bool, error) {
	c, err := dial(r.endpoint)
	if err != nil {
		return false, fmt.Errorf("%w at %v any more: %v", ErrUnreachable, r.endpoint, err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	ask := ""
	for _, name := range names {
		ask += "i " + name + "\nsi " + name + "\n"
	}
	if _, err := c.Write([]byte(ask)); err != nil {
		return false, err
	}
	reader := wire.NewReplyReader(c, 0)
	for range strings.Count(ask, "\n") {
		reply, err := reader.Reply()
		if err != nil {
			return false, err
		}
		if reply.N != 0 {
			return false, nil
		}
	}
	return true, nil
}
