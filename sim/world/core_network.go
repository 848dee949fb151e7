package world

import (
	"bytes"
	"slices"

	"lockd/server/core"
)

// coreNetwork is the network that delivers to Core directly.
type coreNetwork struct{ w *world }

func (d coreNetwork) connect(p *client) {
	w := d.w
	if _, p.open = w.judge.Open(p.label, p.addr); !p.open {
		w.hit(RefusedConnection)
	} else if w.record != nil {
		p.record = &clientRecord{conn: p.label, mark: w.record.now()}
	}
}

func (d coreNetwork) deliver(p *client, n int) {
	w := d.w
	if p.waits {
		return
	}
	if p.unread > w.options.Window { // the server is blocked in a write
		w.hit(SlowReader)
		if p.gone {
			w.hit(FailedWrite)
			d.end(p)
		}
		return
	}
	if n == 0 && p.finished && len(p.messages) == 0 {
		if p.torn {
			w.hit(TornLastLine)
		}
		d.end(p)
		return
	}
	if len(p.messages) > 0 {
		n = min(n, p.messages[0]-p.head)
	}
	if n > 0 {
		d.arrive(p, n)
	}
	if len(p.messages) > 0 && p.messages[0] == p.head && p.open && !p.waits {
		p.messages = append(p.messages[:0], p.messages[1:]...)
		w.hit(WebSocketMessage)
		p.torn = false
		replies, state := w.judge.EndMessage(p.label)
		p.waits = state.Waits
		d.reply(p, replies)
		d.dismiss(p, state)
	}
}

// dismiss ends a connection that Core has dismissed.
func (d coreNetwork) dismiss(p *client, state core.State) {
	if state.Ends && p.open {
		d.w.hit(ForeignProtocol)
		d.end(p)
	}
}

func (d coreNetwork) arrive(p *client, n int) {
	w := d.w
	data := p.uplink[p.head : p.head+n]
	consumed, replies, state := w.judge.Receive(p.label, data)
	p.waits = state.Waits
	w.result.Bytes += int64(consumed)
	if consumed < n && !state.Waits {
		w.hit(OutputBatch)
	}
	if n > 1 && bytes.Count(data[:consumed], newline) > 1 {
		w.hit(ManyCommandsInOnePacket)
	}
	if consumed > 0 {
		p.torn = data[consumed-1] != '\n'
	}
	p.passed(consumed)
	d.reply(p, replies)
	d.dismiss(p, state)
}

var (
	newline      = []byte{'\n'}
	limitReached = []byte("0 Lock Limit Reached: ")
)

// reply writes to the client on behalf of the server. If the client is gone the write
// fails, and the server ends the connection.
func (d coreNetwork) reply(p *client, replies []byte) {
	w := d.w
	if len(replies) == 0 {
		return
	}
	p.unread += len(replies)
	if w.options.MaxLocks > 0 && bytes.Contains(replies, limitReached) {
		w.hit(LockLimit)
	}
	if p.record != nil {
		p.record.replies = append(p.record.replies, replies...)
	}
	if p.gone {
		w.hit(FailedWrite)
		if p.underWay() > 0 {
			w.hit(EndInsidePipeline)
		}
		d.end(p)
	}
}

func (d coreNetwork) drain(p *client) {
	if p.record != nil {
		d.w.read(p.record)
	}
	if d.w.options.Window > 1000 || d.w.random.below(2) == 0 {
		p.unread = 0
	} else {
		p.unread /= 2
	}
}

// reset ends the connection. Sometimes what was under way arrives after that, instead
// of being lost.
func (d coreNetwork) reset(p *client) {
	w := d.w
	if p.unread > 0 || p.underWay() > 0 {
		w.hit(EndBeforeReply)
	}
	d.end(p)
	if p.underWay() > 0 && w.random.below(4) == 0 {
		w.hit(BytesAfterTheEnd)
		w.judge.Receive(p.label, p.uplink[p.head:])
		w.judge.Close(p.label)
	}
}

func (d coreNetwork) drop(p *client) {
	d.w.hit(DroppedByServer)
	d.end(p)
}

// end closes a connection in Core.
func (d coreNetwork) end(p *client) {
	w := d.w
	contended := slices.ContainsFunc(w.clients, func(other *client) bool {
		return other != p && bytes.Contains(other.uplink[other.head:], []byte("g "))
	})
	if orphans := w.judge.Close(p.label); orphans.Exclusive+orphans.Shared > 0 && contended {
		w.hit(HolderEndsUnderContention)
	}
	p.open = false
	if p.record != nil {
		if !p.gone && !p.lost {
			w.read(p.record)
		}
		w.record.ended(p.record)
		p.record = nil
	}
}

func (d coreNetwork) ask(p *client, line string) string {
	_, replies, state := d.w.judge.Receive(p.label, []byte(line+"\n"))
	if state.Waits {
		replies = d.await(p)
	}
	return string(replies)
}

func (d coreNetwork) dial(p *client) bool {
	_, ok := d.w.judge.Open(p.label, p.addr)
	return ok
}

func (d coreNetwork) hangUp(p *client) { d.end(p) }

func (d coreNetwork) rest() {}

func (d coreNetwork) pause() { d.w.judge.Valid() }

func (d coreNetwork) stop() {
	for _, p := range d.w.clients {
		if p.open {
			d.deliver(p, p.underWay())
		}
		if p.open {
			d.end(p)
		}
	}
	d.w.judge.Restart()
	d.w.answers = nil
}

func (d coreNetwork) finish() {
	for _, p := range d.w.clients {
		d.answerAll()
		for range 2 * (p.underWay() + len(p.messages) + 1) { // each may wait
			if !p.open {
				break
			}
			p.unread = 0
			d.deliver(p, p.underWay())
			if p.open && p.waits {
				reply := d.await(p)
				p.waits = false
				d.reply(p, reply)
			}
		}
		if p.open {
			d.w.judge.Failf("connection %d does not end: %d bytes are still under way", p.label, p.underWay())
		}
	}
	d.w.judge.Valid()
}

func (d coreNetwork) has(*client) bool { return true }

func (d coreNetwork) living() []string {
	w := d.w
	shown := []string{w.shownAs(w.auditor.addr, w.auditor.label)}
	for _, p := range w.clients {
		if p.open {
			shown = append(shown, w.shownAs(p.addr, p.label))
		}
	}
	return shown
}

// dumps begins and makes dumps, at random.
func (d coreNetwork) dumps() {
	j, r := d.w.judge, &d.w.random
	d.answerAll()
	if j.Next() != core.Never && r.below(4) == 0 {
		j.Tick(pick(r, 0, core.Millisecond, core.Second))
	}
	if j.Making() && r.below(4) == 0 {
		d.w.answers = j.Make()
		d.answerAll()
	}
}

// answerAll gives the replies in answers to the clients that have waited for them.
func (d coreNetwork) answerAll() {
	answers := d.w.answers
	d.w.answers = nil
	for _, r := range answers {
		for _, p := range d.w.clients {
			if p.open && d.w.judge.ID(p.label) == r.To {
				d.w.hit(DumpAwaited)
				p.waits = false
				d.reply(p, r.Reply)
			}
		}
	}
}

// await makes dumps until one client is answered. The other clients get their replies
// later, so that nothing else happens meanwhile.
func (d coreNetwork) await(p *client) (reply []byte) {
	j := d.w.judge
	for range 1000 {
		if next := j.Next(); next != core.Never {
			j.Tick(max(0, next-j.Now))
		}
		for _, r := range j.Make() {
			if r.To == j.ID(p.label) {
				reply = r.Reply
			} else {
				d.w.answers = append(d.w.answers, r)
			}
		}
		if !j.Waits(p.label) || j.Err() != nil {
			return reply
		}
	}
	j.Failf("connection %d waits for a dump that is never made", p.label)
	return nil
}
