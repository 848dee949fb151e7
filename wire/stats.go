package wire

import "strconv"

// Figures are the statistics of a server (STATS-1 to STATS-8, CLASSIC-4).
type Figures struct {
	PID           int                 // process id; shown by the classic dialect only
	Commands      [NumCommands]uint64 // executed since the start; Unknown counts invalid ones
	Connections   int                 // live
	Locks         int                 // names held exclusively
	SharedLocks   int                 // names with a shared holder
	Orphans       uint64              // exclusive locks released by the end of a connection
	SharedOrphans uint64              // shared holdings released by the end of a connection
}

// commandKeys is the order in which the glockd dialect shows the commands: sorted by
// key.
var commandKeys = [...]Command{
	Holders, Dump, Get, Inspect, Iam, Me, Stats, Release,
	SharedHolders, GetShared, InspectShared, ReleaseShared, Who,
}

// AppendStats appends the reply to q.
func (d Dialect) AppendStats(dst []byte, f *Figures) []byte {
	if d == Classic {
		return appendClassicStats(dst, f)
	}
	for _, command := range commandKeys {
		shownOnceUsed := command == Iam || command == Me || command == Who
		if shownOnceUsed && f.Commands[command] == 0 {
			continue
		}
		dst = append(dst, "command_"...)
		dst = appendFigure(dst, command.String(), f.Commands[command])
	}
	dst = appendFigure(dst, "connections", uint64(f.Connections))
	dst = appendFigure(dst, "invalid_commands", f.Commands[Unknown])
	dst = appendFigure(dst, "locks", uint64(f.Locks))
	dst = appendFigure(dst, "orphans", f.Orphans)
	dst = appendFigure(dst, "shared_locks", uint64(f.SharedLocks))
	return appendFigure(dst, "shared_orphans", f.SharedOrphans)
}

// AppendFullStats appends the reply to q full (STATS-9, CLASSIC-5). In the
// glockd dialect it shows the tables only if dump, the feature, is on.
func (d Dialect) AppendFullStats(dst []byte, f *Figures, dump bool, exclusive, shared Table) []byte {
	dst = d.AppendStats(dst, f)
	switch {
	case d == Classic:
		return appendTables(dst, exclusive, shared)
	case !dump:
		return d.AppendDisabled(d.AppendDisabled(dst))
	}
	return d.AppendDumpShared(d.AppendDump(dst, exclusive), shared)
}

func appendFigure(dst []byte, key string, value uint64) []byte {
	dst = append(dst, key...)
	dst = append(dst, ": "...)
	dst = strconv.AppendUint(dst, value, 10)
	return append(dst, '\n')
}

// classicKeys is the order in which the classic dialect shows the commands.
var classicKeys = [...]Command{Get, Release, Inspect, GetShared, ReleaseShared, InspectShared, Stats}

func appendClassicStats(dst []byte, f *Figures) []byte {
	dst = append(dst, "Array\r\n(\r\n"...)
	dst = appendClassicFigure(dst, "pid", uint64(f.PID))
	dst = appendClassicFigure(dst, "conns", uint64(f.Connections))
	dst = appendClassicFigure(dst, "locks", uint64(f.Locks)+uint64(f.SharedLocks))
	dst = appendClassicFigure(dst, "orphans", f.Orphans+f.SharedOrphans)
	var commands uint64
	for _, command := range classicKeys {
		commands += f.Commands[command]
	}
	dst = appendClassicFigure(dst, "commands", commands)
	for _, command := range classicKeys {
		dst = append(dst, "    [command_"...)
		dst = append(dst, command.String()...)
		dst = appendClassicValue(dst, f.Commands[command])
	}
	return append(dst, ")\r\n"...)
}

func appendClassicFigure(dst []byte, key string, value uint64) []byte {
	dst = append(dst, "    ["...)
	dst = append(dst, key...)
	return appendClassicValue(dst, value)
}

func appendClassicValue(dst []byte, value uint64) []byte {
	dst = append(dst, "] => "...)
	dst = strconv.AppendUint(dst, value, 10)
	return append(dst, "\r\n"...)
}
