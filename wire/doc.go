// Package wire is the codec of the lockd protocol: it splits bytes into lines,
// parses lines into requests, and encodes results as replies, in both dialects.
// It also has the client's side, which writes requests and reads replies.
//
// The package has no lock state, and only the client's ReplyReader does I/O.
// Writers append to a buffer that the caller owns. Commands and replies cost no
// allocation, unless the caller's buffer has to grow or a line arrives in pieces.
//
// Begin with splitter.go and request.go for what arrives, and reply.go for what is sent.
// The clauses cited are those of docs/protocol.md.
package wire
