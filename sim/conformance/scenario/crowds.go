package scenario

import (
	"fmt"
	"math/rand/v2"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
)

// reconnectStorm ends connections that hold locks while others try to get them.
func reconnectStorm(r *engine.Run) error {
	watcher, err := r.Conn("watcher")
	if err != nil {
		return err
	}
	const rounds, names = 5, 6
	held := make([]string, names)
	for i := range held {
		held[i] = r.Name(fmt.Sprintf("storm%d", i+1))
	}
	ends := []func(*client.Conn) error{
		(*client.Conn).Close, (*client.Conn).Reset, (*client.Conn).HalfClose,
	}
	err = engine.Each(names, func(i int) error {
		for round := range rounds {
			c, err := r.Open(fmt.Sprintf("s%dx%d", i+1, round+1), r.On)
			if err != nil {
				return err
			}
			err = r.Poll(func() error { return r.WantInt(c, "g "+held[i], 1) })
			if err != nil {
				return err
			}
			if _, err := r.AskInt(c, "sg "+held[(i+round)%names]); err != nil {
				return err
			}
			if err := ends[(i+round)%len(ends)](c); err != nil {
				return engine.Broken(c, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range held {
		for _, command := range []string{"i ", "si "} {
			if err := r.Poll(func() error { return r.WantInt(watcher, command+name, 0) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// manyConnections opens many connections, each of which holds one exclusive name and one
// name that all share, and then makes half of them release the shared name.
func manyConnections(r *engine.Run) error {
	const many = 200
	conns, err := r.Crowd(many)
	if err != nil {
		return err
	}
	common := r.Name("common")
	for i, c := range conns {
		if err := r.WantInt(c, "g "+r.Name(fmt.Sprintf("own%d", i+1)), 1); err != nil {
			return err
		}
		if err := r.WantInt(c, "sg "+common, i+1); err != nil {
			return err
		}
	}
	shuffled := rand.New(rand.NewPCG(1, 1)).Perm(many)
	for gone, i := range shuffled[:many/2] {
		if err := r.WantInt(conns[i], "sr "+common, 1); err != nil {
			return err
		}
		if err := r.WantInt(conns[shuffled[many-1]], "si "+common, many-gone-1); err != nil {
			return err
		}
	}
	return nil
}

// leaveTogether ends many holders of one lock at once.
func leaveTogether(r *engine.Run) error {
	watcher, err := r.Conn("watcher")
	if err != nil {
		return err
	}
	const many = 30
	pool := r.Name("pool")
	conns, err := r.Crowd(many)
	if err != nil {
		return err
	}
	for i, c := range conns {
		if err := r.WantInt(c, "sg "+pool, i+1); err != nil {
			return err
		}
	}
	if err := r.WantInt(watcher, "sg "+pool, many+1); err != nil {
		return err
	}
	engine.Each(many, func(i int) error { return conns[i].Close() })
	if err := r.Poll(func() error { return r.WantInt(watcher, "si "+pool, 1) }); err != nil {
		return err
	}
	return r.WantInt(watcher, "sr "+pool, 1)
}
