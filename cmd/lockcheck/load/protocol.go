package load

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// A Protocol is that of a server: how locks, or what comes closest to them, are acquired,
// released and looked at. Each command is answered by one reply.
type Protocol struct {
	Name string
	// request appends a command; nil for what the server has not. A command that acquires
	// is followed by its release.
	request map[Command]func(dst []byte, name string) []byte
	// kind says what a line is, from its first bytes, at most eight if the line has arrived
	// in pieces, and from the kind of the line before.
	kind func(head []byte, before line) line
	// tokens means that a release needs what the acquisition has returned, so requests
	// are made while the load is running.
	tokens bool
}

// line is what a line of a server is.
type line uint8

const (
	wrong line = iota // not of the protocol
	no
	yes
	more // not yet a reply: another line follows
)

// begins returns the kind of the beginning that a line has, wrong if it has none of them.
func begins(head []byte, kinds ...beginning) line {
	for _, k := range kinds {
		if bytes.HasPrefix(head, []byte(k.text)) {
			return k.kind
		}
	}
	return wrong
}

type beginning struct {
	text string
	kind line
}

// Command is a kind of command that a load consists of.
type Command int

// The commands. Those that acquire are sent with their releases.
const (
	Exclusive        Command = iota // acquire a lock if it is free
	Wait                            // acquire a lock, and wait for it
	Shared                          // acquire a shared lock
	Inspect                         // say whether a lock is held
	releaseExclusive                // what Exclusive and Wait acquire
	releaseShared
)

// commandNames are the names of what a mix can have.
var commandNames = map[string]Command{"exclusive": Exclusive, "wait": Wait, "shared": Shared, "inspect": Inspect}

// String returns the name of a command in a mix, "release" for those that have none.
func (c Command) String() string {
	for name, is := range commandNames {
		if is == c {
			return name
		}
	}
	return "release"
}

// release returns what releases what c acquires.
func (c Command) release() (Command, bool) {
	switch c {
	case Exclusive, Wait:
		return releaseExclusive, true
	case Shared:
		return releaseShared, true
	}
	return 0, false
}

// format returns a request that is a text with the name in it.
func format(text string) func([]byte, string) []byte {
	before, after, _ := bytes.Cut([]byte(text), []byte("NAME"))
	return func(dst []byte, name string) []byte {
		dst = append(dst, before...)
		dst = append(dst, name...)
		return append(dst, after...)
	}
}

// resp returns a request of Redis: an array of strings.
func resp(words ...string) func([]byte, string) []byte {
	return func(dst []byte, name string) []byte {
		dst = fmt.Appendf(dst, "*%d\r\n", len(words))
		for _, word := range words {
			if word == "NAME" {
				word = name
			}
			dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(word), word)
		}
		return dst
	}
}

// protocols are all protocols. A wait is for a minute.
var protocols = []Protocol{
	{
		Name: "lockd", // in both dialects
		request: map[Command]func([]byte, string) []byte{
			Exclusive: format("g NAME\n"), releaseExclusive: format("r NAME\n"), Wait: format("w 60000 g NAME\n"),
			Shared: format("sg NAME\n"), releaseShared: format("sr NAME\n"), Inspect: format("i NAME\n"),
		},
		kind: func(head []byte, _ line) line {
			switch {
			case len(head) == 0 || head[0] < '0' || head[0] > '9':
				return wrong
			case head[0] == '0':
				return no
			}
			return yes
		},
	},
	{
		Name: "memcached",
		request: map[Command]func([]byte, string) []byte{
			Exclusive: format("add NAME 0 0 1\r\n1\r\n"), releaseExclusive: format("delete NAME\r\n"), Inspect: format("get NAME\r\n"),
		},
		kind: func(head []byte, before line) line {
			if before == more { // a get that finds something: VALUE, the value, END
				return begins(head, beginning{"END", yes}, beginning{"1", more})
			}
			return begins(head, beginning{"STORED", yes}, beginning{"DELETED", yes}, beginning{"NOT_", no}, beginning{"END", no}, beginning{"VALUE", more})
		},
	},
	{
		Name: "redis",
		request: map[Command]func([]byte, string) []byte{
			Exclusive: resp("SET", "NAME", "1", "NX"), releaseExclusive: resp("DEL", "NAME"), Inspect: resp("EXISTS", "NAME"),
		},
		kind: func(head []byte, _ line) line {
			return begins(head, beginning{"+", yes}, beginning{":0", no}, beginning{":", yes}, beginning{"$-1", no})
		},
	},
	{
		Name: "dflockd",
		request: map[Command]func([]byte, string) []byte{
			Exclusive: format("l\nNAME\n0\n"), Wait: format("l\nNAME\n60\n"), releaseExclusive: format("r\nNAME\n"), // and the token
		},
		kind: func(head []byte, _ line) line {
			return begins(head, beginning{"ok", yes}, beginning{"acquired", yes}, beginning{"timeout", no}, beginning{"error", no})
		},
		tokens: true,
	},
	{
		Name: "echo",
		request: map[Command]func([]byte, string) []byte{
			Exclusive: format("g NAME\n"), releaseExclusive: format("r NAME\n"), Wait: format("w 60000 g NAME\n"),
			Shared: format("sg NAME\n"), releaseShared: format("sr NAME\n"), Inspect: format("i NAME\n"),
		},
		kind: func([]byte, line) line { return yes },
	},
}

// Named returns the protocol with a name. The error lists the names.
func Named(name string) (Protocol, error) {
	at := slices.IndexFunc(protocols, func(p Protocol) bool { return p.Name == name })
	if at < 0 {
		var names []string
		for _, p := range protocols {
			names = append(names, p.Name)
		}
		return Protocol{}, fmt.Errorf("there is no protocol %q; want one of %s", name, strings.Join(names, ", "))
	}
	return protocols[at], nil
}

// Append appends the request of a command; it panics if the protocol has not got it.
func (p Protocol) Append(dst []byte, c Command, name string) []byte { return p.request[c](dst, name) }

// Release appends the request that releases what an acquisition with that reply has got.
func (p Protocol) Release(dst []byte, name, reply string) []byte {
	dst = p.request[releaseExclusive](dst, name)
	if p.tokens {
		if words := strings.Fields(reply); len(words) > 1 {
			dst = append(dst, words[1]...)
		}
		dst = append(dst, '\n')
	}
	return dst
}

// Yes says whether a reply of one line is a yes.
func (p Protocol) Yes(reply []byte) bool { return p.kind(reply, no) == yes }
