// Package client is the client of lockd servers: of this project's daemon, and, as far as
// they can do it, of the others that speak its protocol.
//
//	c, err := client.Dial(ctx, "127.0.0.1:9999")
//	lock, err := c.Acquire(ctx, "nightly report") // waits in line
//	defer lock.Release(ctx)
//
// # The connection is the lease
//
// Each [Lock] has a connection of its own. While it lives the lock is held, without
// heartbeats or renewals, and without a limit of time. When it ends (the process ends, the
// server ends, the network breaks, an administrator kills it) the lock is gone and another
// may have it. [Lock.Context] ends then; there is no reconnect. A holder must stop what it
// does under the lock:
//
//	err := c.Do(ctx, "nightly report", func(ctx context.Context) error {
//		return report(ctx) // ctx ends when the lock is lost
//	})
//
// The loss is noticed when the system notices it: at once if the server ends or resets
// the connection, and within [WithKeepAlive] if its machine vanishes. A process that was
// stopped, or whose machine was asleep, notices it when it runs again. Where two at once
// would do damage, let the storage check [Lock.Token].
//
// # TLS
//
// [WithTLS], or an address tls://HOST:PORT, makes all connections over TCP use TLS. They
// remain leases: a lock is held until its TCP connection ends, or the stream of TLS in it.
//
// # What is where
//
// Begin with [Dial], [Client.Acquire] and [Client.Do]. [Client.TryAcquire] does not wait;
// [Client.AcquireShared] is a semaphore, [Client.AcquireRead] and [Client.AcquireWrite] are
// readers and a writer, [Client.AcquireAll] acquires several names. [Client.Lead] elects a
// leader, [Client.Locker] is a sync.Locker. A [Session] is one connection for many cheap
// commands, for statistics and for lists. A [Ring] spreads names over several servers.
//
// Errors are compared by errors.Is with [ErrHeld], [ErrTimeout], [ErrLost] and the others.
//
// # Names
//
// A name is any bytes but LF. The server takes white space (space, TAB, VT, FF, CR) off
// both ends and makes one space of each run of it; a name that this would change is
// refused with [ErrName], since it would be the same lock as another, unless
// [WithNormalizedNames] is given. The empty name is a name.
//
// # Old servers
//
// A server without the extended level (see docs/protocol.md) does not let clients wait:
// there Acquire polls, and tokens, bounds, waiters and kills are missing, which is
// [ErrUnsupported]. [Dial] finds out what the server can do.
package client
