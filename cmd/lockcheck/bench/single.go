package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lockd/cmd/lockcheck/load"
)

// Single is the measurement of one server that runs already.
type Single struct {
	Server  *Server
	Options load.Options // of all loads, but for what the Matrix says
	Mix     string       // as it was written
	Matrix  Matrix
	Held    int // locks that other connections hold meanwhile
	Rounds  int // of each load, interleaved
	Log     io.Writer
}

// Running returns a server that runs already, of which the processor time is not known.
func Running(protocol load.Protocol, addr string) *Server {
	return &Server{Version: Version{Name: protocol.Name, Version: "at " + addr}, Protocol: protocol, Addr: addr}
}

// mostHeld is the highest Single.Held.
const mostHeld = 20_000_000

// Check returns what is wrong with the loads.
func (s Single) Check() error {
	switch {
	case s.Held < 0 || s.Held > mostHeld:
		return fmt.Errorf("-held: want 0 to %d locks, got %d", mostHeld, s.Held)
	case s.Held > 0 && s.Server.Protocol.Name != "lockd":
		return fmt.Errorf("-held is for -protocol lockd, whose locks end with their connections, not for %s", s.Server.Protocol.Name)
	}
	return s.Matrix.check(s.Server.Protocol, s.Options)
}

// Measure puts all loads on the server in turn, as often as Rounds says. It returns what
// it has measured also if ctx ends.
func (s Single) Measure(ctx context.Context) (Report, error) {
	r := Report{Machine: machine(), When: time.Now(), Servers: []Version{s.Server.Version}}
	mix := s.Mix
	if s.Options.Contention > 0 {
		mix += fmt.Sprintf(", %g of the names shared", s.Options.Contention)
	}
	if s.Held > 0 {
		fmt.Fprintf(s.Log, "other connections acquire %d locks\n", s.Held)
		mix += fmt.Sprintf(", %d locks held", s.Held)
		all, err := hold(ctx, s.Server, s.Held)
		defer closeAll(all)
		if err != nil {
			return r, errors.Join(ctx.Err(), fmt.Errorf("%w; -held %d needs a server whose -max-locks, -max-locks-per-connection and -max-name-bytes allow it", err, s.Held))
		}
	}
	r.Cells = s.Matrix.cells(mix)
	for range s.Rounds {
		for _, cell := range r.Cells {
			if len(r.Cells) > 1 {
				fmt.Fprintln(s.Log, cell.Title())
			}
			measured, err := measure(ctx, s.Server, cell.of(s.Options))
			if err != nil {
				return r, err
			}
			cell.Rounds[s.Server.Name] = append(cell.Rounds[s.Server.Name], measured)
			if ctx.Err() != nil {
				return r, nil
			}
		}
	}
	return r, nil
}
