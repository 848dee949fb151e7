package world

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Kind is the kind of an Event.
type Kind uint8

// The first kinds are calls of core.Core, the others happen around event loops.
const (
	Open Kind = iota
	Receive
	EndMessage
	Close
	Restart // all connections close and a new server starts
	Tick    // Data nanoseconds pass, and Core.Tick is called
	Made    // a dump is made and given back to Core
	EndSeen // Core is told that the client of a waiting connection has ended its stream
	Halt    // Core is told that the server stops

	Dial         // a client connects from an address
	Arrive       // bytes arrive at the server, as many as there is room for
	FinishStream // a client ends its stream
	Leave        // a client closes its end
	Reset        // a client resets its connection
	Drain        // a client reads up to Data bytes
	Turn         // loop number Conn takes a turn, with the faults of the seed in Data, if any
	Settle       // all loops take turns until nothing happens any more
	Advance      // Data nanoseconds pass
	Stop         // the server begins to stop
	Drop         // the server drops all connections
	kinds
)

var kindNames = [kinds]string{
	"open", "receive", "end-message", "close", "restart", "tick", "made", "end-seen", "halt",
	"dial", "arrive", "finish", "leave", "reset", "drain", "turn", "settle", "advance", "stop", "drop",
}

// withConn and withData say which fields of an event a trace contains.
var (
	withConn = [kinds]bool{
		Open: true, Receive: true, EndMessage: true, Close: true, EndSeen: true, Dial: true, Arrive: true,
		Tick: true, FinishStream: true, Leave: true, Reset: true, Drain: true, Turn: true, Advance: true,
	}
	withData = [kinds]bool{Open: true, Receive: true, Tick: true, Dial: true, Arrive: true, Drain: true, Turn: true, Advance: true}
)

// Event is one thing that happens. Conn is a label that names a connection within one
// trace. It is not the server's number for the connection, so that a trace keeps its
// meaning after events were removed from it.
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
			return event, fmt.Errorf("%q is not a connection number", label)
		}
		if withData[event.Kind] {
			if event.Data, err = strconv.Unquote(data); err != nil {
				return event, fmt.Errorf("%s is not a quoted string", data)
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

// ParseEvidence reads what FormatEvidence wrote. Missing options have their zero
// value.
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
