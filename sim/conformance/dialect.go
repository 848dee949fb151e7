package conformance

import (
	"fmt"
	"strconv"
)

// Dialect is one of the two ways in which members of the family reply.
type Dialect string

// The dialects of docs/protocol.md.
const (
	Glockd  Dialect = "glockd"
	Classic Dialect = "classic"
)

// lineEnd is how a line of a reply ends [REPLY-3].
func (d Dialect) lineEnd() string {
	if d == Classic {
		return "\r\n"
	}
	return "\n"
}

// replyTexts are the tables of replies: yes and no, without INT and name.
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

// reply is the whole reply to a lock command, without its line end.
func (d Dialect) reply(command string, n int, name string) string {
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

// outcome turns yes, no or a number into an INT.
func outcome(word string) (int, error) {
	switch word {
	case "yes":
		return 1, nil
	case "no":
		return 0, nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%q is neither yes, no nor a number", word)
	}
	return n, nil
}
