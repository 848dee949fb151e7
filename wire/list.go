package wire

import (
	"bytes"
	"fmt"
	"strconv"
)

// NoBound is the bound of a holder or waiter without one, which lists show as a hyphen.
const NoBound = -1

// Listed is a line of l or lw (LIST-1, LIST-3).
type Listed struct {
	Shared  bool
	Age     int64  // milliseconds held, or waited
	Token   uint64 // of a holder
	Waiters int    // of the lock of a holder
	Place   int    // of a waiter in its queue, from 1
	Bound   int    // NoBound if there is none
	Conn    uint64
	Addr    string
	Holder  string // how the connection is shown: its registered name, or else Addr
	Name    string
}

// AppendListHead appends the first line of l or lw; lines is the number of lines of the
// whole reply.
func (d Dialect) AppendListHead(dst []byte, list Command, lines int, prefix []byte) []byte {
	dst = strconv.AppendInt(dst, int64(lines), 10)
	if list == ListWaiters {
		dst = append(dst, " Waiters: "...)
	} else {
		dst = append(dst, " Locks: "...)
	}
	return d.AppendEnd(append(dst, prefix...))
}

// AppendListed appends another line of l or lw.
func (d Dialect) AppendListed(dst []byte, list Command, l Listed) []byte {
	table := byte('x')
	if l.Shared {
		table = 's'
	}
	dst = append(dst, table, '\t')
	dst = append(strconv.AppendInt(dst, l.Age, 10), '\t')
	if list == ListWaiters {
		dst = append(strconv.AppendInt(dst, int64(l.Place), 10), '\t')
	} else {
		dst = append(strconv.AppendUint(dst, l.Token, 10), '\t')
		dst = append(strconv.AppendInt(dst, int64(l.Waiters), 10), '\t')
	}
	if l.Bound == NoBound {
		dst = append(dst, '-', '\t')
	} else {
		dst = append(strconv.AppendInt(dst, int64(l.Bound), 10), '\t')
	}
	dst = append(strconv.AppendUint(dst, l.Conn, 10), '\t')
	dst = append(append(dst, l.Addr...), '\t')
	dst = append(append(dst, l.Holder...), '\t')
	return d.AppendEnd(append(dst, l.Name...))
}

// mostListedBytes is the most bytes of a line of l or lw besides its three texts.
const mostListedBytes = len("x\t\t\t\t\t\t\t\t\n") + 5*20

// ListedBytes returns the most bytes that some lines of l or lw take, whose texts take so
// many bytes.
func ListedBytes(lines, texts int) int { return lines*mostListedBytes + texts }

// ParseListed parses a line of l or lw, without its line end.
func ParseListed(list Command, line []byte) (l Listed, err error) {
	fields := bytes.Split(line, []byte{'\t'})
	want := 9
	if list == ListWaiters {
		want = 8
	}
	if len(fields) != want || string(fields[0]) != "x" && string(fields[0]) != "s" {
		return l, fmt.Errorf("%q in a list: %w", line[:min(len(line), quoted)], ErrNotLockd)
	}
	number := func(at int) (n uint64) {
		n, rest, ok := cutNumber(fields[at], MaxNumber)
		if !ok || len(rest) > 0 {
			err = fmt.Errorf("%q is not a number, in a list: %w", fields[at][:min(len(fields[at]), quoted)], ErrNotLockd)
		}
		return n
	}
	l.Shared, l.Age = string(fields[0]) == "s", int64(number(1))
	at := 3
	if list == ListWaiters {
		l.Place = int(number(2))
	} else {
		l.Token, l.Waiters = number(2), int(number(3))
		at = 4
	}
	if l.Bound = NoBound; string(fields[at]) != "-" {
		l.Bound = int(number(at))
	}
	l.Conn = number(at + 1)
	l.Addr, l.Holder, l.Name = string(fields[at+2]), string(fields[at+3]), string(fields[at+4])
	return l, err
}

// maxListed is the most lines of a list that List reads.
const maxListed = 10_000_000

// List reads the reply to l or lw: its first line, as a Reply whose number is 0 if the
// server refuses, and the others. A list of more than maxListed lines is an error.
func (r *ReplyReader) List(list Command) (head Reply, lines []Listed, err error) {
	head, err = r.Reply()
	if err != nil || head.N <= 1 {
		return head, nil, err
	}
	if head.N > maxListed {
		return head, nil, fmt.Errorf("a list of %d lines: %w", head.N, ErrNotLockd)
	}
	for range head.N - 1 {
		line, err := r.Line()
		if err != nil {
			return head, lines, err
		}
		listed, err := ParseListed(list, line)
		if err != nil {
			return head, lines, err
		}
		lines = append(lines, listed)
	}
	return head, lines, nil
}
