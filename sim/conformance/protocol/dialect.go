package protocol

import (
	"fmt"
)

// Dialect is one of the two forms of replies in the family of servers.
type Dialect string

// The dialects of docs/protocol.md.
const (
	Glockd  Dialect = "glockd"
	Classic Dialect = "classic"
)

// LineEnd is how a line of a reply ends [REPLY-3].
func (d Dialect) LineEnd() string {
	if d == Classic {
		return "\r\n"
	}
	return "\n"
}

// replyTexts has the texts of replies by command, for yes and no, without INT and name.
var replyTexts = map[Dialect]map[string][2]string{
	Glockd: {
		"g":  {"Lock Get Success", "Lock Get Failure"},
		"r":  {"Lock Release Success", "Lock Release Failure"},
		"i":  {"Lock Is Locked", "Lock Not Locked"},
		"sg": {"Shared Lock Get Success", ""},
		"sr": {"Shared Lock Release Success", "Shared Lock Release Failure"},
		"si": {"Shared Lock Is Locked", "Shared Lock Not Locked"},
	},
	Classic: {
		"g":  {"Got Lock", "Cannot Get Lock"},
		"r":  {"Released Lock", "Cannot Release Lock"},
		"i":  {"Locked", "Not Locked"},
		"sg": {"Got Lock", ""},
		"sr": {"Released Lock", "Cannot Release Lock"},
		"si": {"Locked", "Not Locked"},
	},
}

// Reply returns the whole reply to a lock command, without its line end.
func (d Dialect) Reply(command string, n int, name string) string {
	texts := replyTexts[d][command]
	text := texts[0]
	if n == 0 {
		text = texts[1]
	}
	if d == Classic {
		return fmt.Sprintf("%d %s", n, text)
	}
	return fmt.Sprintf("%d %s: %s", n, text, name)
}

// Replies that are the same in both dialects.
const (
	Disabled         = "0 disabled"             // a feature is off [DUMP-9, IAM-3]
	Invalid          = "0 Invalid Command: "    // the word follows; if unknown commands are answered [BAD-2]
	TooManyConns     = "0 Too Many Connections" // [BAD-4]
	LockLimitReached = "0 Lock Limit Reached: " // the name follows [BAD-5]
)
