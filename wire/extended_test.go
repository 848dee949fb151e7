package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestParseAcquire checks the arguments of w and b: EXT-1, EXT-3, WAIT-1, BOUND-1.
func TestParseAcquire(t *testing.T) {
	malformed := Acquire{Wait: -1}
	for line, want := range map[string]Acquire{
		"w 5 g a":                    {Wait: 5, Name: []byte("a")},
		"w 0 g a b":                  {Wait: 0, Name: []byte("a b")},
		"w 5 g":                      {Wait: 5},
		" w  5\tg  a ":               {Wait: 5, Name: []byte("a")},
		"w 1000000000000 g a":        {Wait: 1e12, Name: []byte("a")},
		"w 1000000000001 g a":        malformed,
		"w 99999999999999999999 g a": malformed,
		"w 5 b 3 a b":                {Bounded: true, Wait: 5, Bound: 3, Name: []byte("a b")},
		"w 5 b 3":                    {Bounded: true, Wait: 5, Bound: 3},
		"w 5 b 0 3":                  {Bounded: true, Wait: 5, Bound: 0, Name: []byte("3")},
		"b 3 a":                      {Bounded: true, Bound: 3, Name: []byte("a")},
		"b 0":                        {Bounded: true},
		"b 1000000000 x":             {Bounded: true, Bound: 1e9, Name: []byte("x")},
		"b 1000000001 x":             malformed,
		"w":                          malformed,
		"w 5":                        malformed,
		"w x g a":                    malformed,
		"w -1 g a":                   malformed,
		"w +1 g a":                   malformed,
		"w 007 g a":                  malformed,
		"w 1e3 g a":                  malformed,
		"w 5 r a":                    malformed,
		"w 5 sg a":                   malformed,
		"w 5 G a":                    malformed,
		"w 5 ga":                     malformed,
		"w 5 w 5 g a":                malformed,
		"w 5 b":                      malformed,
		"w 5 b job":                  malformed,
		"w g a":                      malformed,
		"b":                          malformed,
		"b -1 x":                     malformed,
		"b job":                      malformed,
		"b 3x":                       malformed,
		"b 03 x":                     malformed,
		"b \xd9\xa3 x":               malformed, // an Arabic digit
	} {
		var p Parser
		got, ok := ParseAcquire(p.Parse([]byte(line)))
		if wantOK := want.Wait >= 0; ok != wantOK {
			t.Errorf("%q is accepted: %v", line, ok)
		} else if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); ok && diff != "" {
			t.Errorf("%q: %s", line, diff)
		}
	}
}

// TestAcquireRoundTrip checks that what a client writes is what the server reads.
func TestAcquireRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Acquire{Bounded: rapid.Bool().Draw(t, "bounded"), Name: []byte(rapid.SampledFrom([]string{"", "a", "a b", "5", "g", "\x00\xff"}).Draw(t, "name"))}
		wait := rapid.Bool().Draw(t, "wait") || !a.Bounded
		if a.Bounded {
			a.Bound = rapid.IntRange(0, MaxBound).Draw(t, "bound")
		}
		if wait {
			a.Wait = rapid.Int64Range(0, MaxWait).Draw(t, "wait for")
		}
		line, ok := AppendAcquire([]byte("x"), a, wait)
		if !ok || line[0] != 'x' || line[len(line)-1] != '\n' {
			t.Fatalf("%q, %v", line, ok)
		}
		var p Parser
		got, ok := ParseAcquire(p.Parse(line[1 : len(line)-1]))
		if !ok || got.Bounded != a.Bounded || got.Bound != a.Bound || got.Wait != a.Wait || !bytes.Equal(got.Name, a.Name) {
			t.Fatalf("%q is %+v, %v, want %+v", line, got, ok, a)
		}
	})
	if line, ok := AppendAcquire([]byte("x"), Acquire{Name: []byte("a\nb")}, true); ok || string(line) != "x" {
		t.Errorf("a name with an LF is written as %q, %v", line, ok)
	}
}

// TestParseKill checks the arguments of k (EXT-1, KILL-1, KILL-3).
func TestParseKill(t *testing.T) {
	for line, want := range map[string]string{
		"k 5":                   "5 0 false",
		"k 0":                   "0 0 false",
		"k 5 77":                "5 77 true",
		"k 9223372036854775807": "9223372036854775807 0 false",
		"k 9223372036854775808": "false",
		"k 5 0":                 "5 0 true",
		"k x":                   "false",
		"k -1":                  "false",
		"k 05":                  "false",
		"k 5 x":                 "false",
		"k 5 7 9":               "false",
	} {
		var p Parser
		k, ok := ParseKill(p.Parse([]byte(line)))
		if got := fmt.Sprint(k.Conn, k.Token, k.WithToken); ok != (want != "false") || ok && got != want {
			t.Errorf("%q is %s, want %s", line, got, want)
		}
	}
}

// TestExtendedReplies checks the replies of the extended level.
func TestExtendedReplies(t *testing.T) {
	name := []byte("a b")
	for want, got := range map[string][]byte{
		"0 Shared Lock Full: a b\n":      Glockd.AppendRefusal(nil, Full, name),
		"0 Shared Lock Held: a b\n":      Glockd.AppendRefusal(nil, AlreadyHeld, name),
		"0 Wait Timeout: a b\n":          Glockd.AppendRefusal(nil, TimedOut, name),
		"0 Wait Cancelled: a b\n":        Glockd.AppendRefusal(nil, Cancelled, name),
		"0 Lock Not Held: a b\n":         Glockd.AppendRefusal(nil, NotHeld, name),
		"0 Usage: w MS g NAME\n":         Glockd.AppendUsage(nil, Request{Command: Wait}),
		"0 Usage: w MS b N NAME\n":       Glockd.AppendUsage(nil, Request{Command: Wait, Name: []byte("x b")}),
		"0 Usage: b N NAME\n":            Glockd.AppendUsage(nil, Request{Command: GetBounded}),
		"0 Usage: k CONN TOKEN\n":        Glockd.AppendUsage(nil, Request{Command: Kill}),
		"1234567 Lock Token: a b\n":      Glockd.AppendToken(nil, 1234567, name),
		"1 Killed: 7\n":                  Glockd.AppendKilled(nil, true, 7),
		"0 No Such Connection: 7\n":      Glockd.AppendKilled(nil, false, 7),
		"7 This Connection\n":            Glockd.AppendThisConnection(nil, 7),
		"1 lockd 1.2 wait bound\n":       Glockd.AppendVersion(nil, "1.2", "wait", "bound"),
		"3 Locks: a b\n":                 Glockd.AppendListHead(nil, List, 3, name),
		"1 Waiters: \n":                  Glockd.AppendListHead(nil, ListWaiters, 1, nil),
		"x\t5\t99\t2\t-\t7\tA\tH\ta b\n": Glockd.AppendListed(nil, List, Listed{Age: 5, Token: 99, Waiters: 2, Bound: NoBound, Conn: 7, Addr: "A", Holder: "H", Name: "a b"}),
		"s\t5\t2\t3\t7\tA\tH\t\n":        Glockd.AppendListed(nil, ListWaiters, Listed{Shared: true, Age: 5, Place: 2, Bound: 3, Conn: 7, Addr: "A", Holder: "H"}),
	} {
		if string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestListRoundTrip checks that a client reads the lists that a server writes (LIST-1,
// LIST-3).
func TestListRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SampledFrom([]Command{List, ListWaiters}).Draw(t, "list")
		text := rapid.SampledFrom([]string{"", "a", "a b", "x: y", "\xff"})
		number := rapid.Uint64Range(0, MaxNumber)
		var want []Listed
		texts := 0
		for range rapid.IntRange(0, 4).Draw(t, "lines") {
			l := Listed{
				Shared: rapid.Bool().Draw(t, "shared"), Age: int64(number.Draw(t, "age")), Bound: rapid.IntRange(NoBound, MaxBound).Draw(t, "bound"),
				Conn: number.Draw(t, "conn"), Addr: text.Draw(t, "addr"), Holder: text.Draw(t, "holder"), Name: text.Draw(t, "name"),
			}
			if list == ListWaiters {
				l.Place = int(number.Draw(t, "place"))
			} else {
				l.Token, l.Waiters = number.Draw(t, "token"), int(number.Draw(t, "waiters"))
			}
			texts += len(l.Addr) + len(l.Holder) + len(l.Name)
			want = append(want, l)
		}
		head := Glockd.AppendListHead(nil, list, 1+len(want), []byte("a"))
		stream := head
		for _, l := range want {
			stream = Glockd.AppendListed(stream, list, l)
		}
		if bytes := len(stream) - len(head); bytes > ListedBytes(len(want), texts) {
			t.Fatalf("%d bytes, bound %d", bytes, ListedBytes(len(want), texts))
		}
		first, got, err := NewReplyReader(bytes.NewReader(append(stream, "1 more\n"...)), 0).List(list)
		if err != nil || first.N != int64(1+len(want)) {
			t.Fatal(first, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
	for stream, want := range map[string]string{
		"0 disabled\n": "", "1 Locks: \n": "", "2 Locks: \nx\n": "in a list", "2 Locks: \n": "EOF", "x\n": "not a reply",
		"2 Locks: \ny\t5\t99\t2\t-\t7\tA\tH\ta\n": "in a list", "2 Locks: \nx\t05\t99\t2\t-\t7\tA\tH\ta\n": "not a number",
		"99999999 Locks: \n": "a list of 99999999 lines",
	} {
		_, _, err := NewReplyReader(strings.NewReader(stream), 0).List(List)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", stream, err, want)
		}
	}
	if _, err := ParseListed(List, []byte("x")); !errors.Is(err, ErrNotLockd) {
		t.Error(err)
	}
}
