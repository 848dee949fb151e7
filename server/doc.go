// Package server is the lockd server on real connections: listeners, the drivers
// that serve connections, limits, and shutdown.
//
// # Drivers
//
// Package lockd/server/core computes the replies, lockd/server/life decides what a
// connection does next, and lockd/server/hub serializes the calls of Core and
// distributes its outputs. Two drivers do the rest. On Linux, event loops serve TCP
// and unix connections (lockd/server/loop on lockd/server/epoll). Each WebSocket, and
// each connection on other systems, has a goroutine: session, which blocks in each
// step of its life. It sends all replies before it reads again, so a client that does
// not read stops only its own goroutine.
//
// # Limits
//
// The server holds for one connection at most one unfinished line
// (core.Config.MaxLine), 16 KiB of input, 64 KiB of replies and the one reply that
// exceeded that mark. hub.Account bounds the sum over all connections.
//
// The package decides neither which bytes answer which bytes nor when a connection ends.
// Begin with [Server]: serve.go and loops.go start connections, session.go is the driver
// with goroutines. The clauses cited are those of docs/protocol.md.
package server
