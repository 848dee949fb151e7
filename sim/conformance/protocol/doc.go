// Package protocol is docs/protocol.md as data: its clauses with their levels, the two
// dialects, and the words of their replies.
//
// It neither connects to servers nor reads files: the clauses are generated from the
// document, and a test fails if they are not current. Begin with [Clause].
package protocol
