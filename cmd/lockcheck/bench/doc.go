// Package bench measures servers side by side, and reports the figures as a text, as JSON
// and as a page with plots.
//
// It makes no load itself: package load does, and this package starts the servers, pins
// them to one processor and the generator to another, plays the rounds in turn, and reads
// what the kernel says of time and memory. It judges nothing. Begin with [Compare].
// server.go has the servers, memory.go what they keep, and report.go what comes out.
package bench
