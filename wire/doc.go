// Package wire is the codec of the lockd protocol: it splits bytes into lines
// and lines into requests, and writes results as reply bytes, in both dialects.
// It holds the client's half too, which writes requests and reads replies.
//
// Nothing here knows who holds what, and nothing does I/O but the client's
// ReplyReader. Writers append to a buffer that the caller owns. No command and
// no reply costs an allocation, except where a buffer of the caller's has to
// grow or a line has to be put together from pieces.
//
// The clauses cited are those of docs/protocol.md.
package wire
