package judge

import (
	"bytes"
	"slices"
	"strconv"

	"lockd/server/core"
)

// Addr is an address for connection n, for callers to which addresses do not matter.
func Addr(n int) string { return "h:" + strconv.Itoa(n) }

// IsOpen reports whether connection n is open.
func (j *Judge) IsOpen(n int) bool { return n < len(j.conns) && j.conns[n].open }

// Send passes bytes that arrive on a connection to Core until all are consumed, and
// returns all replies, including those that come later. They are valid until the next
// call. If the connection waits for a lock, Send keeps the rest, and the call that ends
// the wait goes on with it.
func (j *Judge) Send(n int, data []byte) []byte {
	if n >= len(j.conns) {
		_, replies, _ := j.Receive(n, data)
		return replies
	}
	if c := &j.conns[n]; len(c.kept) > 0 || j.Queued(n) {
		c.kept = append(c.kept, data...)
		return nil
	}
	all := j.send(n, data)
	j.goOn()
	return all
}

// send passes bytes to Core until all are consumed, or the connection waits for a lock.
func (j *Judge) send(n int, data []byte) []byte {
	consumed, replies, state := j.Receive(n, data)
	j.take()
	if consumed == len(data) && !state.Waits {
		return replies
	}
	all := bytes.Clone(replies)
	for j.err == nil {
		if state.Queued {
			j.conns[n].kept = bytes.Clone(data[consumed:])
			break
		}
		if state.Waits {
			all = append(all, j.Await(n)...)
		}
		if data = data[consumed:]; len(data) == 0 {
			break
		}
		consumed, replies, state = j.Receive(n, data)
		j.take()
		all = append(all, replies...)
	}
	return all
}

// take notes whom the last call has answered, so that goOn goes on with what they have
// sent, and whom it has killed.
func (j *Judge) take() {
	for _, r := range j.Served() {
		j.goingOn = append(j.goingOn, r.To)
	}
	j.ending = append(j.ending, j.Dropped()...)
}

// goOn goes on with what connections have sent behind waits that have ended, in the order
// of the answers, and closes those that were killed.
func (j *Judge) goOn() {
	for j.err == nil && len(j.goingOn)+len(j.ending) > 0 {
		if len(j.ending) > 0 {
			n := j.Label(j.ending[0])
			j.ending = j.ending[1:]
			j.CloseNow(n)
			continue
		}
		n := j.Label(j.goingOn[0])
		j.goingOn = j.goingOn[1:]
		if kept := j.conns[n].kept; len(kept) > 0 && !j.Queued(n) {
			j.conns[n].kept = nil
			j.send(n, kept)
		}
	}
}

// Label returns the caller's number of a connection, -1 if there is none.
func (j *Judge) Label(id core.ID) int {
	return slices.IndexFunc(j.conns, func(c conn) bool { return c.id == id })
}

// CloseNow closes a connection, and goes on with those whom that serves.
func (j *Judge) CloseNow(n int) core.Orphans {
	orphans := j.Close(n)
	j.take()
	j.goOn()
	return orphans
}

// EndMessageNow ends a WebSocket message of a connection that does not wait, and goes on
// with those whom that serves.
func (j *Judge) EndMessageNow(n int) {
	if !j.Queued(n) && (n >= len(j.conns) || len(j.conns[n].kept) == 0) {
		j.EndMessage(n)
		j.take()
		j.Await(n)
		j.goOn()
	}
}

// Finish passes the end of the stream of a connection to Core, as far as it waits, and
// goes on with what it has sent.
func (j *Judge) Finish(n int) {
	j.EndOfStream(n)
	j.take()
	j.goOn()
}

// Pass lets time pass, and does what is due.
func (j *Judge) Pass(d core.Time) {
	j.Now += d
	for range 1000 {
		if j.err != nil || j.Next() > j.Now {
			return
		}
		j.Tick()
		j.take()
		j.goOn()
		j.Make()
	}
	j.Failf("Core asks to be woken again and again")
}

// Await advances time and makes dumps until a connection has the reply that it waits
// for, and returns that. Replies to other connections are compared, but not returned.
func (j *Judge) Await(n int) (reply []byte) {
	for range 1000 {
		if j.err != nil || !j.Waits(n) {
			return reply
		}
		if next := j.Next(); next != core.Never {
			j.Now = max(j.Now, next)
			j.Tick()
			j.take()
		}
		for _, r := range j.Make() {
			if r.To == j.ID(n) {
				reply = r.Reply
			}
		}
	}
	j.Failf("connection %d waits for a dump that is never made", n)
	return nil
}

// CloseAll closes all connections and checks that nothing is left of them except in
// the statistics.
func (j *Judge) CloseAll() {
	for n := range j.conns {
		if j.IsOpen(n) {
			j.CloseNow(n)
			j.Valid()
		}
	}
	j.Open(0, Addr(0))
	j.Send(0, []byte("q\n"))
	j.Close(0)
	j.Valid()
	if n := j.core.Conns(); n != 0 {
		j.Failf("%d connections are left", n)
	}
}
