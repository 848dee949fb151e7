// Package judge runs a core.Core beside the naive model of sim/model and compares
// all that the two do: the bytes of every reply, the locks that the end of each
// connection orphans, the numbers of connections, which connections are refused or
// dismissed, when large replies are made and what they show. It also checks what Core
// promises its callers (it neither changes nor keeps its input, it answers only the
// connection that sent the input, it leaves input only after a full batch of replies)
// and, on request, Core's invariants. sim/world and the targets of fuzz are built on it.
//
// A Judge decides nothing: its caller decides what happens, and when. It has no
// randomness and no clock, delivers no bytes, and records no trace.
//
// Begin with Judge and its Receive. Send, in send.go, is for callers that need to see
// neither batches nor waiting; dumps.go judges the replies that come later.
package judge
