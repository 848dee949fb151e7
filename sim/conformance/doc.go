// Package conformance tests any lockd server, in any language, against docs/protocol.md.
// The tests are black-box tests: they know the addresses of the server and nothing else,
// and import nothing of the server of this module. docs/conformance.md is the guide for
// users.
//
// To add a case, write it into the file of its chapter in cases; package script explains
// the language. A case that needs loops or goroutines is a Go function in scenario.
//
//	cases       the cases, one file for each chapter of docs/protocol.md
//	script      their language: what a case, a step and a need are
//	scenario    the cases that are Go functions
//	engine      runs one case once: the verbs of the language
//	client      the connections of a case
//	transcript  what was sent and received on them, to explain failures
//	process     the servers that the suite starts
//	report      the results, as text, HTML, JSON and JUnit XML
//	protocol    docs/protocol.md as data: clauses, levels, the words of replies
//
// This package is the suite: it detects the kind of the server (detect.go), chooses
// cases (choose.go, needs.go), runs them concurrently or alone (schedule.go), and finds
// the case that has crashed the server (blame.go). Begin with [Run].
//
// Cases use names and connections of their own, so that one failure does not cause
// another. Cases about figures or whole tables run alone, after the others.
package conformance
