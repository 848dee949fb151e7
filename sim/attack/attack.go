package attack

import (
	"context"
	"strings"
	"time"
)

// Attack is one attack on a server, and the bounds that must hold during it.
type Attack struct {
	Name  string
	About string   // what the attack does, in one line
	Flags []string // for the daemon, besides the usual ones

	// Stall is how long a well-behaved client may wait for a reply.
	Stall time.Duration
	// Growth is how many more bytes of memory the server may take than at the end
	// of Prepare.
	Growth int64
	// Web says that the attack needs the HTTP port.
	Web bool
	// Descriptors is how many descriptors the server may have open; 0 is any number.
	Descriptors int

	// Prepare sets up the state before the attack. It is not measured.
	Prepare func(context.Context, *Target) error
	// Do attacks. Its error is a failure of the server: something that must not
	// happen did.
	Do func(context.Context, *Target) error
}

const mib = 1 << 20

// waiting is the documented bound of the bytes that wait for clients, plus room for
// the one dump that is being made, its snapshot and uncollected garbage.
const waiting = (256 + 512) * mib

// All are the attacks, in the order in which they run.
var All = []Attack{
	{
		Name: "refused-dumps", About: "a client asks 40 times at once for a dump that is too large",
		Stall: 100 * time.Millisecond, Growth: 64 * mib,
		Prepare: holdLong(1_100, 64_000), Do: pipeline("dump\n", 40),
	},
	{
		Name: "granted-dump", About: "a client asks for a dump of a million locks",
		Stall: 100 * time.Millisecond, Growth: waiting,
		Prepare: hold("g", 1_000_000), Do: pipeline("dump\n", 1),
	},
	{
		Name: "granted-shared-dump", About: "a client asks for the holders of a million shared locks",
		Stall: 100 * time.Millisecond, Growth: waiting,
		Prepare: hold("sg", 1_000_000), Do: pipeline("sd\n", 1),
	},
	{
		Name: "dump-loop", About: "20 clients ask for dumps of a million locks of both kinds, in all ways, again and again",
		Stall: 150 * time.Millisecond, Growth: waiting,
		Prepare: both(hold("g", 500_000), hold("sg", 500_000)), Do: askLoop(20, 15*time.Second, "dump\n", "d\n", "sd\n", "dump shared\n", "q full\n", "who\n"),
	},
	{
		Name: "who", About: "20 clients ask again and again for the 3,000 connections with one registered name",
		Stall: 100 * time.Millisecond, Growth: waiting,
		Prepare: register("x", 3_000), Do: askLoop(20, 5*time.Second, "who x\nwho\nwho y\n"),
	},
	{
		Name: "many-holders", About: "20 clients ask again and again for the 3,000 holders of one shared lock",
		Stall: 100 * time.Millisecond, Growth: waiting,
		Prepare: share("pool", 3_000), Do: askLoop(20, 5*time.Second, "sd pool\nsi pool\n"),
	},
	{
		Name: "unread-dumps", About: "400 clients ask for a dump of some 60 MB and do not read it; a well-behaved one reads its own",
		Stall: 150 * time.Millisecond, Growth: waiting,
		Prepare: holdLong(950, 64_000), Do: unread(400, "d\n", 20*time.Second),
	},
	{
		Name: "unread-small-dumps", About: "2,000 clients ask for dumps of 900 KB and do not read them",
		Stall: 150 * time.Millisecond, Growth: waiting,
		Prepare: holdLong(14, 64_000), Do: unread(2_000, "d\nsd\ndump\n", 10*time.Second),
	},
	{
		// All are served in turn, and share the processors with the server.
		Name: "unread-replies", About: "4,000 clients send commands without end and do not read the replies",
		Stall: 400 * time.Millisecond, Growth: waiting,
		Do: unread(4_000, longInspections, 10*time.Second),
	},
	{
		Name: "torn-lines", About: "4,000 clients send a line of 65,500 bytes without its end",
		Stall: 200 * time.Millisecond, Growth: waiting,
		Do: unread(4_000, tornLine, 10*time.Second),
	},
	{
		Name: "large-end", About: "a connection that holds a million locks ends",
		Stall: 30 * time.Millisecond, Growth: 64 * mib,
		Prepare: hold("g", 1_000_000), Do: end,
	},
	{
		Name: "large-shared-end", About: "a connection that holds a million shared locks ends",
		Stall: 30 * time.Millisecond, Growth: 64 * mib,
		Prepare: hold("sg", 1_000_000), Do: end,
	},
	{
		Name: "torn-handshakes", Web: true, About: "3,000 connections to the HTTP port send half a request, or nothing",
		Flags: []string{"-max-connections", "10"},
		Stall: 100 * time.Millisecond, Growth: 256 * mib, Descriptors: 100,
		Do: tornHandshakes(3_000),
	},
	{
		Name: "unserved", About: "3,000 connections are over the limit, or speak HTTP",
		Flags: []string{"-max-connections", "10"},
		Stall: 100 * time.Millisecond, Growth: 64 * mib, Descriptors: 200,
		Do: unserved(3_000),
	},
	{
		Name: "busy-websockets", Web: true, About: "300 WebSockets send commands without end, and read; 100 other clients wait for each reply",
		Stall: 150 * time.Millisecond, Growth: 128 * mib,
		Do: beside(askLoopWeb(300, 8*time.Second, manyInspections), paced(100, 8*time.Second)),
	},
	{
		// The tables are small, but each dump looks at all connections that hold
		// something.
		Name: "small-dumps", About: "500 clients that hold a shared lock each ask for small dumps without end, and read",
		Stall: 400 * time.Millisecond, Growth: 64 * mib,
		Prepare: share("mine", 500), Do: askLoop(500, 8*time.Second, strings.Repeat("d\n", 4096)),
	},
	{
		Name: "behind-waits", About: "4,000 clients wait for one lock, with 120 KB behind the wait; then it is handed on through all of them",
		Stall: 150 * time.Millisecond, Growth: waiting,
		Prepare: hold("g", 1), Do: both(both(queueUp(4_000, behindAWait), endHolder), answered("1 Lock Get Success")),
	},
	{
		Name: "many-readers", About: "the end of a writer grants a lock to 8,000 readers",
		Stall: 100 * time.Millisecond, Growth: 64 * mib,
		Prepare: both(hold("b 1", 1), queueUp(8_000, "w 600000 b 0 lock-0\n")), Do: both(endHolder, answered("Shared Lock Get Success")),
	},
	{
		Name: "timeouts-at-once", About: "8,000 clients wait for one lock, and time out in the same moments",
		Stall: 100 * time.Millisecond, Growth: 128 * mib,
		Prepare: hold("g", 1), Do: both(queueUp(8_000, "w 4000 g lock-0\n"), answered("0 Wait Timeout")),
	},
	{
		Name: "waits-without-end", About: "50 clients wait for no time, and for locks of their own, without end, and read",
		Stall: 200 * time.Millisecond, Growth: 64 * mib,
		Prepare: hold("g", 1), Do: askLoop(50, 5*time.Second, strings.Repeat("w 0 g lock-0\nw 9 g job\nr job\nlw lock\n", 500)),
	},
	{
		Name: "flood", About: "50 clients send commands without end, and read",
		Stall: 200 * time.Millisecond, Growth: 64 * mib,
		Do: askLoop(50, 5*time.Second, manyInspections),
	},
}
