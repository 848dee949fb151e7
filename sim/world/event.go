package world

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Kind says what an Event does.
type Kind uint8

// The first events are the calls of core.Core, the others what happens around
// event loops.
const (
	Open Kind = iota
	Receive
	EndMessage
	Close
	Restart // everything closes and a new server starts
	Tick    // so many nanoseconds pass, and Core is told
	Made    // a dump is made and given back

	Dial         // a client connects from an address
	Arrive       // bytes arrive at the server, as many as there is room for
	FinishStream // a client ends its stream
	Leave        // a client closes its end
	Reset        // a client resets its connection
	Drain        // a client reads up to so many bytes
	Turn         // a loop, whose number stands for the connection, takes a turn with the faults of a seed, if any
	Settle       // all loops take turns until nothing happens any more
	Advance      // so many nanoseconds pass
	Stop         // the server begins to stop
	Drop         // the server drops all connections
	kinds
)

var kindNames = [kinds]string{
	"open", "receive", "end-message", "close", "restart", "tick", "made",
	"dial", "arrive", "finish", "leave", "reset", "drain", "turn", "settle", "advance", "stop", "drop",
}

// withConn and withData say what is written of an event.
var (
	withConn = [kinds]bool{
		Open: true, Receive: true, EndMessage: true, Close: true, Dial: true, Arrive: true,
		Tick: true, FinishStream: true, Leave: true, Reset: true, Drain: true, Turn: true, Advance: true,
	}
	withData = [kinds]bool{Open: true, Receive: true, Tick: true, Dial: true, Arrive: true, Drain: true, Turn: true, Advance: true}
)

// Event is one thing that happens. Conn is a label that names a connection within one
// trace; the number that the server gives it may differ, so that a trace still
// means something after events were taken out of it.
type Event struct {
	Kind Kind
	Conn int
	Data string // an address, bytes, or a number
}

// String writes an event as one line of a trace.
func (e Event) String() string {
	switch {
	case withData[e.Kind]:
		return fmt.Sprintf("%s %d %q", kindNames[e.Kind], e.Conn, e.Data)
	case withConn[e.Kind]:
		return fmt.Sprintf("%s %d", kindNames[e.Kind], e.Conn)
	}
	return kindNames[e.Kind]
}

// ParseTrace reads what Event.String wrote, one event a line. Blank lines and
// lines that start with # are ignored.
func ParseTrace(text string) ([]Event, error) {
	var events []Event
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		event, err := parseEvent(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of the trace, %q: %w", number+1, line, err)
		}
		events = append(events, event)
	}
	return events, nil
}

func parseEvent(line string) (Event, error) {
	word, rest, _ := strings.Cut(line, " ")
	for kind, name := range kindNames {
		if name != word {
			continue
		}
		event := Event{Kind: Kind(kind)}
		if !withConn[event.Kind] {
			return event, nil
		}
		label, data, _ := strings.Cut(rest, " ")
		var err error
		if event.Conn, err = strconv.Atoi(label); err != nil {
			return event, fmt.Errorf("%q is no connection number", label)
		}
		if withData[event.Kind] {
			if event.Data, err = strconv.Unquote(data); err != nil {
				return event, fmt.Errorf("%s is no quoted string", data)
			}
		}
		return event, nil
	}
	return Event{}, fmt.Errorf("unknown event %q, want one of %s", word, strings.Join(kindNames[:], ", "))
}

// optionsLine begins the line of a trace that holds the options as JSON.
const optionsLine = "# options "

// FormatEvidence writes a trace together with the options of its run and the
// reason why it fails, as ParseEvidence reads it.
func FormatEvidence(o Options, reason error, events []Event) (string, error) {
	options, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(reason.Error()) {
		fmt.Fprintf(&b, "# %s\n", strings.TrimSpace(line))
	}
	fmt.Fprintf(&b, "%s%s\n", optionsLine, options)
	for _, event := range events {
		fmt.Fprintln(&b, event)
	}
	return b.String(), nil
}

// ParseEvidence reads what FormatEvidence wrote. Options that are not there
// have their zero value.
func ParseEvidence(text string) (Options, []Event, error) {
	var o Options
	for line := range strings.Lines(text) {
		if options, ok := strings.CutPrefix(line, optionsLine); ok {
			if err := json.Unmarshal([]byte(options), &o); err != nil {
				return o, nil, fmt.Errorf("the options of the trace: %w", err)
			}
		}
	}
	events, err := ParseTrace(text)
	return o, events, err
}
