package soak

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"lockd/sim/attack"
	"lockd/sim/transport"
)

// plan is what the seed decides about one raid.
type plan struct {
	kind     *kind
	duration time.Duration
	seed     uint64 // of what is sent
}

// plans returns the plans of one of the hostile clients, one after the other: it makes all
// raids in an order that the seed decides, and then all again, so that the load is the
// same over time.
func plans(seed uint64, number int, web bool) func() plan {
	random := rand.New(rand.NewPCG(seed, 0x68+uint64(number)))
	var deck []*kind
	return func() plan {
		if len(deck) == 0 {
			for i := range kinds {
				if web || !kinds[i].web {
					deck = append(deck, &kinds[i])
				}
			}
			random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		p := plan{deck[0], time.Second + time.Duration(random.Int64N(int64(4*time.Second))), random.Uint64()}
		deck = deck[1:]
		return p
	}
}

// Tally is what became of the raids of one kind.
type Tally struct {
	Raids       int
	Connections int   // that were made
	Failed      error // why the last connection that failed did; nil if none has
}

// raid runs a hostile client: one raid after the other.
func (s *soak) raid(ctx context.Context, number int) {
	next := plans(s.options.Seed, number, s.target.Web != "")
	for ctx.Err() == nil {
		p := next()
		r := newRaid(ctx, p, s.target)
		p.kind.do(r)
		r.end()
		s.mu.Lock()
		s.report.count(p.kind.name, &r.tally)
		s.mu.Unlock()
	}
}

// raid is one raid. Its helpers do nothing once its time is over.
type raid struct {
	plan
	ctx    context.Context // ends with the time of the raid
	cancel context.CancelFunc
	target *attack.Target
	name   string // the beginning of the names that it uses
	done   sync.WaitGroup

	mu    sync.Mutex // of what follows
	conns map[net.Conn]bool
	tally Tally
}

func newRaid(ctx context.Context, p plan, t *attack.Target) *raid {
	r := &raid{plan: p, target: t, name: fmt.Sprintf("raid-%x-", p.seed), conns: map[net.Conn]bool{}}
	r.ctx, r.cancel = context.WithTimeout(ctx, p.duration)
	context.AfterFunc(r.ctx, r.dropAll)
	return r
}

// end waits for the end of the raid, and for its goroutines.
func (r *raid) end() {
	<-r.ctx.Done()
	r.done.Wait()
	r.dropAll()
	r.cancel()
}

// dropAll drops all connections.
func (r *raid) dropAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		transport.Reset(c)
	}
}

// random returns the random numbers of one client of the raid.
func (r *raid) random(client int) *rand.Rand { return rand.New(rand.NewPCG(r.seed, uint64(client))) }

// over says that the time of the raid is over.
func (r *raid) over() bool { return r.ctx.Err() != nil }

// late says that the deadline of the raid has passed, which dialing may notice before
// its context does.
func (r *raid) late() bool {
	deadline, _ := r.ctx.Deadline()
	return r.over() || !time.Now().Before(deadline)
}

// pause waits for some time, or until the raid is over. It returns false then.
func (r *raid) pause(d time.Duration) bool {
	sleep(r.ctx, d)
	return !r.over()
}

// dial connects to an address. The connection is dropped at the end of the raid. It
// returns nil if that is over, or the server does not accept.
func (r *raid) dial(addr string) net.Conn {
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(r.ctx, "tcp", addr)
	if !r.keep(c, err) {
		return nil
	}
	// Unread data must not fill the kernel's memory, which alone would delay all.
	c.(*net.TCPConn).SetReadBuffer(64 << 10)
	return c
}

// webSocket opens a WebSocket as dial does.
func (r *raid) webSocket() *transport.Messages {
	m, err := transport.DialWebSocket(r.ctx, "ws://"+r.target.Web+"/", "")
	if err != nil {
		r.keep(nil, err)
		return nil
	}
	if !r.keep(m.Socket, nil) {
		return nil
	}
	return m
}

// keep notes an attempt to connect, and the connection.
func (r *raid) keep(c net.Conn, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil && r.over():
		transport.Reset(c)
		return false
	case err == nil:
		r.conns[c] = true
		r.tally.Connections++
		return true
	case !r.late():
		r.tally.Failed = err
	}
	return false
}

// drop ends a connection before the raid is over, by a reset.
func (r *raid) drop(c net.Conn) {
	transport.Reset(c)
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}

// intruder is one of several clients of a raid.
type intruder struct {
	*raid
	net.Conn
	number int
	random *rand.Rand
}

// each runs n clients at the same time, each with a connection.
func (r *raid) each(n int, do func(*intruder)) {
	for i := range n {
		if c := r.dial(r.target.Addr); c != nil {
			r.done.Go(func() { do(&intruder{r, c, i, r.random(i)}) })
		}
	}
}

// drain reads and forgets what the server sends.
func (r *raid) drain(c net.Conn) { r.done.Go(func() { io.Copy(io.Discard, c) }) }

// again sends a text again and again, with pauses, until the raid is over or the server
// has enough.
func (r *raid) again(c net.Conn, pause time.Duration, text string) {
	for !r.over() {
		if _, err := io.WriteString(c, text); err != nil || !r.pause(pause) {
			return
		}
	}
}
