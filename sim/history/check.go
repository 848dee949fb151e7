package history

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// Timeout is how long the check of one partition may take.
const Timeout = 20 * time.Second

// wholeTimeout is how long the check of all names together may take, for which some
// histories are too hard however short they are. Only tests change it.
var wholeTimeout = 5 * time.Second

// Violation is the error for a history that is not linearizable, or for which porcupine
// reached no verdict on one of the names in time.
type Violation struct {
	Part   string // the table and name, or "all names together"
	Result porcupine.CheckResult

	history *History
	checked partition
}

func (v *Violation) Error() string {
	if v.Result == porcupine.Unknown {
		return fmt.Sprintf("%s: porcupine reached no verdict on %d operations within %v", v.Part, len(v.checked.operations), Timeout)
	}
	return fmt.Sprintf("%s: no order of these %d operations explains what the clients saw", v.Part, len(v.checked.operations))
}

// History returns the checked history.
func (v *Violation) History() *History { return v.history }

// together is the name of the part that is the whole history.
const together = "all names together"

// Check decides whether a history is linearizable: every name in every table
// on its own and, if that is not too hard, all of them together. The
// error is a *Violation, or says why the history is invalid. Check must not be called
// inside a synctest bubble, where its timeouts never fire.
func (h *History) Check() error {
	_, err := h.Decide()
	return err
}

// Decide is Check, and says whether all names were checked together.
func (h *History) Decide() (whole bool, err error) {
	if err := h.valid(); err != nil {
		return false, err
	}
	for _, p := range h.parts() {
		if p.conns() > maxConns {
			return false, fmt.Errorf("%s: %d connections in one history, at most %d can be checked", p.title(), p.conns(), maxConns)
		}
		limit := Timeout
		if p.whole {
			limit = wholeTimeout
		}
		switch result := p.check(limit); {
		case result == porcupine.Ok:
			whole = p.whole
		case result == porcupine.Illegal || !p.whole:
			return false, &Violation{Part: p.title(), Result: result, history: h, checked: p}
		}
	}
	return whole, nil
}

// parts returns all partitions and, last, the whole history, if it is short enough.
func (h *History) parts() []partition {
	list := h.partitions()
	if w, ok := h.whole(); ok {
		list = append(list, w.partition)
	}
	return list
}

// check checks one part of a history.
func (p *partition) check(timeout time.Duration) porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(p.model, p.operations, timeout)
}
