// Package schedule encodes in bytes what several connections do, so that a fuzzer can
// vary it and a person can read it. The bytes from SelectFirst to StepLast are steps;
// the connection that was selected last sends all others. A step ends the packet before
// it. A separate byte draws the configuration of the server.
//
// The encoding must not change, since the corpora of package fuzz depend on it. Begin
// with [Steps], which decodes a schedule; [Play] plays one against a sim/judge. The
// package itself uses no server and no connections.
package schedule

import (
	"iter"

	"lockd/server/core"
	"lockd/sim/judge"
	"lockd/wire"
)

// The bytes that are steps.
const (
	SelectFirst = 0xF0 // to SelectLast: select a connection, and open it if it is not
	SelectLast  = 0xF3
	CloseConn   = 0xF4 // close the selected connection
	EndMessage  = 0xF5 // end a WebSocket message
	EndPacket   = 0xF6
	EndStream   = 0xF7 // the selected connection ends its stream while it waits
	PassTime    = 0xF8 // ten milliseconds pass
	StepLast    = PassTime
)

// Step is one step of a schedule: Data is sent if it is not empty, else What is done.
type Step struct {
	Data []byte
	What byte
}

// Steps iterates over the steps of a schedule.
func Steps(coded []byte) iter.Seq[Step] {
	return func(yield func(Step) bool) {
		for len(coded) > 0 {
			n := 0
			for n < len(coded) && (coded[n] < SelectFirst || coded[n] > StepLast) {
				n++
			}
			step := Step{Data: coded[:n]}
			if n == 0 {
				n, step = 1, Step{What: coded[0]}
			}
			if !yield(step) {
				return
			}
			coded = coded[n:]
		}
	}
}

// The bits of the byte that draws a configuration.
const (
	BitClassic = 1 << iota
	BitBare    // without dumps and registry
	BitAnswerInvalid
	BitShortLines
	BitFewLocks
	BitFewConnections
	BitLate // no dump is made at once, and the end of a connection is cleared in many pieces
	BitKill // k works, and few waiters are answered in a step
)

// Config returns the configuration that a byte draws.
func Config(draw byte) core.Config {
	c := core.Config{
		Registry:      draw&BitBare == 0,
		Dump:          draw&BitBare == 0,
		AnswerInvalid: draw&BitAnswerInvalid != 0,
		PID:           4242,
	}
	if draw&BitClassic != 0 {
		c.Dialect = wire.Classic
	}
	if draw&BitShortLines != 0 {
		c.MaxLine = 12
	}
	if draw&BitFewLocks != 0 {
		c.MaxLocks, c.MaxPerConn, c.MaxNameBytes = 3, 2, 12
	}
	if draw&BitLate != 0 {
		c.SmallDump, c.EndPiece = -1, 1
	}
	if draw&BitKill != 0 {
		c.Kill, c.ServePiece = true, 2
	}
	if draw&BitFewConnections != 0 {
		c.MaxConnections = 2
	}
	return c
}

// Play plays a schedule against a sim/judge with the configuration that draw draws, up
// to the first failure, and reports whether any command was granted. Connection 0 is open
// from the start; at the end all connections are closed.
func Play(draw byte, coded []byte) (granted bool, err error) {
	j := judge.New(Config(draw))
	selected := 0
	j.Open(selected, judge.Addr(selected))
	for s := range Steps(coded) {
		switch {
		case len(s.Data) > 0:
			j.Send(selected, s.Data)
		case s.What == CloseConn:
			j.CloseNow(selected)
		case s.What == EndMessage:
			j.EndMessageNow(selected)
		case s.What == EndStream:
			j.Finish(selected)
		case s.What == PassTime:
			j.Pass(10 * core.Millisecond)
		case s.What <= SelectLast:
			selected = int(s.What - SelectFirst)
			if !j.IsOpen(selected) {
				j.Open(selected, judge.Addr(selected))
			}
		}
		if j.Valid(); j.Err() != nil {
			return j.Granted(), j.Err()
		}
	}
	j.CloseAll()
	return j.Granted(), j.Err()
}
