package history

// Finish ends the connections that are open in the record of an interrupted run. Each
// may have ended at any time after its last answered command, and its unanswered
// commands may or may not have been executed until then.
func (h *History) Finish() {
	last := int64(0)
	ended := map[int]bool{}
	for i := range h.Ops {
		op := &h.Ops[i]
		last = max(last, op.Call, op.Return)
		ended[op.Conn] = ended[op.Conn] || op.Command == End
	}
	var open []int // connections, in the order of their first operations
	ends := map[int]*Operation{}
	for i := range h.Ops {
		op := &h.Ops[i]
		if ended[op.Conn] {
			continue
		}
		end := ends[op.Conn]
		if end == nil {
			end = &Operation{Conn: op.Conn, Command: End, Call: op.Call, Return: last + 1}
			ends[op.Conn] = end
			open = append(open, op.Conn)
		}
		end.Seq = max(end.Seq, op.Seq+1)
		if op.Answered {
			end.Call = max(end.Call, op.Call)
		} else {
			op.Return = last + 1
		}
	}
	for _, conn := range open {
		h.Ops = append(h.Ops, *ends[conn])
	}
}
