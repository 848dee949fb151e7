package world

import (
	"crypto/sha256"
	"fmt"
	"runtime/debug"

	"lockd/server/core"
	"lockd/sim/history"
)

// Result counts what a run did.
type Result struct {
	Steps    int64 // steps, each of which is one action on one client
	Bytes    int64 // bytes that reached the server
	Commands int64 // commands that it executed, including invalid ones
	Hash     [sha256.Size]byte
	Coverage Coverage
	History  *history.History // nil unless Options.Record
}

// world is one run.
type world struct {
	options Options
	random  random
	script  script
	judge   *traced
	net     network
	result  Result
	clients []*client
	labels  int            // connections ever attempted
	actions []action       // one entry for every unit of weight
	answers []core.Resumed // not given to the clients that wait for them yet
	killed  []core.ID      // connections that were killed, and not closed yet
	auditor *client        // nil while the server refuses it
	record  *recorder      // nil unless the run is recorded
}

// client is the place of one client, which has one connection after another.
type client struct {
	label     int
	addr      string
	open      bool // the server has it
	websocket bool
	behaviour int
	uplink    []byte // from head on: under way to the server
	head      int
	messages  []int         // websocket: where in uplink messages end, ascending
	torn      bool          // the last line that the server has is incomplete
	finished  bool          // the client has closed its sending side, behind uplink
	lost      bool          // what is under way to the client is lost
	gone      bool          // the client has closed both sides: the next write to it fails
	unread    int           // bytes of replies that the client has not read
	waits     bool          // for a reply that comes later
	queued    bool          // it waits for a lock
	record    *clientRecord // nil unless the run is recorded
	conn      *connState    // nil in a coreNetwork
}

type action func(*world, *client)

// Run plays one run to its end, or to the first failure. Its result depends on the
// options alone.
func Run(o Options) (Result, error) { return run(o, nil) }

func run(o Options, record *[]Event) (result Result, err error) {
	w := &world{options: o, random: newRandom(o.Seed, runStream), script: newScript(&o), judge: newTraced(o)}
	if o.Record {
		w.record = &recorder{classic: o.Classic}
		w.record.history.Classic = o.Classic
		w.result.History = &w.record.history
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
		result = w.result
	}()
	w.net = coreNetwork{w}
	if o.Loops > 0 {
		w.net = newKernelNetwork(w, record)
	} else {
		w.judge.record = record
	}
	for range o.Peers {
		w.clients = append(w.clients, &client{})
	}
	w.actions = w.weigh()
	w.hoard()
	w.audit(nil)
	for range o.Steps {
		w.step()
		if w.judge.Err() != nil {
			return w.result, w.judge.Err()
		}
	}
	w.calm()
	w.result.Hash = w.judge.sum()
	w.result.Commands = int64(w.judge.Commands())
	if w.record != nil && w.judge.Err() == nil {
		return w.result, w.record.history.Check()
	}
	return w.result, w.judge.Err()
}

// weigh lists every action as many times as its weight.
func (w *world) weigh() []action {
	weights := w.options.Weights
	var actions []action
	add := func(weight int, a action) {
		for range weight {
			actions = append(actions, a)
		}
	}
	add(weights.Exchange, (*world).exchange)
	add(weights.Send, (*world).send)
	add(weights.Join, (*world).join)
	add(weights.Split, (*world).split)
	add(weights.Bytewise, (*world).bytewise)
	add(weights.Tear, (*world).tear)
	add(weights.Drain, (*world).drain)
	add(weights.HalfClose, (*world).halfClose)
	add(weights.Vanish, (*world).vanish)
	add(weights.Reset, (*world).reset)
	add(weights.Drop, (*world).drop)
	add(weights.Storm, (*world).storm)
	add(weights.Audit, (*world).audit)
	add(weights.Restart, (*world).restart)
	return actions
}

func (w *world) hit(f Fault) { w.result.Coverage[f]++ }

// step performs one action on one client.
func (w *world) step() {
	w.result.Steps++
	p := w.clients[w.random.below(len(w.clients))]
	if !p.open {
		w.connect(p)
	} else {
		w.actions[w.random.below(len(w.actions))](w, p)
	}
	w.net.dumps()
	if w.result.Steps%int64(w.options.ValidEvery) == 0 && w.options.Hoard < 1000 {
		w.net.pause()
	}
}

// connect opens a new connection in the place of a client.
func (w *world) connect(p *client) {
	*p = client{label: w.labels, uplink: p.uplink[:0], messages: p.messages[:0]}
	w.labels++
	p.websocket = w.random.percent(w.options.WebSocketPercent)
	p.behaviour = w.pickBehaviour()
	if !w.options.Record && w.random.percent(5) {
		w.hit(ByteOrderMark)
		p.uplink = append(p.uplink, "\ufeff"...)
	}
	if !w.options.Record && w.random.percent(2) {
		p.uplink = append(p.uplink, pick(&w.random, foreignBeginnings...)...)
	}
	switch {
	case w.random.percent(w.options.SameAddrPercent):
		p.addr = w.clients[w.random.below(len(w.clients))].addr
		if p.addr == "" {
			p.addr = "10.0.0.1:1"
		} else {
			w.hit(AddressReuse)
		}
	case w.random.below(3) == 0:
		p.addr = "unix"
	default:
		p.addr = fmt.Sprintf("10.0.0.%d:%d", len(w.clients), 1024+p.label)
	}
	w.net.connect(p)
}

func (w *world) pickBehaviour() int {
	k := w.options.Behaviours
	at := w.random.below(k.Behaved + k.Contending + k.Careless + k.Hostile)
	for behaviour, weight := range [behaviours]int{k.Behaved, k.Contending, k.Careless, k.Hostile} {
		if at -= weight; at < 0 {
			return behaviour
		}
	}
	return hostile
}

// hoard makes the first client take many locks.
func (w *world) hoard() {
	if w.options.Hoard == 0 {
		return
	}
	p := w.clients[0]
	w.connect(p)
	p.websocket = false
	for i := range w.options.Hoard {
		p.uplink = fmt.Appendf(p.uplink, "g h%d\n", i)
		if i%2 == 0 {
			p.uplink = fmt.Appendf(p.uplink, "sg h%d\n", i)
		}
	}
	for p.open && p.underWay() > 0 {
		p.unread = 0
		w.net.deliver(p, p.underWay())
		w.net.drain(p)
	}
	if w.options.Hoard >= 100_000 && w.options.MaxLocks == 0 {
		w.hit(HundredThousandLocks)
	}
}
