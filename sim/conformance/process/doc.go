// Package process runs the servers that the conformance suite starts: commands in any
// language, of which nothing is known but where they listen. It never connects to them.
// Begin with [Start].
package process
