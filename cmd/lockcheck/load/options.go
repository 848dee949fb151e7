package load

import (
	"fmt"
	"strings"
	"time"
)

// Options are the load on a server.
type Options struct {
	Addr        string // HOST:PORT, or unix:PATH
	Connections int    // 1 to 20,000
	Depth       int    // commands that a connection sends at once, 1 to 1,000; then it waits for all replies
	Names       int    // for each connection, and as many for all together; 1 to 100,000
	NameBytes   int    // length of a name, at least; up to 1,000
	Mix         Mix
	Contention  float64       // the share of the names that all connections use, 0 to 1
	Rate        float64       // commands a second that are due, however late the replies are; 0: as fast as they come
	Warmup      time.Duration // before the measurement
	Duration    time.Duration // of the measurement
	Seed        uint64

	// Progress, if not nil, is called after each second of the measurement, with what is
	// measured so far; it must not block.
	Progress func(Result)
	// Measuring, if not nil, is called when the measurement begins, and when it ends.
	Measuring func(begins bool)
}

// Check returns what is wrong with the options for a protocol.
func (o Options) Check(p Protocol) error {
	for _, is := range []struct {
		name            string
		value, from, to int
	}{
		{"connections", o.Connections, 1, 20_000},
		{"depth", o.Depth, 1, 1000},
		{"names", o.Names, 1, 100_000},
		{"name bytes", o.NameBytes, 0, 1000},
	} {
		if is.value < is.from || is.value > is.to {
			return fmt.Errorf("%s: want %d to %d, got %d", is.name, is.from, is.to, is.value)
		}
	}
	switch {
	case !(o.Contention >= 0 && o.Contention <= 1): // it may be no number
		return fmt.Errorf("the contention is a share from 0 to 1, got %v", o.Contention)
	case o.Rate != 0 && !(o.Rate >= 0.01 && o.Rate <= 1e8):
		return fmt.Errorf("a rate is 0 (as fast as replies come), or 0.01 to 100 million commands a second, got %v", o.Rate)
	case o.Duration <= 0 || o.Duration > 24*time.Hour:
		return fmt.Errorf("want a duration above 0, up to a day, got %v", o.Duration)
	case o.Warmup < 0 || o.Warmup > time.Hour:
		return fmt.Errorf("want a warm-up of 0 to an hour, got %v", o.Warmup)
	case len(o.Mix) == 0:
		return fmt.Errorf("the mix is empty; want one such as exclusive")
	}
	for c := range o.Mix {
		if p.request[c] == nil {
			return fmt.Errorf("%s has no command %q; change the mix", p.Name, c)
		}
	}
	if _, waits := o.Mix[Wait]; waits && p.tokens && o.Depth > 1 && o.Contention > 0 {
		return fmt.Errorf("a batch of %s holds all its locks at once, and would wait for itself; wait with a depth of 1", p.Name)
	}
	if requests := o.Connections * max(o.Names, o.Depth) * 2 * (o.NameBytes + 40); requests > largest {
		return fmt.Errorf("the requests of %d connections take %d MiB, more than %d; use fewer names, or shorter ones", o.Connections, requests>>20, largest>>20)
	}
	return nil
}

// network splits the address.
func (o Options) network() (network, addr string) {
	if path, isUnix := strings.CutPrefix(o.Addr, "unix:"); isUnix {
		return "unix", path
	}
	return "tcp", o.Addr
}
