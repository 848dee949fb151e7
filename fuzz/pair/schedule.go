package pair

import (
	"lockd/server/core"
	"lockd/wire"
)

// A schedule is what several connections do, coded in bytes, so that a fuzzer
// can vary it and a person can read it: these bytes are steps, and all others are
// sent by the connection that was selected last; a step ends the packet before
// it.
const (
	SelectFirst = 0xF0 // to SelectLast: select a connection, and open it if it is not
	SelectLast  = 0xF3
	CloseConn   = 0xF4 // close the selected connection
	EndMessage  = 0xF5 // end a WebSocket message
	EndPacket   = 0xF6
)

// Step is one step of a schedule: Data is sent if it is not empty, else What is
// done.
type Step struct {
	Data []byte
	What byte
}

// Steps calls do for each step of a schedule until do returns false.
func Steps(schedule []byte, do func(Step) bool) {
	for len(schedule) > 0 {
		n := 0
		for n < len(schedule) && (schedule[n] < SelectFirst || schedule[n] > EndPacket) {
			n++
		}
		step := Step{Data: schedule[:n]}
		if n == 0 {
			n, step = 1, Step{What: schedule[0]}
		}
		if !do(step) {
			return
		}
		schedule = schedule[n:]
	}
}

// The bits of the byte that draws the configuration.
const (
	BitClassic = 1 << iota
	BitBare    // without dumps and registry
	BitAnswerInvalid
	BitShortLines
	BitFewLocks
	BitFewConnections
	BitLate // no dump is made at once, and no end is cleared at once
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
		c.MaxLocks = 3
	}
	if draw&BitLate != 0 {
		c.SmallDump, c.EndPiece = -1, 1
	}
	if draw&BitFewConnections != 0 {
		c.MaxConnections = 2
	}
	return c
}

// Play plays a schedule in the configuration that draw draws. Connection 0 is
// open from the start; in the end everything is closed.
func Play(draw byte, schedule []byte) (*Pair, error) {
	p := New(Config(draw))
	selected, highest := 0, 0
	err := p.Open(0)
	Steps(schedule, func(s Step) bool {
		switch {
		case err != nil:
		case len(s.Data) > 0:
			_, err = p.Send(selected, s.Data)
		case s.What == CloseConn:
			err = p.Close(selected)
		case s.What == EndMessage:
			err = p.EndMessage(selected)
		case s.What <= SelectLast:
			selected = int(s.What - SelectFirst)
			highest = max(highest, selected)
			if !p.IsOpen(selected) {
				err = p.Open(selected)
			}
		}
		return err == nil
	})
	if err == nil {
		err = p.Finish(highest)
	}
	return p, err
}
