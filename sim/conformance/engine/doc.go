// Package engine runs one conformance case once: it executes the steps of its script
// over connections of its own and compares what is answered with what the script says.
//
// It neither chooses cases nor starts servers, and knows no server from inside. Begin
// with [Run.Execute] and the tables in verbs.go; what the verbs mean is the package
// comment of sim/conformance/script.
//
// Silence is proved without waiting, by a sentinel: an inspection sent behind what must
// not be answered. A server that is slow is not failed, as long as every answer comes
// within Subject.Timeout.
package engine
