// Package load is the load generator of lockcheck bench: it sends commands to a server on
// many connections, from one thread, and measures rates and latencies. It speaks the
// protocol of lockd, and for comparison those of memcached, Redis and dflockd, and plain
// echo.
//
// A generator must cost less than what it measures. So requests are made before the start
// where that is possible, replies are counted and not understood, and one event loop does
// raw system calls, as the daemon's does. It judges no locking beyond yes and no: the
// packages of sim do. It needs Linux.
//
// Begin with [Options] and [Run]. protocol.go is what the servers understand, work.go what
// is sent, client.go one connection, run.go the loop, and result.go what is measured.
package load
