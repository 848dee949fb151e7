package main

import (
	"strconv"

	"lockd/cmd/internal/buildinfo"
	"lockd/cmd/internal/man"
)

// manual returns the manual page, which lockcheck man prints for packages.
func manual() man.Page {
	root := commands()
	code := strconv.Itoa
	version, _ := buildinfo.Version()
	return man.Page{
		Name: root.Name, Section: 1, Version: version, Date: buildinfo.Time(),
		Short: root.ShortHelp, Usage: []string{root.ShortUsage},
		Text: `lockcheck simulates lockd, and tests any other lock server of its family from outside:
conform, soak, bench and attack need no more than its address. fuzz and mutants need the
source of lockd, and Go.`,
		Flags: root.FlagSet, Commands: root.Subcommands,
		Sections: []man.Section{
			{Title: "Exit status", Items: []man.Item{
				{Term: code(exitClean), Text: "Nothing was found."},
				{Term: code(exitViolation), Text: "The server broke the protocol, or a bound."},
				{Term: code(exitUsage), Text: "Wrong usage."},
				{Term: code(exitBroken), Text: "The check could not run or finish."},
				{Term: code(exitInterrupted), Text: "It was interrupted; nothing was found until then."},
			}},
		},
		SeeAlso: []string{"lockd(8)", "lockctl(1)"},
	}
}
