package fuzz

import (
	"strconv"
	"testing"

	"lockd/fuzz/schedule"
	"lockd/sim/kernel"
	"lockd/sim/world"
)

// FuzzLoop plays a schedule against the production event loops on the fake kernel, with
// the oracles of sim/world. Each connection is dialled when it is selected, and its
// bytes arrive in the pieces of the schedule. All other events (turns with and without
// faults, reading, time that passes, ends of all kinds) follow from the steps and their
// positions.
func FuzzLoop(f *testing.F) {
	for _, seed := range coreSeeds {
		f.Add([]byte(seed))
	}
	f.Add([]byte("0\xf0g a\n\xf6\xf6\xf1g a\n\xf6\xf5\xf4\xf0i a\nq\nq\nq\nq\nq\nq\nq\nq\n\xf6\xf6\xf6\xf5\xf5\xf4\xf4"))
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) == 0 {
			return
		}
		o, events := kernelEvents(input[0], input[1:])
		granted, err := world.Play(o, events)
		if err != nil {
			t.Fatalf("%v in %+v: %v", events, o, err)
		}
		reached(f, granted)
	})
}

// kernelEvents turns a schedule into options and events for world.Play.
func kernelEvents(draw byte, coded []byte) (world.Options, []world.Event) {
	config := schedule.Config(draw)
	o := world.Options{
		Classic: draw&schedule.BitClassic != 0, Registry: config.Registry, Dump: config.Dump,
		AnswerInvalid: config.AnswerInvalid, MaxLine: config.MaxLine, MaxLocks: config.MaxLocks,
		MaxConnections: config.MaxConnections, Kill: config.Kill, ServePiece: config.ServePiece,
		Loops: 1 + int(draw>>6), Window: 300, Receive: 64,
		IdleTimeout: 3000, WriteTimeout: 2000, Rates: kernel.Uniform(20), Patience: 3,
	}
	var events []world.Event
	add := func(kind world.Kind, conn int, data string) {
		events = append(events, world.Event{Kind: kind, Conn: conn, Data: data})
	}
	label, labels := 0, 0 // label of the selected place, and the next one; no label is used twice
	places := map[byte]int{}
	step := 0
	dial := func(place byte) {
		if _, there := places[place]; !there {
			places[place] = labels
			addr := "10.0.0." + strconv.Itoa(int(place-schedule.SelectFirst)) + ":" + strconv.Itoa(labels)
			if place == schedule.SelectLast {
				addr = "unix"
			}
			add(world.Dial, labels, addr)
			labels++
		}
		label = places[place]
	}
	selected := byte(schedule.SelectFirst)
	dial(selected)
	for s := range schedule.Steps(coded) {
		step++
		switch {
		case len(s.Data) > 0:
			add(world.Arrive, label, string(s.Data))
		case s.What <= schedule.SelectLast:
			selected = s.What
			dial(selected)
		case s.What == schedule.CloseConn:
			add([]world.Kind{world.FinishStream, world.Leave, world.Reset}[step%3], label, "")
			delete(places, selected)
		case s.What == schedule.EndMessage:
			add(world.Drain, label, "200")
			if step%5 == 0 {
				add(world.Advance, 0, "1100000000")
			}
		case s.What == schedule.EndStream:
			add(world.FinishStream, label, "")
		case s.What == schedule.PassTime:
			add(world.Advance, 0, "10000000")
		case s.What == schedule.EndPacket:
			seed := ""
			if step%2 == 0 {
				seed = strconv.Itoa(step)
			}
			add(world.Turn, step, seed)
		}
		if step == 300 {
			break
		}
	}
	if len(coded)%4 == 0 {
		add(world.Stop, 0, "")
		add(world.Turn, 0, "1")
		add(world.Restart, 0, "")
	}
	return o, events
}
