package core

import "strings"

// addresses counts the open connections of each address. nil counts none.
type addresses map[string]int

// mayOpen says whether a connection would be within the limits (BAD-4).
func (c *Core) mayOpen(peer Peer) bool {
	if limit := c.config.MaxConnections; limit > 0 && len(c.conns) >= limit {
		return false
	}
	host := hostOf(peer.Addr)
	return c.addresses == nil || host == "" || c.addresses[host] < c.config.MaxPerAddress
}

// hostOf returns an address that is shown (ADDR-1) without its port, "" for a unix socket.
func hostOf(addr string) string {
	if addr == "" || strings.HasPrefix(addr, "unix:") {
		return ""
	}
	return addr[:max(0, strings.LastIndexByte(addr, ':'))]
}

func (a addresses) add(host string) {
	if a != nil && host != "" {
		a[host]++
	}
}

func (a addresses) remove(host string) {
	if a == nil || host == "" {
		return
	}
	if a[host]--; a[host] == 0 {
		delete(a, host)
	}
}
