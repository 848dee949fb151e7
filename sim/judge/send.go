package judge

import (
	"bytes"
	"strconv"

	"lockd/server/core"
)

// Addr is an address for connection n, for callers to which addresses do not matter.
func Addr(n int) string { return "h:" + strconv.Itoa(n) }

// IsOpen reports whether connection n is open.
func (j *Judge) IsOpen(n int) bool { return n < len(j.conns) && j.conns[n].open }

// Send passes bytes that arrive on a connection to Core until all are consumed, and
// returns all replies, including those that come later. They are valid until the next
// call.
func (j *Judge) Send(n int, data []byte) []byte {
	consumed, replies, state := j.Receive(n, data)
	if consumed == len(data) && !state.Waits {
		return replies
	}
	all := bytes.Clone(replies)
	for j.err == nil {
		if state.Waits {
			all = append(all, j.Await(n)...)
		}
		if data = data[consumed:]; len(data) == 0 {
			break
		}
		consumed, replies, state = j.Receive(n, data)
		all = append(all, replies...)
	}
	return all
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
			j.Close(n)
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
