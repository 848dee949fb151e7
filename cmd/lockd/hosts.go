package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"
)

// lookupTimeout is how long the lookup of the names of -host may take.
const lookupTimeout = 10 * time.Second

// everywhere means all addresses of this machine, as an empty host does.
const everywhere = "*"

// checkHost returns an error for a host on which no daemon can listen.
func checkHost(host string) error {
	addr, err := netip.ParseAddr(bare(host))
	switch {
	case err == nil && addr.IsMulticast():
		return errors.New("it is a multicast address, to which no connection can be made")
	case err == nil && addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return errors.New("it is the broadcast address, to which no connection can be made")
	case err == nil, host == "", host == everywhere:
		return nil
	case strings.Trim(host, "0123456789.") == "":
		return errors.New("it is not an address: want four numbers up to 255")
	case strings.Contains(host, "/"):
		return errors.New("want an address or a name, not a URL or a network")
	case strings.ContainsAny(host, ":[]"):
		return errors.New("want an address or a name without a port; give the port with -port or -ws")
	case strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == '*' || r == 0x7f }):
		return errors.New("want an address or a name, or only * for all")
	}
	return nil
}

// bare returns an address without its brackets.
func bare(host string) string {
	if inside, ok := strings.CutPrefix(host, "["); ok {
		if inside, ok = strings.CutSuffix(inside, "]"); ok {
			return inside
		}
	}
	return host
}

// host is one address to listen on.
type host struct {
	given   string // the value of -host
	address string // '' is all
	named   bool   // it is one of the addresses of a name
}

// resolve finds the addresses of the hosts, each once.
func resolve(given []string) ([]host, error) {
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout)
	defer cancel()
	var all []host
	seen := make(map[string]bool)
	add := func(h host) {
		if !seen[h.address] {
			seen[h.address] = true
			all = append(all, h)
		}
	}
	for _, g := range given {
		if g == "" || g == everywhere {
			add(host{given: g})
			continue
		}
		if addr, err := netip.ParseAddr(bare(g)); err == nil {
			add(host{given: g, address: addr.Unmap().String()})
			continue
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", g)
		if err != nil {
			return nil, fmt.Errorf("cannot find the address of -host %s: %w", g, lookupCause(err))
		}
		for _, addr := range found {
			add(host{given: g, address: addr.Unmap().String(), named: true})
		}
	}
	if len(all) == 0 {
		return nil, errors.New("-host names no address to listen on")
	}
	return all, nil
}

// lookupCause returns a short form of a lookup error.
func lookupCause(err error) error {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return errors.New(cmp.Or(dns.Err, err.Error()))
	}
	return err
}
