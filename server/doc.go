// Package server is the lockd server on real connections: listeners, the drivers
// that let connections live on them, limits, and shutdown.
//
// # Drivers
//
// What bytes answer what bytes is decided in lockd/server/core, what a connection
// does next in lockd/server/life, and lockd/server/hub serializes the first and
// hands outputs over. Two drivers do the rest. On Linux, TCP and unix connections
// are served by event loops (lockd/server/loop on lockd/server/epoll). WebSockets,
// and everything on other systems, have a goroutine each: session, which blocks in
// each step of its life. Its replies leave before it reads again, so a client
// that does not read stops its own goroutine and nobody else.
//
// # Limits
//
// What one connection can make the server hold: one unfinished line
// (core.Config.MaxLine), 16 KiB of input, 64 KiB of replies and the one reply that
// passed that mark. All of it together is bounded as well: see hub.Account.
//
// The clauses cited are those of docs/protocol.md.
package server
