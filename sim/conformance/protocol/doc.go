// Package protocol is docs/protocol.md as data: its clauses with their levels, the two
// dialects, and the words in which each replies.
//
// It neither connects to servers nor reads files: the clauses are generated from the
// text, and a test fails when they are not current. Begin with [Clause].
package protocol
