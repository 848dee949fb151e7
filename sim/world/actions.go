package world

// exchange is a round trip without faults.
func (w *world) exchange(p *client) {
	w.send(p)
	w.join(p)
	w.drain(p)
}

// maxUnderWay bounds what a client sends ahead of the network, in bytes.
const maxUnderWay = 4 << 10

func (w *world) send(p *client) {
	if p.finished || p.underWay() >= maxUnderWay || p.record != nil && len(p.record.owed) >= maxOwed {
		return
	}
	from := len(p.uplink)
	w.write(p)
	if p.record != nil {
		w.record.wrote(p.record, p.uplink[from:])
	}
}

// underWay is the number of bytes that have not arrived yet.
func (p *client) underWay() int { return len(p.uplink) - p.head }

// passed removes bytes that have arrived from those under way.
func (p *client) passed(n int) {
	p.head += n
	if p.underWay() == 0 && len(p.messages) == 0 {
		p.uplink, p.head = p.uplink[:0], 0
	}
}

func (w *world) join(p *client) { w.net.deliver(p, p.underWay()) }

func (w *world) split(p *client) {
	w.send(p)
	w.net.deliver(p, 1+w.random.below(p.underWay()+1)-1)
}

func (w *world) bytewise(p *client) {
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
func (w *world) tear(p *client) {
	if !p.finished && !p.websocket {
		p.uplink = append(p.uplink, pick(&w.random, "g", "g n0", "sg n1", "r n0\r", "x y ", "\xff")...)
	}
}

func (w *world) drain(p *client) { w.net.drain(p) }

// read makes a client of a recorded run read its replies.
func (w *world) read(s *clientRecord) {
	if err := w.record.read(s); err != nil {
		w.judge.Failf("%w", err)
	}
}

// leaving notes that a client has begun to leave.
func (w *world) leaving(p *client) {
	if p.record != nil && p.record.leaving == 0 {
		p.record.leaving = w.record.now()
	}
}

func (w *world) halfClose(p *client) {
	if p.websocket {
		return
	}
	w.leaving(p)
	w.hit(HalfClosed)
	p.finished = true
}

// vanish closes both sides: the server may read what is under way but cannot
// answer.
func (w *world) vanish(p *client) {
	if p.underWay() > 0 {
		w.hit(EndBeforeReply)
	}
	w.leaving(p)
	p.finished, p.gone = true, true
}

// reset loses what is under way.
func (w *world) reset(p *client) {
	w.hit(ResetByClient)
	w.leaving(p)
	p.lost = true
	w.net.reset(p)
}

func (w *world) drop(p *client) { w.net.drop(p) }

// storm resets many connections at once and opens new ones.
func (w *world) storm(p *client) {
	w.hit(ReconnectStorm)
	for range 1 + w.random.below(4) {
		for _, p := range w.clients {
			if p.open && w.random.below(4) > 0 {
				w.reset(p)
			}
		}
		for _, p := range w.clients {
			if !p.open {
				w.connect(p)
			}
		}
	}
}

// restart stops the server in the middle of the run and starts another.
func (w *world) restart(*client) {
	w.hit(ServerRestart)
	w.net.stop()
	w.auditor = nil
	w.audit(nil)
}
