package world

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Kind says what an Op does.
type Kind uint8

// The operations are the calls of core.Core.
const (
	Open Kind = iota
	Receive
	EndMessage
	Close
	Restart // everything closes and a new server starts
)

var kindNames = [...]string{"open", "receive", "end-message", "close", "restart"}

// Op is one call of Core. Conn is a label that names a connection within one
// trace; the number that the server gives it may differ, so that a trace still
// means something after operations were taken out of it.
type Op struct {
	Kind Kind
	Conn int
	Data string // Open: the address; Receive: the bytes
}

// String writes an operation as one line of a trace.
func (o Op) String() string {
	switch o.Kind {
	case Open, Receive:
		return fmt.Sprintf("%s %d %q", kindNames[o.Kind], o.Conn, o.Data)
	case Restart:
		return kindNames[o.Kind]
	default:
		return fmt.Sprintf("%s %d", kindNames[o.Kind], o.Conn)
	}
}

// ParseTrace reads what Op.String wrote, one operation a line. Blank lines and
// lines that start with # are ignored.
func ParseTrace(text string) ([]Op, error) {
	var ops []Op
	for number, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		op, err := parseOp(line)
		if err != nil {
			return nil, fmt.Errorf("line %d of the trace, %q: %w", number+1, line, err)
		}
		ops = append(ops, op)
	}
	return ops, nil
}

func parseOp(line string) (Op, error) {
	word, rest, _ := strings.Cut(line, " ")
	for kind, name := range kindNames {
		if name != word {
			continue
		}
		op := Op{Kind: Kind(kind)}
		if op.Kind == Restart {
			return op, nil
		}
		label, data, _ := strings.Cut(rest, " ")
		var err error
		if op.Conn, err = strconv.Atoi(label); err != nil {
			return op, fmt.Errorf("%q is no connection number", label)
		}
		if op.Kind == Open || op.Kind == Receive {
			if op.Data, err = strconv.Unquote(data); err != nil {
				return op, fmt.Errorf("%s is no quoted string", data)
			}
		}
		return op, nil
	}
	return Op{}, fmt.Errorf("unknown operation %q, want one of %s", word, strings.Join(kindNames[:], ", "))
}

// optionsLine begins the line of a trace that holds the options as JSON.
const optionsLine = "# options "

// FormatEvidence writes a trace together with the options of its run and the
// reason why it fails, as ParseEvidence reads it.
func FormatEvidence(o Options, reason error, ops []Op) (string, error) {
	options, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(reason.Error()) {
		fmt.Fprintf(&b, "# %s\n", strings.TrimSpace(line))
	}
	fmt.Fprintf(&b, "%s%s\n", optionsLine, options)
	for _, op := range ops {
		fmt.Fprintln(&b, op)
	}
	return b.String(), nil
}

// ParseEvidence reads what FormatEvidence wrote. Options that are not there
// have their zero value.
func ParseEvidence(text string) (Options, []Op, error) {
	var o Options
	for line := range strings.Lines(text) {
		if options, ok := strings.CutPrefix(line, optionsLine); ok {
			if err := json.Unmarshal([]byte(options), &o); err != nil {
				return o, nil, fmt.Errorf("the options of the trace: %w", err)
			}
		}
	}
	ops, err := ParseTrace(text)
	return o, ops, err
}
