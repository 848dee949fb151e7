package transcript

import (
	"fmt"
	"sync"
	"time"
)

// Entry is one thing that happened during a case.
type Entry struct {
	At   time.Duration `json:"at_ns"` // since the case began
	Conn string        `json:"conn"`
	// Kind is "sent", "received" or "note".
	Kind string `json:"kind"`
	// Text is a note, or the bytes as Go string literals, one a line, shortened.
	Text string `json:"text"`
	// Bytes is the length of what was sent or received.
	Bytes int `json:"bytes,omitempty"`
}

// The numbers of entries that are kept of a conversation: its beginning and its end
// explain a failure.
const (
	keepFirst = 20
	keepLast  = 40
)

// Transcript records a conversation. Its times are relative to the call of [New]. It is
// safe for concurrent use.
type Transcript struct {
	start time.Time
	mu    sync.Mutex
	first []Entry
	last  []Entry
	lost  int
}

// New returns a transcript that begins now.
func New() *Transcript { return &Transcript{start: time.Now()} }

// Took returns the time since the transcript began.
func (t *Transcript) Took() time.Duration { return time.Since(t.start) }

func (t *Transcript) add(conn, kind, text string, bytes int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := Entry{time.Since(t.start), conn, kind, text, bytes}
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

// Data adds bytes that were sent or received, as kind says.
func (t *Transcript) Data(conn, kind string, p []byte) { t.add(conn, kind, quoteLines(p), len(p)) }

// Note adds a remark; conn may be empty.
func (t *Transcript) Note(conn, format string, args ...any) {
	t.add(conn, "note", fmt.Sprintf(format, args...), 0)
}

// Entries returns what was recorded, in order.
func (t *Transcript) Entries() []Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	entries := append([]Entry(nil), t.first...)
	last := t.last
	if over := len(last) - keepLast; over > 0 {
		last = last[over:]
	}
	if lost := t.lost + len(t.last) - len(last); lost > 0 {
		entries = append(entries, Entry{last[0].At, "", "note", fmt.Sprintf("… %d entries left out …", lost), 0})
	}
	return withoutRepeats(append(entries, last...))
}

// withoutRepeats replaces runs of the same request with the same reply: it keeps the
// first and the last pair, and a note in between.
func withoutRepeats(entries []Entry) []Entry {
	alike := func(a, b Entry) bool { return a.Conn == b.Conn && a.Kind == b.Kind && a.Text == b.Text }
	var kept []Entry
	for i := 0; i < len(entries); {
		n := 0 // how often the pair at i follows itself
		for j := i + 2; j+1 < len(entries) && entries[i].Kind == "sent" && entries[i+1].Kind == "received" &&
			alike(entries[i], entries[j]) && alike(entries[i+1], entries[j+1]); j += 2 {
			n++
		}
		if n < 3 {
			kept = append(kept, entries[i])
			i++
			continue
		}
		last := i + 2*n
		kept = append(kept, entries[i], entries[i+1],
			Entry{entries[i+2].At, entries[i].Conn, "note", fmt.Sprintf("… the same %d times …", n-1), 0},
			entries[last], entries[last+1])
		i = last + 2
	}
	return kept
}
