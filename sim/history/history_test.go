package history

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// parse parses a history, one operation a line: "conn|command name|value|call|return",
// with "?" as the value of an unanswered operation. wg is a wait for an exclusive lock,
// b2 and wb2 acquire a shared lock with a bound of 2.
func parse(t *testing.T, text string) *History {
	t.Helper()
	h := &History{Addrs: []string{"a0", "a1", "a2", "a3"}}
	seq := map[int]int{}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		f := strings.Split(strings.TrimSpace(line), "|")
		op := ParseLine(strings.TrimSpace(f[1]))
		op.Conn = int(f[0][0] - '0')
		op.Seq = seq[op.Conn]
		seq[op.Conn]++
		switch value := strings.TrimSpace(f[2]); {
		case value == "?" || value == "":
		case strings.HasPrefix(value, "map") || strings.HasPrefix(value, "locks"):
			op.Command, op.Name = strings.TrimSpace(f[1]), ""
			op.Answered, op.Text = true, value
		default:
			op.Answered, op.Value = true, int(value[0]-'0')
		}
		op.Call, op.Return = stamp(f[3]), stamp(f[4])
		h.Ops = append(h.Ops, op)
	}
	return h
}

func stamp(field string) int64 {
	var n int64
	for _, digit := range strings.TrimSpace(field) {
		n = n*10 + int64(digit-'0')
	}
	return n
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		name, history string
		part          string // the part with the violation; "" if linearizable
	}{
		{"plain", `
			0|g x|1|1|2
			1|g x|0|3|4
			0|r x|1|5|6
			1|g x|1|7|8
			0|end||9|10
			1|end||11|12`, ""},
		{"two holders", `
			0|g x|1|1|2
			1|g x|1|3|4
			0|end||9|10
			1|end||11|12`, "exclusive lock x"},
		{"concurrent gets, one wins", `
			0|g x|1|1|4
			1|g x|0|2|3
			0|end||9|10
			1|end||11|12`, ""},
		{"granted after a wait", `
			0|g x|1|1|2
			1|w 0 g x|1|3|8
			0|r x|1|4|5
			2|g x|0|6|7
			0|end||9|10
			1|end||11|12
			2|end||13|14`, ""},
		{"granted to another while one waits", `
			0|g x|1|1|2
			1|w 0 g x|1|3|8
			0|r x|1|4|5
			2|g x|1|6|7
			0|end||9|10
			1|end||11|12
			2|end||13|14`, "exclusive lock x"},
		{"a time-out of a free lock", `
			0|g x|1|1|2
			0|r x|1|3|4
			1|w 0 g x|0|5|8
			2|i x|0|6|7
			0|end||11|12
			1|end||13|14
			2|end||15|16`, "exclusive lock x"},
		{"a time-out while it is held", `
			0|g x|1|1|2
			1|w 0 g x|0|3|4
			2|w 0 g x|1|5|8
			0|r x|1|6|7
			0|end||11|12
			1|end||13|14
			2|end||15|16`, ""},
		{"granted twice", `
			0|g x|1|1|2
			1|w 0 g x|1|3|6
			2|w 0 g x|1|3|7
			0|r x|1|4|5
			0|end||11|12
			1|end||13|14
			2|end||15|16`, "exclusive lock x"},
		{"handed on by an end", `
			0|g x|1|1|2
			1|w 0 g x|1|3|6
			0|end||4|5
			2|i x|1|7|8
			1|end||13|14
			2|end||15|16`, ""},
		{"granted to one that is gone", `
			0|g x|1|1|2
			1|w 0 g x|?|3|6
			1|end||4|6
			0|r x|1|7|8
			2|g x|0|9|10
			0|end||11|12
			2|end||15|16`, "exclusive lock x"},
		{"one that is gone is left out", `
			0|g x|1|1|2
			1|w 0 g x|?|3|6
			2|w 0 g x|1|3|9
			1|end||4|6
			0|r x|1|7|8
			0|end||11|12
			2|end||15|16`, ""},
		{"a holder waits for its own", `
			0|g x|1|1|2
			0|w 0 g x|1|3|4
			0|r x|1|5|6
			1|g x|1|7|8
			0|end||11|12
			1|end||15|16`, ""},
		{"bounds", `
			0|b 2 x|1|1|2
			1|b 2 x|2|3|4
			2|b 2 x|0|5|6
			2|w 0 b 2 x|2|7|10
			0|sr x|1|8|9
			1|b 0 x|0|11|12
			0|b 0 x|0|13|14
			0|end||15|16
			1|end||17|18
			2|end||19|20`, ""},
		{"a bound is exceeded", `
			0|b 1 x|1|1|2
			1|b 0 x|2|3|4
			0|end||15|16
			1|end||17|18`, "shared lock x"},
		{"a wait past the bound of another", `
			0|b 1 x|1|1|2
			1|w 0 b 0 x|2|3|4
			0|end||15|16
			1|end||17|18`, "shared lock x"},
		{"readers behind a writer", `
			0|b 1 x|1|1|2
			1|w 0 b 0 x|2|3|8
			2|w 0 b 0 x|1|3|9
			0|sr x|1|5|6
			0|end||15|16
			1|end||17|18
			2|end||19|20`, ""},
		{"get during the end of the holder", `
			0|g x|1|1|2
			0|end||3|8
			1|g x|0|4|5
			1|g x|1|6|7
			1|end||11|12`, ""},
		{"never orphaned", `
			0|g x|1|1|2
			0|end||3|4
			1|g x|0|5|6
			1|end||11|12`, "exclusive lock x"},
		{"an unanswered get may have happened", `
			0|g x|?|1|8
			1|g x|0|2|3
			0|end||5|8
			1|g x|1|9|10
			1|end||11|12`, ""},
		{"or not", `
			0|g x|?|1|8
			1|g x|1|2|3
			0|end||5|8
			1|end||11|12`, ""},
		{"but not after its connection ended", `
			0|g x|?|1|8
			0|end||5|8
			1|g x|0|9|10
			1|end||11|12`, "exclusive lock x"},
		{"an answered get is before the end", `
			0|g x|1|4|8
			0|end||5|9
			1|g x|0|10|11
			1|end||12|13`, "exclusive lock x"},
		{"a pipeline stays in order", `
			0|g x|1|1|8
			0|r x|1|2|9
			1|g x|0|10|11
			0|end||12|13
			1|end||14|15`, "exclusive lock x"},
		{"a pipeline out of order", `
			0|r x|1|1|8
			0|g x|1|2|9
			0|end||12|13`, "exclusive lock x"},
		{"shared counts", `
			0|sg x|1|1|2
			1|sg x|2|3|4
			0|sg x|2|5|6
			2|si x|2|7|8
			0|sr x|1|9|10
			0|sr x|0|11|12
			1|end||13|14
			2|si x|0|15|16
			0|end||17|18
			2|end||17|18`, ""},
		{"sg answers the count before itself", `
			0|sg x|0|1|2
			0|end||17|18`, "shared lock x"},
		{"the tables are independent", `
			0|g x|1|1|2
			1|sg x|1|3|4
			0|end||17|18
			1|end||17|18`, ""},
		{"an end releases all names in one step", `
			0|g x|1|1|2
			0|g y|1|3|4
			0|end||5|20
			1|g x|1|6|7
			1|i y|1|8|9
			1|end||21|22`, "all names together"},
		{"a dump is a snapshot", `
			0|g x|1|1|2
			0|r x|1|3|10
			0|g y|1|4|11
			1|dump|map[x:a0 y:a0]|5|12
			0|end||21|22
			1|end||21|22`, "all names together"},
		{"dumps and statistics", `
			0|g x|1|1|2
			0|sg y|1|3|4
			1|sg y|2|5|6
			1|dump|map[x:a0]|7|8
			1|dump shared|map[y:[a0 a1]]|9|10
			0|end||11|12
			1|q|locks 0, shared_locks 1, orphans 1, shared_orphans 1|13|14
			1|end||21|22`, ""},
		{"orphans counted once too often", `
			0|g x|1|1|2
			0|end||11|12
			1|q|locks 0, shared_locks 0, orphans 2, shared_orphans 0|13|14
			1|end||21|22`, "all names together"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := parse(t, test.history)
			err := h.Check()
			var violation *Violation
			switch {
			case test.part == "" && err != nil:
				t.Errorf("not linearizable: %v", err)
			case test.part != "" && !errors.As(err, &violation):
				t.Errorf("passed, or failed otherwise: %v", err)
			case test.part != "" && (violation.Part != test.part || violation.Result != porcupine.Illegal):
				t.Errorf("the violation is in %s (%v), want %s", violation.Part, violation.Result, test.part)
			case test.part != "":
				path := filepath.Join(t.TempDir(), "picture.html")
				if err := violation.Picture(path); err != nil {
					t.Fatal(err)
				}
				if info, err := os.Stat(path); err != nil || info.Size() < 1000 {
					t.Errorf("the picture is missing or empty: %v", err)
				}
			}
		})
	}
}

// TestTooHard checks that a history in which all names together are too hard to check is no
// violation, though it would be one.
func TestTooHard(t *testing.T) {
	defer func(limit time.Duration) { wholeTimeout = limit }(wholeTimeout)
	wholeTimeout = 20 * time.Millisecond
	var text strings.Builder
	for conn := range maxOverlap - 1 {
		fmt.Fprintf(&text, "%c|g n%d||1|100\n%c|end||101|102\n", '0'+conn, conn%maxNames, '0'+conn)
	}
	text.WriteString("z|q|locks 0, shared_locks 0, orphans 9, shared_orphans 0|103|104\nz|end||105|106\n")
	whole, err := parse(t, text.String()).Decide()
	if whole || err != nil {
		t.Errorf("got %v, %v", whole, err)
	}
}

// TestClassic checks that a classic get is not re-entrant.
func TestClassic(t *testing.T) {
	h := parse(t, `
		0|g x|1|1|2
		0|g x|0|3|4
		0|end||5|6`)
	if h.Check() == nil {
		t.Error("a glockd server may not refuse its holder")
	}
	h.Classic = true
	if err := h.Check(); err != nil {
		t.Error(err)
	}
}

func TestReadWrite(t *testing.T) {
	h := parse(t, `
		0|g x|1|1|2
		1|g x|1|3|4
		0|end||5|6
		1|end||5|6`)
	h.Faults = []Fault{{Conn: 0, At: 5, What: "reset"}}
	path := filepath.Join(t.TempDir(), "history.json")
	if err := h.Write(path); err != nil {
		t.Fatal(err)
	}
	back, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if back.Check() == nil || len(back.Ops) != 4 || back.Faults[0] != h.Faults[0] {
		t.Errorf("read back %+v", back)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.json")); err == nil {
		t.Error("a missing history was read")
	}
}

// TestMalformed checks that a history without an end, or with wrong times, is refused.
func TestMalformed(t *testing.T) {
	for _, text := range []string{"0|g x|1|1|2", "0|g x|1|2|2\n0|end||3|4", "0|end||1|2\n0|end||3|4"} {
		if parse(t, text).Check() == nil {
			t.Errorf("%q passed", text)
		}
	}
}

// TestSavedHistories checks the verdicts on saved histories of wrong and of correct
// servers.
func TestSavedHistories(t *testing.T) {
	for folder, linearizable := range map[string]bool{"violations": false, "linearizable": true} {
		paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no histories in testdata/%s: %v", folder, err)
		}
		for _, path := range paths {
			h, err := Read(path)
			if err != nil {
				t.Fatal(err)
			}
			var violation *Violation
			switch err := h.Check(); {
			case linearizable && err != nil:
				t.Errorf("%s: %v", path, err)
			case !linearizable && (!errors.As(err, &violation) || violation.Result != porcupine.Illegal):
				t.Errorf("%s: the verdict is %v, want a violation", path, err)
			}
		}
	}
}

// TestFalsified checks that most falsified histories, with one flipped answer to a
// release or one end that does not release, are detected.
func TestFalsified(t *testing.T) {
	paths, err := filepath.Glob("testdata/linearizable/*.json")
	if err != nil {
		t.Fatal(err)
	}
	falsified, noticed := 0, 0
	for _, path := range paths {
		for i := 0; ; i++ {
			h, err := Read(path)
			if err != nil {
				t.Fatal(err)
			}
			if i >= len(h.Ops) {
				break
			}
			if op := &h.Ops[i]; op.Answered && op.Text == "" {
				op.Value ^= 1
				falsified++
				if h.Check() != nil {
					noticed++
				}
			}
		}
	}
	if falsified < 100 || noticed*10 < falsified*7 {
		t.Errorf("%d of %d falsified histories were detected", noticed, falsified)
	}
	t.Logf("%d of %d falsified histories were detected", noticed, falsified)
}
