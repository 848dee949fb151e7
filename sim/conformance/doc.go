// Package conformance judges any lockd server, in any language, by docs/protocol.md. It
// is a black box: it knows addresses and nothing else, and imports nothing of the server
// of this module. docs/conformance.md is its guide for users.
//
// To add a case, write it into the file of its chapter in cases; the language is
// explained in script. What needs loops or goroutines is a Go function in scenario.
//
//	cases       the cases, one file for each chapter of docs/protocol.md
//	script      their language: what a case, a step and a need are
//	scenario    the cases that are Go functions
//	engine      runs one case once: the verbs of the language
//	client      the connections of a case
//	transcript  what was said on them, for failures
//	process     the servers that the suite starts
//	report      what was found, and its forms
//	protocol    docs/protocol.md as data: clauses, levels, the words of replies
//
// This package is the suite: it finds out what kind of server it is (detect.go), chooses
// cases (choose.go, needs.go), runs them side by side or alone (schedule.go), and finds
// the case that has ended the server (blame.go). Begin with [Run].
//
// Cases use names of their own and connections of their own, so that one failure does
// not spoil another; those that look at figures or at whole tables run alone, after the
// others.
package conformance
