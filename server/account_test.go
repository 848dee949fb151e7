package server

import (
	"io"
	"net"
	"testing"

	"lockd/server/hub"
	"lockd/server/life"
)

// TestReplyAccount checks that large replies count until they are sent, and no
// longer.
func TestReplyAccount(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	go io.Copy(io.Discard, far)
	s := New(Config{})
	x := newSession(s, near)
	x.open()
	x.life.Owe(s.clock.now())
	x.owe(make([]byte, 2*hub.LargeReply))
	for x.life.Step() == life.Write {
		x.flush()
	}
	s.hub.Replies.Add(newSession(s, far), 256<<20) // the limit, and nobody waits
	if x.dropped.Load() {
		t.Error("replies that were sent still count")
	}
}
