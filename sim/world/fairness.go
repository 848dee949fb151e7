package world

import (
	"strings"

	"lockd/server/core"
)

// fairness is an oracle of its own for waits, which does not know the model: it sees who
// stands in, and what they are answered. It knows for which lock only from a grant, so it
// does not see that one times out whose turn it was.
type fairness struct {
	stands  int                // so far
	waiting map[core.ID]int    // when each connection that waits has stood in
	ended   map[core.ID]bool   // whose client's end was seen
	granted map[string]granted // by the text of the grant: a name in one table
	stopped bool
}

// granted is the last grant of a name after a wait.
type granted struct {
	stood int // when the one that was granted it had stood in
	to    core.ID
}

func newFairness() fairness {
	return fairness{waiting: map[core.ID]int{}, ended: map[core.ID]bool{}, granted: map[string]granted{}}
}

// stand notes that a connection waits.
func (f *fairness) stand(t *traced, id core.ID) {
	if f.stopped || f.ended[id] {
		t.Failf("WAIT-6, WAIT-7: connection number %d waits, after its end or a stop", id)
	}
	f.stands++
	f.waiting[id] = f.stands
}

// answer checks an answer to a connection that waited: names are granted in the order in
// which the waits for them began (WAIT-2), and to nobody whose end was seen (WAIT-6).
func (f *fairness) answer(t *traced, r core.Resumed) {
	stood, waits := f.waiting[r.To]
	delete(f.waiting, r.To)
	_, text, _ := strings.Cut(string(r.Reply), " ")
	switch {
	case !waits:
		t.Failf("WAIT-5: connection number %d is answered %q, and does not wait", r.To, r.Reply)
	case r.Reply[0] == '0':
	case f.ended[r.To] || f.stopped:
		t.Failf("WAIT-6, WAIT-7: connection number %d is granted %q, after its end or a stop", r.To, text)
	case stood < f.granted[text].stood:
		t.Failf("WAIT-2: connection number %d is granted %q after number %d, which had come later", r.To, text, f.granted[text].to)
	default:
		f.granted[text] = granted{stood, r.To}
	}
}

// end notes that a connection has ended.
func (f *fairness) end(id core.ID) {
	delete(f.waiting, id)
	delete(f.ended, id)
}
