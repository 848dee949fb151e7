package core

// Output is bytes to be sent on a connection. Data belongs to the Effects.
type Output struct {
	To   ID
	Data []byte // never empty
}

// Effects is what a call of Core asks its caller to do: to send outputs, those for one
// connection in this order, to resume connections that waited, to drop others, and to
// make a dump. It also lists the Events, if Config.Events is set. It is meant to be
// reused: Reset empties it and keeps its memory, up to a bound. The zero value is empty.
// It is not safe for concurrent use.
type Effects struct {
	outputs []Output
	resumed []Resumed
	dropped []ID
	dump    *Dump
	events  []Event
}

// Resumed is a connection that waited for a reply and continues with it. The reply may
// be shared with other connections and must not be changed. It may be empty. What the
// connection has sent behind its wait is not executed: the caller passes it to Receive,
// later (WAIT-5).
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
	e.resumed, e.dropped, e.dump, e.events = nil, nil, nil, nil
}

// Resumed returns the connections to be resumed, after all outputs.
func (e *Effects) Resumed() []Resumed { return e.resumed }

// Dropped returns the connections to be dropped: k has ended them (KILL-1). Core knows
// them no more, but for their Close.
func (e *Effects) Dropped() []ID { return e.dropped }

// Dump returns the dump to be made, nil if there is none.
func (e *Effects) Dump() *Dump { return e.dump }

// Outputs returns all outputs, valid until the next Reset.
func (e *Effects) Outputs() []Output { return e.outputs }

// To returns all bytes to be sent on one connection, in one piece, valid until the
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

// Keep gives the bytes that To returned for a connection to the caller: Reset does not
// reuse their memory.
func (e *Effects) Keep(id ID) {
	for i := range e.outputs {
		if e.outputs[i].To == id {
			e.outputs[i].Data = nil
		}
	}
}

// Append adds bytes to be sent on a connection.
func (e *Effects) Append(to ID, data []byte) {
	e.end(append(e.begin(to), data...))
}

// Resume resumes a connection that waited.
func (e *Effects) Resume(to ID, reply []byte) { e.resumed = append(e.resumed, Resumed{to, reply}) }

// Drop drops a connection.
func (e *Effects) Drop(id ID) { e.dropped = append(e.dropped, id) }

// Begin asks the caller to make a dump.
func (e *Effects) Begin(d *Dump) { e.dump = d }

// begin returns the data of the newest output, if it is for that connection, else of a
// new one. The caller appends to it and passes the result to end before it does
// anything else with the Effects.
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

// end takes the data that begin returned, with what was appended to it.
func (e *Effects) end(data []byte) {
	n := len(e.outputs) - 1
	e.outputs[n].Data = data
	if len(data) == 0 {
		e.outputs = e.outputs[:n]
	}
}
