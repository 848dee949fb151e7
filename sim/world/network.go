package world

// network is what lies between the clients of a world and the server that it
// judges. coreNetwork delivers to Core alone; kernelNetwork is the network of a fake
// kernel, with the production event loops on it.
type network interface {
	// connect opens a new connection in the place of a client.
	connect(p *client)
	// deliver delivers the first n bytes under way on a connection to the server,
	// and the end of the stream when nothing is left.
	deliver(p *client, n int)
	// drain makes a client read some of its replies.
	drain(p *client)
	// reset discards what is under way, and the connection.
	reset(p *client)
	// drop makes the server end a connection by itself, as after a time-out.
	drop(p *client)
	// ask sends a line when nothing else happens, and returns the reply.
	ask(p *client, line string) string
	// dial connects a peer that is not one of the clients; false if the server
	// refuses it.
	dial(p *client) bool
	// hangUp ends the connection of such a peer gracefully.
	hangUp(p *client)
	// has reports whether the server has the connection of such a peer.
	has(p *client) bool
	// living returns the addresses of all connections that the server has, as it
	// shows them.
	living() []string
	// dumps begins or completes large replies, sometimes.
	dumps()
	// rest advances time until any dump could be made at once.
	rest()
	// pause may wait until nothing happens any more, and checks invariants.
	pause()
	// stop stops the server gracefully, and starts another (END-8).
	stop()
	// finish ends all connections, after the end of all faults.
	finish()
}
