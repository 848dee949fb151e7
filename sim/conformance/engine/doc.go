// Package engine runs one conformance case once: it executes the steps of its script
// over connections of its own and compares the replies with what the script expects.
//
// It neither chooses cases nor starts servers, and uses no server code. Begin with
// [Run.Execute] and the tables in verbs.go; the package comment of sim/conformance/script
// explains the verbs.
//
// To check that a command is not answered, the engine does not wait for a timeout but
// sends a sentinel behind it: an inspection, whose reply must be the next. A slow server
// does not fail, as long as every reply comes within Subject.Timeout.
package engine
