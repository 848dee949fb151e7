package world

import (
	"bytes"
	"strings"

	"lockd/sim/history"
)

// recorder records what the clients of a run saw, as a history for porcupine. It
// is a cross-check: it does not use the model, and parses what the clients read.
type recorder struct {
	history history.History
	clock   int64
	classic bool
}

// maxOwed bounds the commands of one client whose replies it has not read.
const maxOwed = 4

// clientRecord is what one client of a recorded run has seen of its connection.
type clientRecord struct {
	conn    int
	seq     int
	owed    []int // operations without a reply, by index in the history
	mine    []int // all operations
	replies []byte
	leaving int64 // when the client began to leave; 0 before
	mark    int64 // the call of the newest operation that was answered; at first, when it connected
}

func (r *recorder) now() int64 {
	r.clock++
	return r.clock
}

// wrote notes that a client has sent some lines.
func (r *recorder) wrote(s *clientRecord, lines []byte) {
	now := r.now()
	for line := range strings.Lines(string(lines)) {
		op := history.ParseLine(strings.TrimSuffix(line, "\n"))
		op.Conn, op.Seq, op.Call = s.conn, s.seq, now
		s.seq++
		s.owed = append(s.owed, len(r.history.Ops))
		s.mine = append(s.mine, len(r.history.Ops))
		r.history.Ops = append(r.history.Ops, op)
	}
}

// read adds all complete replies that a client has read.
func (r *recorder) read(s *clientRecord) error {
	for {
		line, rest, whole := bytes.Cut(s.replies, newline)
		if !whole {
			return nil
		}
		if len(s.owed) == 0 {
			return &unasked{string(line)}
		}
		op := &r.history.Ops[s.owed[0]]
		if err := op.Answer(bytes.TrimSuffix(line, []byte("\r")), r.classic, r.now()); err != nil {
			return err
		}
		s.mark = op.Call
		s.owed, s.replies = s.owed[1:], rest
	}
}

type unasked struct{ line string }

func (u *unasked) Error() string { return "a client that has sent no command got the reply " + u.line }

// ended notes that the server has ended a connection.
func (r *recorder) ended(s *clientRecord) {
	call := s.leaving
	if call == 0 {
		call = s.mark
	}
	end := history.Operation{Conn: s.conn, Seq: s.seq, Command: history.End, Call: call, Return: r.now()}
	for _, i := range s.owed {
		r.history.Ops[i].Return = max(end.Return, r.history.Ops[i].Call+1)
	}
	r.history.Ops = append(r.history.Ops, end)
}
