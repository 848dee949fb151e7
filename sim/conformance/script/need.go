package script

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Need is a condition of running a case. These exist:
//
//	alone             no other case runs at the same time
//	last              alone, after all others, as the server may be busy afterwards
//	empty             alone, and no lock is held
//	fresh             alone, on a server that was just started
//	glockd, classic   that dialect
//	dump, nodump, registry, noregistry, who, nowho   features on or off
//	kill, nokill      k may end connections, or not
//	silent-invalid, answer-invalid   how unknown commands are answered
//	stream            tcp or unix: a transport of bytes, not messages
//	tcp, unix, ws     that transport
//	known-address     tcp or ws: clients know the address that the server shows
//	two-transports    a second transport to the same server
//	stop              the suite can stop the server
//	max-connections, max-locks   this limit of the server is known to the suite
//	conns=N, locks=N  N connections or holdings at once
//	line=N            lines of N bytes
type Need string

var needs = []string{
	"alone", "last", "empty", "fresh", "glockd", "classic", "dump", "nodump", "registry", "noregistry",
	"who", "nowho", "kill", "nokill", "silent-invalid", "answer-invalid", "stream", "tcp", "unix", "ws", "known-address",
	"two-transports", "stop", "max-connections", "max-locks",
}

// needsOfSize are the needs with a number.
var needsOfSize = []string{"conns", "locks", "line"}

func parseNeed(text string) (Need, error) {
	what, number, sized := strings.Cut(text, "=")
	if !slices.Contains(needs, text) && !slices.Contains(needsOfSize, what) {
		return "", fmt.Errorf("unknown need %q", text)
	}
	if n, err := strconv.Atoi(number); slices.Contains(needsOfSize, what) && (!sized || err != nil || n < 1) {
		return "", fmt.Errorf("the need %q requires a number: write %s=N", text, what)
	}
	return Need(text), nil
}

// Amount splits needs like conns=200; it is 0 for the others.
func (n Need) Amount() (what string, amount int) {
	what, number, _ := strings.Cut(string(n), "=")
	amount, _ = strconv.Atoi(number)
	return what, amount
}
