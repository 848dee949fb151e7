package campaign

import (
	"errors"
	"fmt"
	"path/filepath"

	"lockd/sim/history"
	"lockd/sim/sockets"
	"lockd/sim/transport"
)

// Sockets returns the layer of the production server on real sockets, with the driver
// that follows from the seed. clients and names, if not 0, replace the numbers drawn
// from the seed.
func Sockets(clients, names int) Layer {
	given := Params{Clients: clients, Names: names}
	return Layer{Name: "sockets", Given: given, Faults: sockets.Faults, Enough: 3000, Open: func(workers int) (Player, error) {
		p := &socketPlayer{given: given}
		for range workers {
			p.servers = append(p.servers, map[sockets.Driver]*socketServer{})
		}
		return p, nil
	}}
}

// socketPlayer has a server for every worker and driver, started when the first seed
// needs it.
type socketPlayer struct {
	given   Params
	servers []map[sockets.Driver]*socketServer // by worker
}

type socketServer struct {
	local
	played int
	last   sockets.Options // of the last run
}

// local is a *sockets.Local.
type local interface {
	Run(sockets.Options) (*history.History, map[string]int64, error)
	Stop() error
}

// runsPerServer is how many histories a server records before it is stopped and another
// is started in its place.
const runsPerServer = 25

func (p *socketPlayer) Play(worker int, seed uint64) (Work, map[string]int64, error) {
	o := sockets.Draw(seed, sockets.DriverOf(seed), p.given.Clients, p.given.Names)
	server, err := p.server(worker, o.Driver)
	if err != nil {
		return Work{}, nil, err
	}
	server.played++
	server.last = o
	h, hits, err := server.Run(o)
	coverage := map[string]int64{o.Driver.String(): 1}
	for what, n := range hits {
		coverage[what] += n
	}
	return judge(seed, o, h, coverage, err)
}

// server returns the worker's server with a driver, a new one after runsPerServer runs.
func (p *socketPlayer) server(worker int, driver sockets.Driver) (*socketServer, error) {
	server := p.servers[worker][driver]
	if server != nil && server.played < runsPerServer {
		return server, nil
	}
	if server != nil {
		delete(p.servers[worker], driver)
		if err := server.stop(); err != nil {
			return nil, err
		}
	}
	started, err := sockets.Start(driver)
	if err != nil {
		return nil, err
	}
	server = &socketServer{local: started}
	p.servers[worker][driver] = server
	return server, nil
}

// stop stops a server. A failure has the seed of the server's last run.
func (s *socketServer) stop() error {
	err := s.Stop()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("when the server was stopped after %d histories: %w", s.played, err)
	return &Failure{s.last.Crowd.Seed, err, func(dir string) ([]string, error) {
		return nil, writeJSON(filepath.Join(dir, "options.json"), s.last)
	}}
}

func (p *socketPlayer) Close() error {
	var first error
	for _, servers := range p.servers {
		for _, driver := range sockets.Drivers() {
			if server := servers[driver]; server != nil {
				if err := server.stop(); first == nil {
					first = err
				}
			}
		}
	}
	return first
}

// Remote returns the layer of a server at an address, which other clients may be using.
// clients and names, if not 0, replace the numbers drawn from the seed.
func Remote(endpoint transport.Endpoint, clients, names int) Layer {
	given := Params{endpoint.String(), endpoint.TLS, clients, names}
	return Layer{Name: "soak", Given: given, Open: func(int) (Player, error) {
		server, err := sockets.Connect(endpoint)
		if err != nil {
			return nil, err
		}
		return &remotePlayer{server, endpoint, given}, nil
	}}
}

type remotePlayer struct {
	server   *sockets.Remote
	endpoint transport.Endpoint
	given    Params
}

func (p *remotePlayer) Close() error { return nil }

func (p *remotePlayer) Play(_ int, seed uint64) (Work, map[string]int64, error) {
	driver := sockets.Driver{Transport: p.endpoint.Transport, Loops: sockets.UnknownLoops}
	o := sockets.Draw(seed, driver, p.given.Clients, p.given.Names)
	h, coverage, err := p.server.Run(o)
	if errors.Is(err, sockets.ErrUnreachable) {
		return Work{}, coverage, &Lost{err, seed, h}
	}
	return judge(seed, o, h, coverage, err)
}

// Lost is the error of a server that cannot be reached any more in the middle of a
// run. History is what was recorded until then.
type Lost struct {
	Err     error
	Seed    uint64
	History *history.History
}

func (l *Lost) Error() string { return l.Err.Error() }
