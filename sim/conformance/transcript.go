package conformance

import (
	"fmt"
	"sync"
	"time"
)

// Event is one thing that happened during a case.
type Event struct {
	At   time.Duration `json:"at_ns"` // since the case began
	Conn string        `json:"conn"`
	// Kind is "sent", "received" or "note".
	Kind string `json:"kind"`
	// Text is a note, or the bytes as Go string literals, one a line, shortened.
	Text string `json:"text"`
	// Bytes is the length of what was sent or received.
	Bytes int `json:"bytes,omitempty"`
}

// Bounds of what is kept of a conversation: a failure is explained by how it
// began and by what came last.
const (
	keepFirst = 20
	keepLast  = 40
)

// transcript records a conversation. It is safe for concurrent use.
type transcript struct {
	start time.Time
	mu    sync.Mutex
	first []Event
	last  []Event
	lost  int
}

func (t *transcript) add(conn, kind, text string, bytes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := Event{time.Since(t.start), conn, kind, text, bytes}
	if len(t.first) < keepFirst {
		t.first = append(t.first, e)
		return
	}
	t.last = append(t.last, e)
	if len(t.last) >= 2*keepLast {
		t.lost += len(t.last) - keepLast
		t.last = append(t.last[:0], t.last[len(t.last)-keepLast:]...)
	}
}

func (t *transcript) data(conn, kind string, p []byte) { t.add(conn, kind, quoteLines(p), len(p)) }

func (t *transcript) note(conn, format string, args ...any) {
	t.add(conn, "note", fmt.Sprintf(format, args...), 0)
}

// events returns what was recorded, in order.
func (t *transcript) events() []Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	events := append([]Event(nil), t.first...)
	last := t.last
	if over := len(last) - keepLast; over > 0 {
		last = last[over:]
	}
	if lost := t.lost + len(t.last) - len(last); lost > 0 {
		events = append(events, Event{last[0].At, "", "note", fmt.Sprintf("… %d events left out …", lost), 0})
	}
	return withoutRepeats(append(events, last...))
}

// withoutRepeats keeps the first of the questions that were asked again and
// again with the same answer, and the last.
func withoutRepeats(events []Event) []Event {
	alike := func(a, b Event) bool { return a.Conn == b.Conn && a.Kind == b.Kind && a.Text == b.Text }
	var kept []Event
	for i := 0; i < len(events); {
		n := 0 // how often the pair at i follows itself
		for j := i + 2; j+1 < len(events) && events[i].Kind == "sent" && events[i+1].Kind == "received" &&
			alike(events[i], events[j]) && alike(events[i+1], events[j+1]); j += 2 {
			n++
		}
		if n < 3 {
			kept = append(kept, events[i])
			i++
			continue
		}
		last := i + 2*n
		kept = append(kept, events[i], events[i+1],
			Event{events[i+2].At, events[i].Conn, "note", fmt.Sprintf("… the same %d times …", n-1), 0},
			events[last], events[last+1])
		i = last + 2
	}
	return kept
}
