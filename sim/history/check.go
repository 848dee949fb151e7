package history

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"
)

// Timeout is how long the check of one partition may take.
const Timeout = 20 * time.Second

// Violation says that nothing explains a history, or that porcupine did not
// find out in time, which counts as one.
type Violation struct {
	Part   string // the table and name, or "all names together"
	Result porcupine.CheckResult

	operations []porcupine.Operation
	model      porcupine.Model
	faults     []Fault
}

func (v *Violation) Error() string {
	if v.Result == porcupine.Unknown {
		return fmt.Sprintf("%s: porcupine reached no verdict on %d operations within %v", v.Part, len(v.operations), Timeout)
	}
	return fmt.Sprintf("%s: no order of these %d operations explains what the clients saw", v.Part, len(v.operations))
}

// Check decides whether a history is linearizable: every name in every table
// on its own and, if the history is short enough, all of them together. The
// error is a *Violation, or says why the history is none. It must not be called
// inside a synctest bubble, where its timeouts never fire.
func (h *History) Check() error {
	if err := h.valid(); err != nil {
		return err
	}
	for _, p := range h.partitions() {
		table := "exclusive lock "
		if p.Shared {
			table = "shared lock "
		}
		if err := h.decide(table+p.Name, p, modelOfOne(h.Classic)); err != nil {
			return err
		}
	}
	if w, ok := h.whole(); ok {
		return h.decide("all names together", w.partition, modelOfAll(w, h.Classic))
	}
	return nil
}

func (h *History) decide(part string, p partition, model porcupine.Model) error {
	if p.conns > maxConns {
		return fmt.Errorf("%s: %d connections in one history, at most %d can be checked", part, p.conns, maxConns)
	}
	result := porcupine.CheckOperationsTimeout(model, p.operations, Timeout)
	if result == porcupine.Ok {
		return nil
	}
	return &Violation{Part: part, Result: result, operations: p.operations, model: model, faults: h.Faults}
}

// Picture writes porcupine's interactive picture of a violation as HTML, with
// disconnects and faults as annotations.
func (v *Violation) Picture(path string) error {
	_, info := porcupine.CheckOperationsVerbose(v.model, v.operations, Timeout)
	var notes []porcupine.Annotation
	row := map[int]int{} // of a connection, in the picture
	for _, o := range v.operations {
		op, conn := o.Input.(input).op, o.Input.(input).conn
		row[op.Conn] = conn
		if op.Command == End {
			notes = append(notes, porcupine.Annotation{
				Tag: "disconnects", Start: op.Call, End: op.Return, BackgroundColor: "#f4cccc",
				Description: fmt.Sprintf("%d ends", conn), Details: fmt.Sprintf("connection %d of the history", op.Conn),
			})
		}
	}
	for _, f := range v.faults {
		if conn, ok := row[f.Conn]; ok {
			notes = append(notes, porcupine.Annotation{
				Tag: "faults", Start: f.At, BackgroundColor: "#fce5cd",
				Description: fmt.Sprintf("%d: %s", conn, f.What), Details: fmt.Sprintf("connection %d of the history", f.Conn),
			})
		}
	}
	info.AddAnnotations(notes)
	return porcupine.VisualizePath(v.model, info, path)
}
