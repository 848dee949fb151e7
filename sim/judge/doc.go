// Package judge runs a core.Core beside the naive model of sim/model and compares
// all that the two do: the bytes of every reply, what each end of a connection
// orphans, the numbers of connections, who is refused or dismissed, when large
// replies are made and what they show. It also checks what Core promises its
// callers (input is neither changed nor kept, nobody is answered but who spoke,
// input is left only behind a full batch of replies) and, when told to, Core's
// invariants. The worlds of sim/world and the targets of fuzz are built on it.
//
// A Judge decides nothing: what happens, and when, is up to its caller. It has no
// randomness and no clock, delivers no bytes, and keeps no trace of what happened.
//
// Begin with Judge and its Receive. Send, in send.go, is for callers to whom
// neither batches nor waiting matter; dumps.go judges the replies that come later.
package judge
