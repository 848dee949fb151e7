package bubble

import (
	"math/rand/v2"
	"time"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/workload"
	"lockd/wire"
)

// Options are all the choices that make one run differ from another.
type Options struct {
	Seed  uint64
	Crowd workload.Options

	Jitter         int // longest pause at a yield, in microseconds, roughly; 0: none
	Window         int // bytes of replies that fit between server and client
	MaxTransfer    int // bytes of one read or write; 0: no limit
	MaxConnections int // 0: no limit
	SameAddr       bool
	AcceptErrors   int // percent of connections before which Accept fails
	FailedWrites   int // percent of connections on which a write of the server fails
	WriteTimeout   time.Duration
	IdleTimeout    time.Duration
	Restarts       int // times that the server is shut down and replaced in traffic
}

var names = []string{"n0", "n1", "n2"}

// Draw derives options from a seed.
func Draw(seed uint64) Options {
	r := rand.New(rand.NewPCG(seed, 0x627562626c65))
	percent := func(p int) bool { return r.IntN(100) < p }
	some := func(p, value int) int {
		if percent(p) {
			return value
		}
		return 0
	}
	o := Options{
		Seed:        seed,
		Jitter:      []int{1, 3, 10, 40}[r.IntN(4)],
		Window:      []int{64, 1 << 10, 64 << 10}[r.IntN(3)],
		MaxTransfer: []int{0, 0, 1, 7}[r.IntN(4)],
		SameAddr:    percent(30),
	}
	crowd := workload.Options{
		Seed:         seed,
		Clients:      2 + r.IntN(5),
		Names:        names[:1+r.IntN(3)],
		Ops:          10 + r.IntN(20),
		Pipeline:     1 + r.IntN(2),
		EndPercent:   []int{3, 8, 25}[r.IntN(3)],
		AbortPercent: []int{0, 30, 70, 100}[r.IntN(4)],
		SplitPercent: some(50, 20),
		StallPercent: some(20, 5),
		ThinkPercent: []int{0, 20, 80}[r.IntN(3)],
		Classic:      percent(10),
		HalfCloses:   true,
	}
	if crowd.Clients <= 3 {
		crowd.Pipeline = 1 + r.IntN(5)
	}
	if percent(25) { // short enough to be checked as a whole
		crowd.Clients, crowd.Ops = 2+r.IntN(3), 12
	}
	if !crowd.Classic {
		crowd.Extended = r.IntN(2) == 0
		crowd.TablePercent = some(40, 12)
		o.MaxConnections = some(10, crowd.Clients-1)
	}
	o.AcceptErrors = some(10, 30)
	o.FailedWrites = some(10, 30)
	if percent(10) {
		o.WriteTimeout = time.Second
		crowd.StallPercent = 20
		crowd.Pipeline, o.Window = 5, 64
		crowd.Clients = min(crowd.Clients, 2) // stalls make everything overlap
	}
	if percent(10) {
		o.IdleTimeout = time.Duration(1+r.IntN(200)) * time.Microsecond
	}
	if percent(10) {
		o.Restarts = 1 + r.IntN(2)
		crowd.TablePercent = 0 // statistics restart at zero
	}
	crowd.Reliable = o.FailedWrites == 0 && o.WriteTimeout == 0 && o.IdleTimeout == 0 && o.Restarts == 0 && o.MaxConnections == 0
	o.Crowd = crowd
	return o
}

func (o *Options) server(mutex *locker) server.Config {
	dialect := wire.Glockd
	if o.Crowd.Classic {
		dialect = wire.Classic
	}
	return server.Config{
		Core:         core.Config{Dialect: dialect, Dump: true, Registry: true, MaxConnections: o.MaxConnections},
		WriteTimeout: o.WriteTimeout,
		IdleTimeout:  o.IdleTimeout,
		Mutex:        mutex,
	}
}

// Faults are the kinds of perturbations that a campaign must hit.
var Faults = append([]string{
	"pipeline", "split batch", "torn last line", "half-close", "close", "reset", "end before the reply",
	"end inside a pipeline", "slow reader", "refused connection", "ended by the server",
}, coverageNames[:]...)
