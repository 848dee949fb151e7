package client

import (
	"bytes"
	"sync"

	"lockd/wire"
)

// request is the line of a command.
type request struct {
	command wire.Command
	name    string // or the arguments of another command
	wait    int64  // milliseconds, of wire.Wait
	bound   int    // of wire.GetBounded and wire.Wait; negative for one that waits for an exclusive lock
	behind  string // a name, whose inspection goes behind it
}

// call is a request and its reply.
type call struct {
	request
	// take takes a line of the reply, and says whether that was the last, and whether it
	// was one at all. nil is a reply of one line, which answer reads.
	take func(line []byte) (last, taken bool, err error)

	n     int64  // the number of the reply (REPLY-2)
	text  string // its text, if it is not about a name
	err   error  // the server's refusal, or why there is no reply
	ready chan struct{}
}

// calls has calls that nobody refers to.
var calls = sync.Pool{New: func() any { return &call{ready: make(chan struct{}, 1)} }}

func newCall(r request) *call {
	k := calls.Get().(*call)
	k.request, k.take, k.n, k.text, k.err = r, nil, 0, "", nil
	return k
}

// appendLine appends the line of the request. scratch is reused between calls.
func (r *request) appendLine(dst []byte, scratch *[]byte) []byte {
	switch r.command {
	case wire.Wait, wire.Get, wire.GetBounded:
		*scratch = append((*scratch)[:0], r.name...)
		a := wire.Acquire{Bounded: r.command == wire.GetBounded || r.command == wire.Wait && r.bound >= 0, Bound: r.bound, Wait: r.wait, Name: *scratch}
		dst, _ = wire.AppendAcquire(dst, a, r.command == wire.Wait)
		return dst
	}
	dst, _ = wire.AppendRequest(dst, r.command, r.name)
	if r.behind != "" {
		dst, _ = wire.AppendRequest(dst, wire.Inspect, r.behind)
	}
	return dst
}

// answer reads a reply of one line. An error means that the server does not speak the
// protocol, or that replies have got lost.
func (k *call) answer(line []byte) error {
	n, text, err := wire.CutReply(line)
	if err != nil {
		return err
	}
	if k.n = n; n == 0 {
		head, _, _ := bytes.Cut(text, []byte{':'})
		k.err = refusals[string(head)]
	}
	if !k.aboutName() {
		k.text = string(text)
	}
	return nil
}

// aboutName says whether the request is about a name, which its reply repeats in the
// dialect that does so.
func (r *request) aboutName() bool {
	switch r.command {
	case wire.Get, wire.Release, wire.Inspect, wire.GetShared, wire.ReleaseShared, wire.InspectShared,
		wire.GetBounded, wire.Wait, wire.Token, wire.SharedToken:
		return true
	}
	return false
}

// refusals are the errors for the texts of refusals up to their colon, in both dialects.
// "Lock Not Locked" and the like are answers.
var refusals = map[string]error{
	"Lock Get Failure":            ErrHeld,
	"Cannot Get Lock":             ErrHeld,
	"Lock Release Failure":        ErrNotHeld,
	"Shared Lock Release Failure": ErrNotHeld,
	"Cannot Release Lock":         ErrNotHeld,
	"Lock Not Held":               ErrNotHeld,
	"Shared Lock Full":            ErrFull,
	"Shared Lock Held":            ErrOtherBound,
	"Wait Timeout":                ErrTimeout,
	"Wait Cancelled":              ErrCancelled,
	"Lock Limit Reached":          ErrLimit,
	"Too Many Connections":        ErrTooManyConnections,
	"Line Too Long":               ErrTooLong,
	"No Such Connection":          ErrNotFound,
	"disabled":                    ErrDisabled,
	"Reply Too Large":             ErrTooLarge,
	"Invalid Command":             ErrUnsupported,
	"Usage":                       ErrUnsupported,
}

// fits says whether a reply is about the name that was asked for. Another one means that
// a reply has got lost.
func (k *call) fits(line []byte) bool {
	switch k.err {
	case ErrTooLong, ErrTooManyConnections, ErrUnsupported, ErrDisabled:
		return true
	}
	at := len(line) - len(k.name)
	return !k.aboutName() || at >= 2 && string(line[at:]) == k.name && string(line[at-2:at]) == ": "
}
