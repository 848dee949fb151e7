package world

// network is what lies between the clients of a world and the server that it
// judges. coreNetwork is around Core alone; kernelNetwork is one of a fake kernel,
// with the production event loops on it.
type network interface {
	// connect opens a new connection in the place of a client.
	connect(p *peer)
	// deliver lets the first n bytes under way on a connection arrive at the
	// server, and the end of the stream when nothing is left.
	deliver(p *peer, n int)
	// drain lets a client read some of its replies.
	drain(p *peer)
	// reset loses what is under way, and the connection.
	reset(p *peer)
	// drop lets the server end a connection by itself, as after a time-out.
	drop(p *peer)
	// ask sends a line when nothing else happens, and returns the reply.
	ask(p *peer, line string) string
	// dial connects somebody who is not one of the clients; false if the server
	// refuses that.
	dial(p *peer) bool
	// hangUp ends the connection of such a one, gracefully.
	hangUp(p *peer)
	// has says whether the server has the connection of such a one.
	has(p *peer) bool
	// living returns the addresses of all connections that the server has, as it
	// shows them.
	living() []string
	// dumps lets large replies be made, sometimes.
	dumps()
	// rest lets nothing happen until any dump could be made at once.
	rest()
	// pause lets what happens by itself happen, and looks at invariants.
	pause()
	// stop stops the server as a good one does, and starts another (END-8).
	stop()
	// finish lets everybody leave, after the end of all faults.
	finish()
}
