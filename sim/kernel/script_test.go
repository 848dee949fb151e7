//go:build linux && (amd64 || arm64)

package kernel

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// op is an operation of a script. Operations that server and client share have the same
// offset from serverRead and clientRead.
type op uint8

const (
	opDial op = iota
	opAccept
	opWatch
	opUnwatch
	opCloseListener
	serverRead
	serverWrite
	serverFill
	serverDrain
	serverEnd
	serverClose
	clientRead
	clientWrite
	clientFill
	clientDrain
	clientEnd
	clientClose
	clientReset
)

var opNames = [...]string{
	"dial", "accept", "watch", "unwatch", "close the listener",
	"server reads", "server writes", "server fills", "server drains", "server ends", "server closes",
	"client reads", "client writes", "client fills", "client drains", "client ends", "client closes", "client resets",
}

// weights are the relative frequencies of the operations. Only every 10th script fills
// buffers.
var weights = [...]int{
	opDial: 6, opAccept: 9, opWatch: 5, opUnwatch: 2, opCloseListener: 1,
	serverRead: 14, serverWrite: 14, serverFill: 0, serverDrain: 6, serverEnd: 4, serverClose: 3,
	clientRead: 14, clientWrite: 14, clientFill: 0, clientDrain: 6, clientEnd: 4, clientClose: 2, clientReset: 3,
}

const fillWeight = 16

// step is one operation, with its connection and a number of bytes or what to watch for.
type step struct {
	op   op
	conn uint8
	n    uint8
}

func (s step) String() string {
	return fmt.Sprintf("%s (connection %d, %d)", opNames[s.op], s.conn, s.n)
}

// script is a sequence of steps that is played on both operating systems.
type script struct {
	tcp   bool
	steps []step
}

func (s script) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "tcp: %v\n", s.tcp)
	for i, step := range s.steps {
		fmt.Fprintf(&b, "%3d %v\n", i, step)
	}
	return b.String()
}

// without returns the script without some steps.
func (s script) without(from, to int) script {
	steps := append([]step(nil), s.steps[:from]...)
	return script{tcp: s.tcp, steps: append(steps, s.steps[to:]...)}
}

// newScript draws a script. Steps that are impossible at their place, such as reading
// from a closed end, are skipped when it is played.
func newScript(seed, number uint64) script {
	r := rand.New(rand.NewPCG(seed, number))
	w := weights
	if number%20 < 2 {
		w[serverFill], w[clientFill] = fillWeight, fillWeight
		w[serverDrain], w[clientDrain] = fillWeight, fillWeight
		w[serverEnd], w[clientEnd] = fillWeight/2, fillWeight/2
	}
	total := 0
	for _, n := range w {
		total += n
	}
	s := script{tcp: number%2 == 0}
	if r.IntN(4) > 0 {
		s.steps = append(s.steps, step{op: opDial}, step{op: opAccept})
	}
	for range 8 + r.IntN(24) {
		n, o := r.IntN(total), op(0)
		for n >= w[o] {
			n -= w[o]
			o++
		}
		s.steps = append(s.steps, step{op: o, conn: uint8(min(r.IntN(maxLinks), r.IntN(maxLinks))), n: uint8(r.IntN(17))})
	}
	return s
}
