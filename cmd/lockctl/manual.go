package main

import (
	"strconv"

	"lockd/client"
	"lockd/cmd/internal/buildinfo"
	"lockd/cmd/internal/man"
)

// manual returns the manual page, which lockctl man prints for packages.
func manual() man.Page {
	root := commands(new(help))
	code := strconv.Itoa
	version, _ := buildinfo.Version()
	return man.Page{
		Name: root.Name, Section: 1, Version: version, Date: buildinfo.Time(),
		Short: root.ShortHelp, Usage: []string{root.ShortUsage}, Text: root.LongHelp,
		Flags: root.FlagSet, Commands: root.Subcommands,
		Sections: []man.Section{
			{Title: "Exit status", Items: []man.Item{
				{Term: code(exitYes), Text: "It was done, or the answer is yes."},
				{Term: code(exitNo), Text: "The answer is no: not held, nobody waits, no such connection."},
				{Term: code(exitUsage), Text: "Wrong usage."},
				{Term: code(exitUnreachable), Text: "There is no server, or none that can do this."},
				{Term: code(exitIO), Text: "What was to be printed could not be written."},
				{Term: code(exitNotGot), Text: "The lock was not got, of run."},
				{Term: code(exitLost), Text: "The lock was lost."},
				{Term: code(exitCannotRun) + ", " + code(exitNotFound), Text: "The command of run cannot be run, or was not found."},
				{Term: code(exitSignal) + " + N", Text: "Signal N has ended lockctl or the command of run."},
			}, Text: "That of run is that of its command, if that was run."},
			{Title: "Environment", Items: []man.Item{
				{Term: "LOCKD_ADDR", Text: "The server: HOST:PORT or unix:PATH; " + client.DefaultAddr + " if it is not set. The command of run gets it, too."},
				{Term: "LOCKD_LOCK", Text: "Of the command of run: the names that are held, one a line."},
				{Term: "LOCKD_TOKEN", Text: "Of the command of run: the fencing token of the lock."},
			}},
		},
		SeeAlso: []string{"lockd(8)", "flock(1)"},
	}
}
