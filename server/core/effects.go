package core

// Output is bytes that are to be sent on a connection. Data belongs to the
// Effects.
type Output struct {
	To   ID
	Data []byte // never empty
}

// Effects is what calls of Core ask their caller to do: to send outputs, in this
// order where two are for one connection, to let connections go on that have
// waited, and to make a dump; and what happened, if they want to know. It is reused: Reset empties it and
// keeps its memory, up to a bound. The zero value is empty. It is not safe for
// concurrent use.
type Effects struct {
	outputs []Output
	resumed []Resumed
	dump    *Dump
	events  []Event
}

// Resumed is a connection that has waited for a reply, and goes on. The reply may
// be that of others too: it is never changed. It may be empty.
type Resumed struct {
	To    ID
	Reply []byte
}

// keptOutput is the capacity in bytes up to which the memory of an output is
// kept for the next one.
const keptOutput = 2 * outputBatch

// Reset makes the Effects empty.
func (e *Effects) Reset() {
	for i := range e.outputs {
		data := e.outputs[i].Data[:0]
		if i > 0 || cap(data) > keptOutput {
			data = nil
		}
		e.outputs[i].Data = data
	}
	e.outputs = e.outputs[:0]
	e.resumed, e.dump, e.events = nil, nil, nil
}

// Resumed returns the connections that go on, after all outputs.
func (e *Effects) Resumed() []Resumed { return e.resumed }

// Dump returns the dump that is to be made, nil if there is none.
func (e *Effects) Dump() *Dump { return e.dump }

// Outputs returns all outputs, valid until the next Reset.
func (e *Effects) Outputs() []Output { return e.outputs }

// To returns what is to be sent on one connection, in one piece, valid until the
// next Reset.
func (e *Effects) To(id ID) []byte {
	var data []byte
	pieces := 0
	for _, o := range e.outputs {
		if o.To != id {
			continue
		}
		if pieces++; pieces == 1 {
			data = o.Data[:len(o.Data):len(o.Data)]
		} else {
			data = append(data, o.Data...)
		}
	}
	return data
}

// Keep makes what To has returned for a connection the caller's: its memory is
// not used again.
func (e *Effects) Keep(id ID) {
	for i := range e.outputs {
		if e.outputs[i].To == id {
			e.outputs[i].Data = nil
		}
	}
}

// Append adds bytes to what is to be sent on a connection.
func (e *Effects) Append(to ID, data []byte) {
	e.end(append(e.begin(to), data...))
}

// Resume lets a connection go on that has waited.
func (e *Effects) Resume(to ID, reply []byte) { e.resumed = append(e.resumed, Resumed{to, reply}) }

// Begin asks for a dump to be made.
func (e *Effects) Begin(d *Dump) { e.dump = d }

// begin returns what the newest output is so far, if it is for that connection,
// else a new one for it. What was appended to it is to be given to end before
// anything else is done with the Effects.
func (e *Effects) begin(to ID) []byte {
	n := len(e.outputs)
	if n > 0 && e.outputs[n-1].To == to {
		return e.outputs[n-1].Data
	}
	if n < cap(e.outputs) {
		e.outputs = e.outputs[:n+1]
		e.outputs[n].To = to
	} else {
		e.outputs = append(e.outputs, Output{To: to})
	}
	return e.outputs[n].Data // Reset has left it empty
}

// end takes the output that begin returned, with what was appended to it.
func (e *Effects) end(data []byte) {
	n := len(e.outputs) - 1
	e.outputs[n].Data = data
	if len(data) == 0 {
		e.outputs = e.outputs[:n]
	}
}
