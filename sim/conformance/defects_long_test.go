package conformance_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hooks of defects that take more than a few lines.

func itoa(n int) string { return strconv.Itoa(n) }

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// holders returns the peers that share a name.
func (w *testServer) holders(name string) []*peer {
	var some []*peer
	for _, p := range w.peers {
		if p.shared[name] {
			some = append(some, p)
		}
	}
	return some
}

// refuseAgain refuses a name that the asking peer holds already.
func refuseAgain(refusal string) func(*peer, string, string) string {
	return func(p *peer, name, line string) string {
		held := p.exclusive[name]
		out := p.do(line)
		if held {
			return refusal + name + "\n"
		}
		return out
	}
}

// countAgain requires as many releases as there were gets.
func countAgain(p *peer, line string) string {
	switch command, name := parse(line); command {
	case "g":
		out := p.do(line)
		if strings.HasPrefix(out, "1") {
			p.note[name]++
		}
		return out
	case "r":
		out := p.do(line)
		if strings.HasPrefix(out, "1") {
			if p.note[name]--; p.note[name] > 0 {
				p.quietly("g " + name + "\n")
			}
		}
		return out
	}
	return p.do(line)
}

// getAgain grants a name that the asking peer holds already, in the classic dialect.
func getAgain(p *peer, name, line string) string {
	held := p.exclusive[name]
	out := p.do(line)
	if held {
		return "1 Got Lock\r\n"
	}
	return out
}

// checkThenGet checks whether a name is free and acquires it in two steps, between which
// other connections run.
func checkThenGet(p *peer, name, line string) string {
	if p.holder(name) != nil || len(p.partial) > 0 {
		return p.do(line)
	}
	if p.note["pipelining"]++; p.note["pipelining"] > 200 { // not in bulk
		return p.do(line)
	}
	p.unlocked(300 * time.Microsecond)
	if holder := p.holder(name); holder != nil && holder != p {
		holder.quietly("r " + name + "\n")
	}
	return p.do(line)
}

// inspectOwn shows only the locks of the asking peer.
func inspectOwn(p *peer, name, line string) string {
	out := p.do(line)
	if !p.exclusive[name] {
		return "0 Lock Not Locked: " + name + "\n"
	}
	return out
}

// inherit gives a connection the identity of a lingering one that had its address.
func inherit(p *peer) {
	for _, old := range p.peers {
		if old != p && old.addr == p.addr {
			old.left = true
			p.inheritFrom(old)
			return
		}
	}
	for _, old := range p.lingering {
		if old.addr == p.addr {
			p.forged["connections"]++
			p.lingering = slices.DeleteFunc(p.lingering, func(other *peer) bool { return other == old })
			p.inheritFrom(old)
			return
		}
	}
}

func (p *peer) inheritFrom(old *peer) {
	p.model.Close(p.id)
	delete(p.peers, p.id)
	p.id, p.exclusive, p.shared = old.id, old.exclusive, old.shared
	p.peers[p.id] = p
}

// expire ends a lingering connection that no other has inherited.
func (p *peer) expire() {
	for _, old := range p.lingering {
		if old == p {
			p.model.Close(p.id)
			p.forged["connections"]++
			p.lingering = slices.DeleteFunc(p.lingering, func(other *peer) bool { return other == p })
			return
		}
	}
}

// isUnknown reports whether a line is neither blank nor a command.
func (p *peer) isUnknown(line string) bool {
	command, _ := parse(line)
	known := []string{"", "g", "r", "i", "sg", "sr", "si", "q", "d", "sd", "dump", "me", "iam", "who"}
	return !slices.Contains(known, command)
}
