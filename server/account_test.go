package server

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"lockd/server/core"
	"lockd/server/hub"
)

// TestAccount checks that unfinished lines and unread replies are in the account as
// long as they wait, and no longer.
func TestAccount(t *testing.T) { quietly(t, testAccount) }

func testAccount(t *testing.T) {
	s, addr := start(t, Config{Core: core.Config{Dump: true}})
	waiting := func(what string, atLeast, atMost int) {
		t.Helper()
		waitUntil(t, what, func() bool { n := s.hub.Waiting.Bytes(); return n >= atLeast && n <= atMost })
	}
	c := connect(t, addr)
	const long = 60_000
	name := strings.Repeat("x", long)
	io.WriteString(c, "i "+name)
	waiting("an unfinished line", long, 2*long)
	ask(t, c, "\n", "0 Lock Not Locked: "+name+"\n")
	waiting("a finished line", 0, 0)
	io.WriteString(c, "i "+name)
	c.Close()
	waiting("the end of a connection", 0, 0)

	holder, reader, other := connect(t, addr), connect(t, addr), connect(t, addr)
	const locks = 300 // more than any buffer of the kernel takes
	var dump strings.Builder
	for i := range locks {
		name := fmt.Sprintf("%03d%s", i, name)
		ask(t, holder, "g "+name+"\n", "1 Lock Get Success: "+name+"\n")
		fmt.Fprintf(&dump, "%s: %s\n", name, holder.LocalAddr())
	}
	io.WriteString(reader, "d\ni x\n")
	waiting("an unread dump", 1<<20, dump.Len()+hub.SmallDebt)
	ask(t, other, "d\n", dump.String())
	waiting("an unread dump that another client has read", 1<<20, dump.Len()+hub.SmallDebt)
	ask(t, reader, "", dump.String()+"0 Lock Not Locked: x\n")
	waiting("a dump that was read", 0, 0)
	io.WriteString(reader, "d\n")
	waiting("an unread dump", 1<<20, dump.Len()+hub.SmallDebt)
	reader.Close()
	waiting("the end of the client that did not read", 0, 0)
}

// dropped is a debtor that records that it was dropped.
type dropped struct{ atomic.Bool }

func (d *dropped) Drop() { d.Store(true) }

// TestReadersAreNotDropped checks that a client that reads its reply is not the one
// that is dropped when too much waits, over any transport.
func TestReadersAreNotDropped(t *testing.T) { onDrivers(t, testReadersAreNotDropped) }

func testReadersAreNotDropped(t *testing.T) {
	s := New(Config{Core: core.Config{Dump: true}, Loops: loopsOf(t)})
	streamAddr, webAddr := serveBoth(t, s)
	holder := connect(t, streamAddr)
	const locks = 600 // more than the kernel takes
	size := 0
	for i := range locks {
		name := fmt.Sprintf("%03d", i) + strings.Repeat("x", 60_000)
		ask(t, holder, "g "+name+"\n", "1 Lock Get Success: "+name+"\n")
		size += len(name + ": " + holder.LocalAddr().String() + "\n")
	}
	for _, web := range []bool{false, true} {
		c := connect(t, map[bool]string{false: streamAddr, true: webAddr}[web])
		c.(*net.TCPConn).SetReadBuffer(64 << 10)
		ask := "d\n"
		if web {
			ask = upgradeRequest + "\x82\x81\x00\x00\x00\x00d" // a masked binary message
		}
		if _, err := io.WriteString(c, ask); err != nil {
			t.Fatal(err)
		}
		waitUntil(t, "the dump", func() bool { return s.hub.Waiting.Bytes() > 1<<20 })
		var first, second hub.Debt
		one, two := new(dropped), new(dropped)
		s.hub.Waiting.Set(&first, one, s.clock.now(), 100<<20, nil, true)
		if _, err := io.CopyN(io.Discard, c, int64(size/2)); err != nil { // it reads, and moves
			t.Fatal(err)
		}
		s.hub.Waiting.Set(&second, two, s.clock.now(), 200<<20, nil, true)
		if !one.Load() || two.Load() {
			t.Errorf("websocket %v: the debtor that does not move is dropped: %v, the newest: %v", web, one.Load(), two.Load())
		}
		s.hub.Waiting.Set(&second, two, s.clock.now(), 0, nil, true)
		if _, err := io.CopyN(io.Discard, c, int64(size-size/2)); err != nil {
			t.Errorf("websocket %v: the client that reads is dropped: %v", web, err)
		}
		c.Close()
		waitUntil(t, "the end", func() bool { return s.hub.Waiting.Bytes() == 0 })
	}
}
