package judge

import (
	"bytes"
	"strconv"

	"lockd/server/core"
)

// Addr is an address for connection n, where any will do.
func Addr(n int) string { return "h:" + strconv.Itoa(n) }

// IsOpen says whether connection n is open.
func (j *Judge) IsOpen(n int) bool { return n < len(j.conns) && j.conns[n].open }

// Send lets bytes arrive on a connection until the server has looked at all of
// them, and returns all replies, those that come later included, valid until the
// next call.
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

// Await lets time pass and dumps be made until a connection has the reply that it
// waits for, and returns that. What others are answered meanwhile is compared, and
// not returned.
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
	j.Failf("connection %d waits for ever", n)
	return nil
}

// CloseAll closes all connections and checks that nothing is left of them but what
// statistics count.
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
