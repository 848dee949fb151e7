package history

import (
	"cmp"
	"slices"

	"github.com/anishathalye/porcupine"
)

// maxConns bounds the connections in one partition, so that a set of them fits
// into a word.
const maxConns = 64

// input is an operation as the models see it.
type input struct {
	op   *Operation
	conn int // counted from 0 within the partition
	// seq is the index of the operation among those of its connection in the
	// partition; for an end, how many answered ones come before it.
	seq uint16
	// name is the operation's name as a number, in the model of all names.
	name int
	// over says that it is the end of a wait, whose beginning is another input. A wait
	// without an answer may also have ended: its time may have passed.
	over bool
}

// partition is the part of a history that one model checks.
type partition struct {
	key
	whole      bool // all names, instead of the key's
	operations []porcupine.Operation
	labels     []int // the numbers in the history, by number in the partition
	model      porcupine.Model
}

// key is a name in a table.
type key struct {
	shared bool
	name   string
}

func (o *Operation) key() key { return key{o.shared(), o.Name} }

func (k key) compare(other key) int {
	if c := cmp.Compare(k.name, other.name); c != 0 || k.shared == other.shared {
		return c
	}
	if k.shared {
		return 1
	}
	return -1
}

func (p *partition) conns() int { return len(p.labels) }

func (p *partition) title() string {
	switch {
	case p.whole:
		return together
	case p.shared:
		return "shared lock " + p.name
	}
	return "exclusive lock " + p.name
}

// partitions splits a history by table and name, sorted. The end of a
// connection is copied into every partition in which the connection has operations.
func (h *History) partitions() []partition {
	ops := map[key][]*Operation{}
	ends := map[int]*Operation{}
	for i := range h.Ops {
		op := &h.Ops[i]
		switch {
		case op.Command == End:
			ends[op.Conn] = op
		case !op.spansNames():
			ops[op.key()] = append(ops[op.key()], op)
		}
	}
	var list []partition
	for k, some := range ops {
		operations, labels := prepare(some, ends, nil)
		model := modelOfOne(h.Classic, h.view(labels))
		list = append(list, partition{key: k, operations: operations, labels: labels, model: model})
	}
	slices.SortFunc(list, func(a, b partition) int { return a.key.compare(b.key) })
	return list
}

// prepare converts operations and the ends of their connections for porcupine. It drops
// unanswered inspections, and renumbers connections and the operations of each. labels
// are the connections' old numbers.
func prepare(ops []*Operation, ends map[int]*Operation, names map[string]int) (operations []porcupine.Operation, labels []int) {
	ops = slices.DeleteFunc(slices.Clone(ops), func(op *Operation) bool { return !op.Answered && op.inspection() })
	slices.SortStableFunc(ops, func(a, b *Operation) int {
		return cmp.Or(cmp.Compare(a.Conn, b.Conn), cmp.Compare(a.Seq, b.Seq))
	})
	number := map[int]int{}
	var seqs, answered []uint16
	for _, op := range ops {
		conn, known := number[op.Conn]
		if !known {
			conn = len(number)
			number[op.Conn] = conn
			labels = append(labels, op.Conn)
			seqs, answered = append(seqs, 0), append(answered, 0)
		}
		in := input{op: op, conn: conn, seq: seqs[conn], name: names[op.Name]}
		seqs[conn]++
		operations = append(operations, operation(in))
		if op.waits() {
			in.seq, in.over = seqs[conn], true
			seqs[conn]++
			operations = append(operations, operation(in))
		}
		if op.Answered {
			answered[conn] = seqs[conn]
		}
	}
	for i, last := 0, -1; i < len(ops); i++ {
		if ops[i].Conn != last {
			last = ops[i].Conn
			conn := number[last]
			operations = append(operations, operation(input{op: ends[last], conn: conn, seq: answered[conn]}))
		}
	}
	return operations, labels
}

func operation(in input) porcupine.Operation {
	return porcupine.Operation{ClientId: in.conn, Input: in, Call: in.op.Call, Output: in.op, Return: in.op.Return}
}
