// Package process runs the servers that the conformance suite starts. A server is a shell
// command, of which only the endpoints are known. The package never connects to it, and
// keeps the end of its output for reports. Begin with [Command] and [Instance].
package process
