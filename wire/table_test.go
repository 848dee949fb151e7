package wire

import (
	"strings"
	"testing"
)

func table(pairs ...string) Table {
	return func(yield func(string, string) bool) {
		for i := 0; i < len(pairs); i += 2 {
			if !yield(pairs[i], pairs[i+1]) {
				return
			}
		}
	}
}

// TestDump checks DUMP-5 and DUMP-6.
func TestDump(t *testing.T) {
	for _, c := range []struct {
		locks             Table
		exclusive, shared string
	}{
		{table(), "map[]\n", "map[]\n"},
		{table("", "x"), "map[:x]\n", "map[:[x]]\n"},
		{table("a", "x", "b", "y"), "map[a:x b:y]\n", "map[a:[x] b:[y]]\n"},
		{table("", "x", "", "y", "a", "x", "a", "z", "b", "y"), "map[:x :y a:x a:z b:y]\n", "map[:[x y] a:[x z] b:[y]]\n"},
	} {
		if got := string(Glockd.AppendDump(nil, c.locks)); got != c.exclusive {
			t.Errorf("got %q, want %q", got, c.exclusive)
		}
		if got := string(Glockd.AppendDumpShared(nil, c.locks)); got != c.shared {
			t.Errorf("got %q, want %q", got, c.shared)
		}
	}
}

// TestFullStats checks STATS-9, DUMP-9 and CLASSIC-5.
func TestFullStats(t *testing.T) {
	var f Figures
	exclusive, shared := table("a", "x"), table("b", "x", "b", "y", "c", "x")
	stats := string(Glockd.AppendStats(nil, &f))
	if strings.Contains(stats, "command_me") || strings.Contains(stats, "command_iam") || strings.Contains(stats, "command_who") {
		t.Errorf("commands that were not used are shown: %q (STATS-2)", stats)
	}
	if got, want := string(Glockd.AppendFullStats(nil, &f, true, exclusive, shared)), stats+"map[a:x]\nmap[b:[x y] c:[x]]\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := string(Glockd.AppendFullStats(nil, &f, false, exclusive, shared)), stats+"0 disabled\n0 disabled\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	want := string(Classic.AppendStats(nil, &f)) + strings.ReplaceAll(`Array
(
    [locks] => Array
        (
            [a] => x
        )

    [shares] => Array
        (
            [b] => Array
                (
                    [0] => x
                    [1] => y
                )

            [c] => Array
                (
                    [0] => x
                )

        )

)
`, "\n", "\r\n")
	if got := string(Classic.AppendFullStats(nil, &f, false, exclusive, shared)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestOtherReplies checks the replies that differ between the dialects only in the
// line end (ME-1, IAM-1, IAM-3, WHO-1, BAD-2 to BAD-5).
func TestOtherReplies(t *testing.T) {
	for d, end := range map[Dialect]string{Glockd: "\n", Classic: "\r\n"} {
		for want, got := range map[string][]byte{
			"1 addr name":                 d.AppendMe(nil, "addr", "name"),
			"1 ok":                        d.AppendOK(nil),
			"0 disabled":                  d.AppendDisabled(nil),
			"0 Invalid Command: word":     d.AppendInvalid(nil, []byte("word")),
			"0 Line Too Long":             d.AppendTooLong(nil),
			"0 Too Many Connections":      d.AppendTooMany(nil),
			"0 Lock Limit Reached: a job": d.AppendLimit(nil, []byte("a job")),
			"0 Reply Too Large":           d.AppendTooLarge(nil),
			"a: b":                        d.AppendPair(nil, "a", "b"),
		} {
			if string(got) != want+end {
				t.Errorf("%v: got %q, want %q", d, got, want)
			}
		}
	}
}

// TestDialects checks which dialect has which command (CLASSIC-2, CLASSIC-3).
func TestDialects(t *testing.T) {
	for command := range NumCommands {
		if got, want := Glockd.Has(command), command > Unknown; got != want {
			t.Errorf("glockd has %q: %v", command, got)
		}
		if got, want := Classic.Has(command), command > Unknown && command < Holders; got != want {
			t.Errorf("classic has %q: %v", command, got)
		}
	}
	if !Glockd.Reentrant() || Classic.Reentrant() {
		t.Error("an exclusive lock is granted again in glockd's dialect alone")
	}
}
