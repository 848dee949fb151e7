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
		if p.queued && p.finished && (p.underWay() == 0 || w.random.below(4) > 0) {
			w.judge.EndOfStream(p.label) // which may be seen before what is under way
			d.took()
		}
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
		d.took()
		p.waits, p.queued = state.Waits, state.Queued
		d.reply(p, replies)
		d.dismiss(p, state)
	}
}

// dismiss ends a connection that Core has dismissed.
func (d coreNetwork) dismiss(p *client, state core.State) {
	if !state.Ends || !p.open {
		return
	}
	if d.w.judge.Foreign(p.label) {
		d.w.hit(ForeignProtocol)
	} else {
		d.w.hit(KilledItself)
	}
	d.end(p)
}

// took takes over whom the last call has answered and killed.
func (d coreNetwork) took() {
	w := d.w
	w.answers = append(w.answers, w.judge.Served()...)
	w.killed = append(w.killed, w.judge.Dropped()...)
	countServed(w.options, w.judge.Served(), &w.result.Coverage)
}

func (d coreNetwork) arrive(p *client, n int) {
	w := d.w
	data := p.uplink[p.head : p.head+n]
	consumed, replies, state := w.judge.Receive(p.label, data)
	d.took()
	p.waits, p.queued = state.Waits, state.Queued
	if state.Queued && consumed < n {
		w.hit(WaitInPipeline)
	}
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
	lockFull     = []byte("0 Shared Lock Full: ")
)

// reply writes to the client on behalf of the server. If the client is gone the write
// fails, and the server ends the connection.
func (d coreNetwork) reply(p *client, replies []byte) {
	w := d.w
	if len(replies) == 0 {
		return
	}
	p.unread += len(replies)
	if bytes.Contains(replies, limitReached) {
		w.hit(LockLimit)
	}
	if bytes.Contains(replies, lockFull) {
		w.hit(SharedLockFull)
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
		w.judge.EndOfStream(p.label)
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
	orphans := w.judge.Close(p.label)
	d.took()
	if orphans.Exclusive+orphans.Shared > 0 && contended {
		w.hit(HolderEndsUnderContention)
	}
	p.open, p.waits, p.queued = false, false, false
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
	if slices.ContainsFunc(d.w.clients, func(p *client) bool { return p.open && p.queued }) {
		d.w.hit(StopDuringWaits)
	}
	d.w.judge.Stop(d.w.judge.Now)
	d.took()
	d.answerAll()
	for _, p := range d.w.clients {
		if p.open {
			d.deliver(p, p.underWay())
		}
		if p.open {
			d.end(p)
		}
	}
	d.w.judge.Restart()
	d.w.answers, d.w.killed = nil, nil
}

func (d coreNetwork) finish() {
	for _, p := range d.w.clients {
		d.answerAll()
		const late = 100                                      // how often the end of a stream may come later, at random
		for range 2*(p.underWay()+len(p.messages)+1) + late { // each may wait
			if !p.open {
				break
			}
			p.unread = 0
			d.deliver(p, p.underWay())
			if p.open && p.waits && !p.queued {
				reply := d.await(p)
				p.waits = false
				d.reply(p, reply)
			}
			d.answerAll()
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
	if next := j.Next(); next != core.Never && r.below(4) == 0 {
		j.Tick(d.pass(next))
		d.took()
		d.answerAll()
	}
	if j.Making() && r.below(4) == 0 {
		d.w.answers = j.Make()
		d.answerAll()
	}
}

// pass returns how much time passes until the next Tick.
func (d coreNetwork) pass(next core.Time) core.Time {
	j, r := d.w.judge, &d.w.random
	switch d.w.options.Pace {
	case 0: // it stands still
		return 0
	case 1:
		return pick(r, 0, core.Millisecond, core.Second)
	case 2: // to the moment
		return max(0, next-j.Now-pick[core.Time](r, 0, 0, 1))
	}
	return pick(r, 0, core.Millisecond, 30*core.Second, 1000*core.Second)
}

// answerAll gives the replies in answers to the clients that have waited for them.
func (d coreNetwork) answerAll() {
	w := d.w
	for len(w.answers)+len(w.killed) > 0 { // which may cause others
		answers, killed := w.answers, w.killed
		w.answers, w.killed = nil, nil
		for _, r := range answers {
			for _, p := range w.clients {
				if p.open && w.judge.ID(p.label) == r.To {
					if !p.queued {
						w.hit(DumpAwaited)
					} else if p.unread > w.options.Window {
						w.hit(GrantToFullBuffers)
					}
					p.waits, p.queued = false, false
					d.reply(p, r.Reply)
				}
			}
		}
		for _, id := range killed {
			d.kill(id)
		}
	}
}

// kill ends a connection that was killed.
func (d coreNetwork) kill(id core.ID) {
	w := d.w
	w.hit(KilledByCommand)
	if w.auditor != nil && w.judge.ID(w.auditor.label) == id {
		d.end(w.auditor)
		w.auditor = nil
	}
	for _, p := range w.clients {
		if p.open && w.judge.ID(p.label) == id {
			d.end(p)
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
			d.took()
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
