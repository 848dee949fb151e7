package core

import (
	"strings"
	"testing"

	"lockd/wire"
)

// TestMaxDump checks DUMP-10: a table that is small to hold but large to show is
// refused, and whatever fits is shown whole.
func TestMaxDump(t *testing.T) {
	for _, dialect := range []wire.Dialect{wire.Glockd, wire.Classic} {
		core := New(Config{Dialect: dialect, Registry: true, Dump: true})
		core.maxDump = 1000
		one, two := open(core, "a"), open(core, "b")
		ask := func(id ID, line string) string {
			replies, _ := ask(core, id, line+"\n")
			return replies
		}
		lines := []string{"q full"}
		if dialect == wire.Glockd {
			lines = append(lines, "d", "sd", "dump", "dump shared", "who")
			ask(one, "iam "+strings.Repeat("n", 600))
			ask(two, "iam "+strings.Repeat("n", 100))
		}
		name := strings.Repeat("x", 400)
		ask(one, "g "+name)
		ask(one, "sg "+name)
		fits := 0
		for _, line := range lines {
			if got := ask(one, line); strings.HasPrefix(got, "0 ") {
				t.Logf("%v: %q is refused", dialect, line)
			} else {
				fits++
			}
		}
		if fits == 0 {
			t.Errorf("%v: nothing fits", dialect)
		}
		ask(two, "g "+name+"2")
		ask(two, "sg "+name)
		ask(two, "sg "+name+"2")
		ask(two, "iam "+strings.Repeat("n", 500))
		for _, line := range lines {
			want := string(dialect.AppendTooLarge(nil))
			if line == "dump" {
				continue // both exclusive locks fit
			}
			if got := ask(one, line); got != want {
				t.Errorf("%v: %q is answered %.60q, want %q", dialect, line, got, want)
			}
		}
		if got := ask(one, "i "+name); !strings.HasPrefix(got, "1 ") {
			t.Errorf("%v: after it comes %q", dialect, got)
		}
	}
}

// TestMaxDumpItself checks that a dump of just the limit is shown.
func TestMaxDumpItself(t *testing.T) {
	c := New(Config{Dump: true})
	id := open(c, "a")
	ask(c, id, "g x\n")
	c.maxDump = len("x") + len("a") + 40
	if got, _ := ask(c, id, "d\n"); got != "x: a\n" {
		t.Errorf("a dump of the limit is answered %q", got)
	}
	c.maxDump--
	if got, _ := ask(c, id, "d\n"); got != string(wire.Glockd.AppendTooLarge(nil)) {
		t.Errorf("a dump over the limit is answered %q", got)
	}
}
