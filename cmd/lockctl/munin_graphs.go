package main

import (
	"context"
	"errors"
	"strconv"
	"time"

	"lockd/client"
)

// field is a line of a graph.
type field struct {
	name, label, info string
}

// graph is a graph of munin.
type graph struct {
	name, title, unit, info string
	counts                  bool // counters since the start of the server, not figures of now
	fields                  []field
	// values returns the values of the fields; "U" is one that the server does not tell.
	values func(ctx context.Context, s *client.Session) ([]string, error)
}

// graphs are all graphs, each of which is a plugin.
var graphs = []graph{
	{
		name: "locks", title: "Locks", unit: "names", info: "How many names are locked.",
		fields: []field{
			{"exclusive", "exclusive", "names that are held exclusively"},
			{"shared", "shared", "names that have at least one shared holder"},
		},
		values: ofStats(func(s *client.Stats) []uint64 { return []uint64{s.Locks, s.SharedLocks} }),
	},
	{
		name: "connections", title: "Connections", unit: "connections", info: "How many connections clients have, without that of this plugin.",
		fields: []field{{"connections", "connections", "open connections"}},
		values: ofStats(func(s *client.Stats) []uint64 { return []uint64{s.Connections - min(s.Connections, 1)} }),
	},
	{
		name: "commands", title: "Commands", unit: "commands / ${graph_period}", info: "What clients ask the server to do.", counts: true,
		fields: []field{
			{"get", "get", "g: get an exclusive lock"},
			{"release", "release", "r: release it"},
			{"inspect", "inspect", "i: ask whether it is held"},
			{"get_shared", "get shared", "sg: get a shared lock"},
			{"release_shared", "release shared", "sr: release it"},
			{"inspect_shared", "inspect shared", "si: ask how many hold it"},
			{"lists", "lists and statistics", "d, sd, dump and q"},
			{"invalid", "invalid", "lines that are no command"},
		},
		values: ofStats(func(s *client.Stats) []uint64 {
			c := s.Commands
			return []uint64{c["g"], c["r"], c["i"], c["sg"], c["sr"], c["si"], c["d"] + c["sd"] + c["dump"] + c["q"], s.Invalid}
		}),
	},
	{
		name: "orphans", title: "Orphans", unit: "locks / ${graph_period}", info: "Locks that ended with the connection of their holder, and not by a release.", counts: true,
		fields: []field{
			{"exclusive", "exclusive", "exclusive locks"},
			{"shared", "shared", "shared locks, each holder counted"},
		},
		values: ofStats(func(s *client.Stats) []uint64 { return []uint64{s.Orphans, s.SharedOrphans} }),
	},
	{
		name: "waiters", title: "Waiters", unit: "connections", info: "How many connections wait in line for a lock.",
		fields: []field{
			{"exclusive", "exclusive", "that wait for an exclusive lock"},
			{"shared", "shared", "that wait for a shared lock"},
		},
		values: waiterValues,
	},
	{
		name: "ages", title: "Longest hold and wait", unit: "seconds", info: "For how long the oldest lock is held, and for how long somebody waits.",
		fields: []field{
			{"hold", "longest hold", "the age of the oldest lock"},
			{"wait", "longest wait", "of whoever waits for the longest time"},
		},
		values: ageValues,
	},
}

// unknownValue is what munin takes for a value that is not known.
const unknownValue = "U"

// ofStats returns the function of a graph whose values are in the statistics.
func ofStats(values func(*client.Stats) []uint64) func(context.Context, *client.Session) ([]string, error) {
	return func(ctx context.Context, s *client.Session) ([]string, error) {
		stats, err := s.Stats(ctx)
		if err != nil {
			return nil, err
		}
		var all []string
		for _, n := range values(stats) {
			all = append(all, strconv.FormatUint(n, 10))
		}
		return all, nil
	}
}

// waitersIfAny returns who waits; known is false if the server lets nobody wait or does not
// show it.
func waitersIfAny(ctx context.Context, s *client.Session) (all []client.Waiter, known bool, err error) {
	all, err = s.Waiters(ctx, "")
	if errors.Is(err, client.ErrUnsupported) || errors.Is(err, client.ErrDisabled) {
		return nil, false, nil
	}
	return all, err == nil, err
}

func waiterValues(ctx context.Context, s *client.Session) ([]string, error) {
	all, known, err := waitersIfAny(ctx, s)
	if err != nil || !known {
		return []string{unknownValue, unknownValue}, err
	}
	exclusive := 0
	for _, w := range all {
		if !w.Shared {
			exclusive++
		}
	}
	return []string{strconv.Itoa(exclusive), strconv.Itoa(len(all) - exclusive)}, nil
}

func ageValues(ctx context.Context, s *client.Session) ([]string, error) {
	values := []string{unknownValue, unknownValue}
	seconds := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }
	waiters, known, err := waitersIfAny(ctx, s)
	if err != nil || !known {
		return values, err
	}
	longest := time.Duration(0)
	for _, w := range waiters {
		longest = max(longest, w.Waited)
	}
	values[1] = seconds(longest)
	holders, err := s.Holders(ctx, "")
	if err != nil {
		return values, err
	}
	longest = 0
	for _, h := range holders {
		longest = max(longest, h.Held)
	}
	values[0] = seconds(longest)
	return values, nil
}
