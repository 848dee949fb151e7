package world

import "bytes"

// deliver lets the first n bytes under way on a connection arrive at the
// server, and the end of the stream when nothing is left.
func (w *world) deliver(p *peer, n int) {
	if p.unread > w.options.Window { // the server is stuck in its write
		w.hit(SlowReader)
		if p.gone {
			w.hit(FailedWrite)
			w.end(p)
		}
		return
	}
	if n == 0 && p.finished && len(p.messages) == 0 {
		if p.torn {
			w.hit(TornLastLine)
		}
		w.end(p)
		return
	}
	if len(p.messages) > 0 {
		n = min(n, p.messages[0]-p.head)
	}
	if n > 0 {
		w.arrive(p, n)
	}
	if len(p.messages) > 0 && p.messages[0] == p.head && p.open {
		p.messages = append(p.messages[:0], p.messages[1:]...)
		w.hit(WebSocketMessage)
		p.torn = false
		w.reply(p, w.judge.endMessage(p.label))
	}
}

// underWay is the number of bytes that have not arrived yet.
func (p *peer) underWay() int { return len(p.uplink) - p.head }

func (w *world) arrive(p *peer, n int) {
	data := p.uplink[p.head : p.head+n]
	consumed, replies := w.judge.receive(p.label, data)
	w.result.Bytes += int64(consumed)
	if consumed < n {
		w.hit(OutputBatch)
	}
	if n > 1 {
		if bytes.Count(data[:consumed], newline) > 1 {
			w.hit(ManyCommandsInOnePacket)
		}
	}
	if consumed > 0 {
		p.torn = data[consumed-1] != '\n'
	}
	p.head += consumed
	if p.underWay() == 0 && len(p.messages) == 0 {
		p.uplink, p.head = p.uplink[:0], 0
	}
	w.reply(p, replies)
}

var (
	newline      = []byte{'\n'}
	limitReached = []byte("0 Lock Limit Reached: ")
)

// reply lets the server write to the client. It fails once the client is gone,
// and then the server gives the connection up.
func (w *world) reply(p *peer, replies []byte) {
	if len(replies) == 0 {
		return
	}
	p.unread += len(replies)
	if w.options.MaxLocks > 0 && bytes.Contains(replies, limitReached) {
		w.hit(LockLimit)
	}
	if p.seen != nil {
		p.seen.replies = append(p.seen.replies, replies...)
	}
	if p.gone {
		w.hit(FailedWrite)
		if p.underWay() > 0 {
			w.hit(EndInsidePipeline)
		}
		w.end(p)
	}
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

func (w *world) join(p *peer) { w.deliver(p, p.underWay()) }

func (w *world) split(p *peer) {
	w.send(p)
	w.deliver(p, 1+w.random.below(p.underWay()+1)-1)
}

func (w *world) bytewise(p *peer) {
	w.send(p)
	w.hit(SplitAtEveryByte)
	for range min(p.underWay(), 256) {
		if !p.open || p.underWay() == 0 {
			return
		}
		w.deliver(p, 1)
	}
}

// tear sends half a line, which may never be completed.
func (w *world) tear(p *peer) {
	if !p.finished && !p.websocket {
		p.uplink = append(p.uplink, pick(&w.random, "g", "g n0", "sg n1", "r n0\r", "x y ", "\xff")...)
	}
}

// drain lets a client read some of its replies.
func (w *world) drain(p *peer) {
	if p.seen != nil {
		w.read(p)
	}
	if w.options.Window > 1000 || w.random.below(2) == 0 {
		p.unread = 0
	} else {
		p.unread /= 2
	}
}

// read lets a client of a recorded run read its replies.
func (w *world) read(p *peer) {
	if err := w.record.read(p.seen); err != nil {
		w.judge.failf("%w", err)
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

// reset loses what is under way. Sometimes it was not lost but late.
func (w *world) reset(p *peer) {
	w.hit(ResetByClient)
	if p.unread > 0 || p.underWay() > 0 {
		w.hit(EndBeforeReply)
	}
	w.leaving(p)
	p.lost = true
	w.end(p)
	if p.underWay() > 0 && w.random.below(4) == 0 {
		w.hit(BytesAfterTheEnd)
		w.judge.receive(p.label, p.uplink[p.head:])
		w.judge.close(p.label)
	}
}

// drop lets the server end a connection, as after a timeout.
func (w *world) drop(p *peer) {
	w.hit(DroppedByServer)
	w.end(p)
}

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

// restart stops the server as a good one does: what arrived is answered, then
// all connections end [END-8].
func (w *world) restart(*peer) {
	w.hit(ServerRestart)
	for _, p := range w.peers {
		if p.open {
			w.deliver(p, p.underWay())
		}
		if p.open {
			w.end(p)
		}
	}
	w.auditor = nil
	w.judge.restart()
	w.audit(nil)
}
