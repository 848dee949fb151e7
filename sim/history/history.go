// Package history records what clients of a lock server saw and checks, with porcupine,
// whether it is linearizable: whether some order of the operations explains it.
//
// A History holds operations with the time of their call and of their return,
// from one strictly increasing counter. A disconnect is an operation as well:
// it takes effect once, between the moment before the client closed and the
// moment at which the protocol promises that the locks are released [END-5].
//
// The package talks to no server, and has the only model of a lock that porcupine is
// given (model.go: one name; tables.go: all names together). Begin with [History] and its
// Check; verdict.go and shrink.go explain what Check has found.
package history

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// The commands of an operation. Get to InspectShared are those of the protocol, and so is
// GetBounded. A wait is one operation here, of which the models see two: the connection
// stands in, and later its wait ends [WAIT-1].
const (
	Get           = "g"
	Release       = "r"
	Inspect       = "i"
	GetShared     = "sg"
	ReleaseShared = "sr"
	InspectShared = "si"
	GetBounded    = "b" // with Bound
	WaitGet       = "w g"
	WaitBounded   = "w b" // with Bound
	Statistics    = "q"
	Dump          = "dump"
	DumpShared    = "dump shared"
	End           = "end" // the connection ends
)

// Operation is one operation.
type Operation struct {
	Conn    int    `json:"conn"` // counted from 0, never used for two connections
	Seq     int    `json:"seq"`  // order of the operations of one connection
	Command string `json:"command"`
	Name    string `json:"name,omitempty"`
	Bound   int    `json:"bound,omitempty"`
	Call    int64  `json:"call"`
	Return  int64  `json:"return"` // for an unanswered operation, that of its connection's end

	Answered bool   `json:"answered,omitempty"`
	Value    int    `json:"value,omitempty"` // the number of the reply
	Text     string `json:"text,omitempty"`  // the reply to q and dump
}

// Fault is a fault of a connection, for the picture.
type Fault struct {
	Conn int    `json:"conn"`
	At   int64  `json:"at"`
	What string `json:"what"`
}

// History is what all clients of one run saw.
type History struct {
	Classic bool        `json:"classic,omitempty"` // get is not re-entrant [CLASSIC-2]
	Addrs   []string    `json:"addrs,omitempty"`   // by connection, as dumps show them; "" is unknown
	Prefix  string      `json:"prefix,omitempty"`  // of all names; pictures omit it
	Ops     []Operation `json:"ops"`
	Faults  []Fault     `json:"faults,omitempty"`
}

// Read reads a history written by Write.
func Read(path string) (*History, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	h := new(History)
	if err := json.Unmarshal(data, h); err != nil {
		return nil, fmt.Errorf("%s is not a history: %w", path, err)
	}
	return h, nil
}

// Write writes a history as JSON.
func (h *History) Write(path string) error {
	data, err := json.MarshalIndent(h, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o644)
}

// inspection says whether an operation changes nothing; if it is unanswered it has no
// meaning.
func (o *Operation) inspection() bool {
	return o.Command == Inspect || o.Command == InspectShared || o.spansNames()
}

// spansNames says whether the operation is about the tables as a whole.
func (o *Operation) spansNames() bool {
	return o.Command == Statistics || o.Command == Dump || o.Command == DumpShared
}

// shared says whether the operation is about the shared table.
func (o *Operation) shared() bool {
	switch o.Command {
	case GetShared, ReleaseShared, InspectShared, GetBounded, WaitBounded:
		return true
	}
	return false
}

// waits says whether the operation is a wait.
func (o *Operation) waits() bool { return o.Command == WaitGet || o.Command == WaitBounded }

// acquires says whether the operation asks for a lock.
func (o *Operation) acquires() bool {
	return o.Command == Get || o.Command == GetShared || o.Command == GetBounded || o.waits()
}

// ParseLine returns the command, the bound and the name of a line, as Line wrote it.
func ParseLine(line string) (o Operation) {
	word, rest, _ := strings.Cut(line, " ")
	o.Command, o.Name = word, rest
	if word == "w" {
		_, rest, _ = strings.Cut(rest, " ")
		word, rest, _ = strings.Cut(rest, " ")
		o.Command, o.Name = "w "+word, rest
	}
	if o.Command == GetBounded || o.Command == WaitBounded {
		bound, name, _ := strings.Cut(rest, " ")
		o.Bound, _ = strconv.Atoi(bound)
		o.Name = name
	}
	return o
}

// Line returns the line that asks for the operation; a wait is one of some milliseconds.
func (o *Operation) Line(ms int) string {
	switch o.Command {
	case WaitGet:
		return strings.TrimSuffix(fmt.Sprintf("w %d g %s", ms, o.Name), " ")
	case WaitBounded:
		return strings.TrimSuffix(fmt.Sprintf("w %d b %d %s", ms, o.Bound, o.Name), " ")
	case GetBounded:
		return strings.TrimSuffix(fmt.Sprintf("b %d %s", o.Bound, o.Name), " ")
	}
	return strings.TrimSuffix(o.Command+" "+o.Name, " ")
}

// valid checks the assumptions of the models.
func (h *History) valid() error {
	ended := map[int]bool{}
	for i, op := range h.Ops {
		if op.Conn < 0 {
			return fmt.Errorf("operation %d has connection %d; want 0 or more", i, op.Conn)
		}
		if op.Return <= op.Call {
			return fmt.Errorf("operation %d returns at %d, before its call at %d", i, op.Return, op.Call)
		}
		if op.Command == End {
			if ended[op.Conn] {
				return fmt.Errorf("connection %d ends twice", op.Conn)
			}
			ended[op.Conn] = true
		}
	}
	for i, op := range h.Ops {
		if !ended[op.Conn] {
			return fmt.Errorf("operation %d: connection %d never ends", i, op.Conn)
		}
	}
	return nil
}
