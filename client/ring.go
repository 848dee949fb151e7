package client

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
)

// Ring spreads names over several servers, each of which knows nothing of the others. A
// name always belongs to one server, which rendezvous hashing finds: one server more takes
// over its share of the names, and no other name moves.
//
// A Ring is for more load than one server carries, not for servers that fail: the names
// of a server that cannot be reached cannot be locked. All clients must use the same
// addresses, written in the same way; their order does not matter. While two lists are in
// use, a name may belong to two servers and have two holders: stop all clients before you
// change the list. There is no AcquireAll, as an order of names on several servers is up
// to the caller. A Ring is safe for concurrent use.
type Ring struct{ clients []*Client }

// DialRing connects to all servers, and fails if one of them cannot be reached.
func DialRing(ctx context.Context, addrs []string, opts ...Option) (*Ring, error) {
	if len(addrs) == 0 {
		return nil, fmt.Errorf("a ring needs an address")
	}
	r := new(Ring)
	for i, addr := range addrs {
		for _, other := range addrs[:i] {
			if addr == other {
				return nil, errors.Join(fmt.Errorf("the ring has the address %q twice", addr), r.Close())
			}
		}
		c, err := Dial(ctx, addr, opts...)
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		r.clients = append(r.clients, c)
	}
	return r, nil
}

// Client returns the client of the server to which a name belongs.
func (r *Ring) Client(name string) *Client {
	if clean, err := r.clients[0].lockName(name); err == nil {
		name = clean
	}
	var best *Client
	var highest uint64
	for _, c := range r.clients {
		if w := weight(c.addr, name); best == nil || w > highest || w == highest && c.addr < best.addr {
			best, highest = c, w
		}
	}
	return best
}

// weight is the weight of a server for a name: the highest has it. It must never change:
// names would move.
func weight(addr, name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(addr))
	h.Write([]byte{'\n'})
	h.Write([]byte(name))
	x := h.Sum64() // whose high bits hardly depend on the last bytes; so they are mixed
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// Acquire is Client.Acquire on the server of the name.
func (r *Ring) Acquire(ctx context.Context, name string) (*Lock, error) {
	return r.Client(name).Acquire(ctx, name)
}

// TryAcquire is Client.TryAcquire on the server of the name.
func (r *Ring) TryAcquire(ctx context.Context, name string) (*Lock, error) {
	return r.Client(name).TryAcquire(ctx, name)
}

// Do is Client.Do on the server of the name.
func (r *Ring) Do(ctx context.Context, name string, f func(ctx context.Context) error) error {
	return r.Client(name).Do(ctx, name, f)
}

// Close closes all clients.
func (r *Ring) Close() error {
	for _, c := range r.clients {
		c.Close()
	}
	return nil
}
