package wire

import (
	"bufio"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestAppendLock checks every reply to a lock command, in both dialects: GET-4,
// REL-4, INS-2, SGET-3, SREL-4, SINS-3, CLASSIC-1.
func TestAppendLock(t *testing.T) {
	for _, c := range []struct {
		command         Command
		n               int
		glockd, classic string
	}{
		{Get, 1, "1 Lock Get Success: x\n", "1 Got Lock\r\n"},
		{Get, 0, "0 Lock Get Failure: x\n", "0 Cannot Get Lock\r\n"},
		{Release, 1, "1 Lock Release Success: x\n", "1 Released Lock\r\n"},
		{Release, 0, "0 Lock Release Failure: x\n", "0 Cannot Release Lock\r\n"},
		{Inspect, 1, "1 Lock Is Locked: x\n", "1 Locked\r\n"},
		{Inspect, 0, "0 Lock Not Locked: x\n", "0 Not Locked\r\n"},
		{GetShared, 1, "1 Shared Lock Get Success: x\n", "1 Got Lock\r\n"},
		{GetShared, 120, "120 Shared Lock Get Success: x\n", "120 Got Lock\r\n"},
		{ReleaseShared, 1, "1 Shared Lock Release Success: x\n", "1 Released Lock\r\n"},
		{ReleaseShared, 0, "0 Shared Lock Release Failure: x\n", "0 Cannot Release Lock\r\n"},
		{InspectShared, 3, "3 Shared Lock Is Locked: x\n", "3 Locked\r\n"},
		{InspectShared, 0, "0 Shared Lock Not Locked: x\n", "0 Not Locked\r\n"},
	} {
		if got := string(Glockd.AppendLock(nil, c.command, c.n, []byte("x"))); got != c.glockd {
			t.Errorf("got %q, want %q", got, c.glockd)
		}
		if got := string(Classic.AppendLock(nil, c.command, c.n, []byte("x"))); got != c.classic {
			t.Errorf("got %q, want %q", got, c.classic)
		}
	}
}

// TestReplyRoundTrip checks that write, read, write is the identity.
func TestReplyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom([]Dialect{Glockd, Classic}).Draw(t, "dialect")
		command := Command(rapid.IntRange(int(Get), int(InspectShared)).Draw(t, "command"))
		n := rapid.SampledFrom([]int{0, 1, 2, 10, math.MaxInt32}).Draw(t, "n")
		name := rapid.SliceOf(rapid.SampledFrom([]byte("ab :\x00\xff"))).Draw(t, "name")
		written := d.AppendLock(nil, command, n, name)
		reply, err := NewReplyReader(iotest.OneByteReader(strings.NewReader(string(written))), 0).Reply()
		if err != nil || reply.N != int64(n) {
			t.Fatalf("%q is %+v, %v", written, reply, err)
		}
		if diff := cmp.Diff(string(written), string(d.AppendReply(nil, reply))); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestParseReply checks that lines that are not replies are rejected (REPLY-2).
func TestParseReply(t *testing.T) {
	for _, line := range []string{
		"", " ", "1", "x", "x y", "-1 x", "+1 x", "01 x", "1.0 x", " 1 x", "0x1 x",
		"99999999999999999999 x", "9223372036854775808 x", strings.Repeat("1", 100) + " x",
	} {
		if r, err := ParseReply([]byte(line)); !errors.Is(err, ErrNotLockd) {
			t.Errorf("%q is %+v, %v", line, r, err)
		}
	}
	if r, err := ParseReply([]byte("0 ")); err != nil || r != (Reply{}) {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestReplyReader checks the errors for streams that violate the protocol.
func TestReplyReader(t *testing.T) {
	for _, c := range []struct {
		stream string
		want   error
	}{
		{"", io.EOF},
		{"1 Lock", io.ErrUnexpectedEOF},
		{strings.Repeat("x", 5000), ErrNotLockd},
		{"1 " + strings.Repeat("x", 5000) + "\n", ErrNotLockd},
		{"HTTP/1.1 400 Bad Request\r\n", ErrNotLockd},
	} {
		r := NewReplyReader(strings.NewReader(c.stream), 4500)
		if _, err := r.Reply(); !errors.Is(err, c.want) {
			t.Errorf("%.20q: got %v, want %v", c.stream, err, c.want)
		}
	}
	long := strings.Repeat("x", bufio.MaxScanTokenSize)
	if line, err := NewReplyReader(strings.NewReader(long+"\r\n"), 0).Line(); err != nil || string(line) != long {
		t.Errorf("a line of %d bytes is %d, %v", len(long), len(line), err)
	}
}

// TestStats checks that Stats reads the statistics that both dialects write
// (STATS-2, CLASSIC-4).
func TestStats(t *testing.T) {
	f := Figures{PID: 4242, Connections: 5, Locks: 6, SharedLocks: 7, Orphans: 8, SharedOrphans: math.MaxUint64 - 8}
	for command := range f.Commands {
		f.Commands[command] = uint64(100 + command)
	}
	classic := map[string]uint64{
		"pid": 4242, "conns": 5, "locks": 13, "orphans": math.MaxUint64, "commands": 7*100 + 2 + 3 + 4 + 5 + 6 + 7 + 8,
		"command_g": 102, "command_r": 103, "command_i": 104, "command_sg": 105, "command_sr": 106, "command_si": 107, "command_q": 108,
	}
	glockd := map[string]uint64{
		"connections": 5, "locks": 6, "shared_locks": 7, "orphans": 8, "shared_orphans": math.MaxUint64 - 8, "invalid_commands": 101,
	}
	for command := Get; command <= Who; command++ { // none of the extended level (EXT-2)
		glockd["command_"+command.String()] = f.Commands[command]
	}
	for d, want := range map[Dialect]map[string]uint64{Glockd: glockd, Classic: classic} {
		text := string(d.AppendStats(nil, &f))
		r := NewReplyReader(strings.NewReader(text+"1 more\n"), 0)
		got, err := r.Stats()
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v: %v\n%s", d, err, diff)
		}
		if next, err := r.Reply(); err != nil || next.Text != "more" {
			t.Errorf("%v: after the statistics comes %+v, %v", d, next, err)
		}
	}
	for _, stream := range []string{"", "locks: x\n", "locks\n", "locks: 1\n", strings.Repeat("locks: 1\n", 100)} {
		if got, err := NewReplyReader(strings.NewReader(stream), 0).Stats(); err == nil {
			t.Errorf("%.20q is %v", stream, got)
		}
	}
}

// TestDialect checks the names of dialects.
func TestDialect(t *testing.T) {
	for _, d := range []Dialect{Glockd, Classic} {
		text, _ := d.MarshalText()
		var again Dialect
		if err := again.UnmarshalText(text); err != nil || again != d {
			t.Errorf("%q is %v, %v", text, again, err)
		}
	}
	if _, err := ParseDialect("perl"); err == nil || !strings.Contains(err.Error(), `"perl"`) {
		t.Errorf("got %v", err)
	}
}
