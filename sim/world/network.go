package world

// network is what lies between the clients of a world and the server that it
// judges. direct is a network around Core alone; sockets is one of a fake kernel,
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
	// hang ends the connection of such a one, in peace.
	hang(p *peer)
	// lives says whether the server has the connection of such a one.
	lives(p *peer) bool
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

// exchange is a round trip on a good network.
func (w *world) exchange(p *peer) {
	w.send(p)
	w.join(p)
	w.drain(p)
}

// maxUnderWay bounds what a client sends ahead of the network, in bytes.
const maxUnderWay = 4 << 10

func (w *world) send(p *peer) {
	if p.finished || p.underWay() >= maxUnderWay || p.seen != nil && len(p.seen.owed) >= maxOwed {
		return
	}
	from := len(p.uplink)
	w.write(p)
	if p.seen != nil {
		w.record.wrote(p.seen, p.uplink[from:])
	}
}

// underWay is the number of bytes that have not arrived yet.
func (p *peer) underWay() int { return len(p.uplink) - p.head }

// passed takes bytes that have arrived out of those under way.
func (p *peer) passed(n int) {
	p.head += n
	if p.underWay() == 0 && len(p.messages) == 0 {
		p.uplink, p.head = p.uplink[:0], 0
	}
}

func (w *world) join(p *peer) { w.net.deliver(p, p.underWay()) }

func (w *world) split(p *peer) {
	w.send(p)
	w.net.deliver(p, 1+w.random.below(p.underWay()+1)-1)
}

func (w *world) bytewise(p *peer) {
	w.send(p)
	w.hit(SplitAtEveryByte)
	for range min(p.underWay(), 256) {
		if !p.open || p.underWay() == 0 {
			return
		}
		w.net.deliver(p, 1)
	}
}

// tear sends half a line, which may never be completed.
func (w *world) tear(p *peer) {
	if !p.finished && !p.websocket {
		p.uplink = append(p.uplink, pick(&w.random, "g", "g n0", "sg n1", "r n0\r", "x y ", "\xff")...)
	}
}

func (w *world) drain(p *peer) { w.net.drain(p) }

// read lets a client of a recorded run read its replies.
func (w *world) read(s *seen) {
	if err := w.record.read(s); err != nil {
		w.judge.Failf("%w", err)
	}
}

// leaving notes that a client has begun to leave.
func (w *world) leaving(p *peer) {
	if p.seen != nil && p.seen.leaving == 0 {
		p.seen.leaving = w.record.now()
	}
}

func (w *world) halfClose(p *peer) {
	if p.websocket {
		return
	}
	w.leaving(p)
	w.hit(HalfClosed)
	p.finished = true
}

// vanish closes both sides: the server may read what is under way but cannot
// answer.
func (w *world) vanish(p *peer) {
	if p.underWay() > 0 {
		w.hit(EndBeforeReply)
	}
	w.leaving(p)
	p.finished, p.gone = true, true
}

// reset loses what is under way.
func (w *world) reset(p *peer) {
	w.hit(ResetByClient)
	w.leaving(p)
	p.lost = true
	w.net.reset(p)
}

func (w *world) drop(p *peer) { w.net.drop(p) }

// storm ends many connections at once and lets them come back.
func (w *world) storm(p *peer) {
	w.hit(ReconnectStorm)
	for range 1 + w.random.below(4) {
		for _, p := range w.peers {
			if p.open && w.random.below(4) > 0 {
				w.reset(p)
			}
		}
		for _, p := range w.peers {
			if !p.open {
				w.connect(p)
			}
		}
	}
}

// restart stops the server in the middle of it all.
func (w *world) restart(*peer) {
	w.hit(ServerRestart)
	w.net.stop()
	w.auditor = nil
	w.audit(nil)
}
