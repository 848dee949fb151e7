package server

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"lockd/server/core"
	"lockd/server/hub"
)

// TestAccount checks that lines that have begun and replies that are not read count
// as long as they wait, and no longer.
func TestAccount(t *testing.T) { onDrivers(t, testAccount) }

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
	waiting("a line that has begun", long, 2*long)
	ask(t, c, "\n", "0 Lock Not Locked: "+name+"\n")
	waiting("a line that has ended", 0, 0)
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
	waiting("a dump that nobody reads", 1<<20, dump.Len()+hub.SmallDebt)
	ask(t, other, "d\n", dump.String())
	waiting("a dump that another has read", 1<<20, dump.Len()+hub.SmallDebt)
	ask(t, reader, "", dump.String()+"0 Lock Not Locked: x\n")
	waiting("a dump that was read", 0, 0)
	io.WriteString(reader, "d\n")
	waiting("a dump that nobody reads", 1<<20, dump.Len()+hub.SmallDebt)
	reader.Close()
	waiting("the end of who did not read", 0, 0)
}
