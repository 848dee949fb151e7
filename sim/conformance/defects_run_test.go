package conformance_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"lockd/sim/conformance"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
)

const (
	defectsFile = "testdata/defects.txt"
	// defectTimeout is short, as most failures of defects are found by waiting.
	defectTimeout = 2 * time.Second
	// defectsAtOnce is how many defects are tested concurrently.
	defectsAtOnce = 12
)

// bulk are the cases that take most of the time. They are run only against defects that
// are marked bulk.
var bulk = []string{
	"get-twenty-thousand-names", "pipelined-ten-thousand", "endless-line",
	"shared-get-hundred", "hundreds-of-connections", "slow-reader-does-no-harm",
}

var (
	updateDefects = flag.Bool("update-defects", false, "rewrite "+defectsFile+"; then review the difference")
	exhaustive    = flag.Bool("exhaustive", false, "test every defect with every case, and every configuration of lockd with every driver")
)

// TestDefects runs the suite against servers with one defect each. Every defect fails
// exactly the cases that testdata/defects.txt lists for it; the correct servers fail
// none. To save time, a defect is tested with the cases that it must fail, a third of them if
// they are many, and with every twentieth of the others, another twentieth for the next defect;
// -exhaustive runs all of them.
func TestDefects(t *testing.T) {
	want := readDefects(t)
	if !*exhaustive && !*updateDefects {
		for _, e := range want {
			e.cut()
		}
	}
	got := judgeDefects(t, want)
	if *updateDefects {
		writeDefects(t, want, got)
		return
	}
	for name := range want {
		if _, ok := defects[name]; !ok {
			t.Errorf("%s names %s, which is not a defect", defectsFile, name)
		}
	}
	for name, found := range got {
		failed := confirm(t, name, want[name], failedIn(found))
		if diff := cmp.Diff(want[name].surely, failed); diff != "" {
			var text strings.Builder
			found.WriteText(&text, false)
			t.Errorf("%s: failed cases (-want +got):\n%s\n%s", name, diff, text.String())
		}
	}
}

// confirm tests a defect again with the cases that had an unexpected result, with a
// longer timeout: a busy machine can be late, and can miss a race. It returns the failed
// cases without those that may fail.
func confirm(t *testing.T, name string, want *expectation, failed []string) []string {
	firm := func(ids []string) []string {
		return slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(want.maybe, id) })
	}
	failed = firm(failed)
	const again = 3
	for range again {
		var odd []string
		for _, id := range slices.Concat(want.surely, failed) {
			if slices.Contains(want.surely, id) != slices.Contains(failed, id) {
				odd = append(odd, id)
			}
		}
		if odd == nil {
			break
		}
		t.Logf("%s is tested again with %v", name, odd)
		found := judge(t, conformance.Options{
			Level: defects[name].level(), Start: defects[name].start(t, transportOf(name)), Timeout: 2 * defectTimeout, Run: odd,
		})
		failed = slices.DeleteFunc(failed, func(id string) bool { return slices.Contains(odd, id) })
		failed = append(failed, failedIn(found)...)
		slices.Sort(failed)
	}
	if len(failed) == 0 {
		return nil
	}
	return failed
}

// transportOf returns the transport with which a defect's name begins, or tcp.
func transportOf(name string) string {
	word, _, _ := strings.Cut(name, "-")
	if word == "ws" || word == "unix" {
		return word
	}
	return "tcp"
}

// judgeDefects tests all defects.
func judgeDefects(t *testing.T, want map[string]*expectation) map[string]*report.Report {
	reports := map[string]*report.Report{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	slots := make(chan struct{}, defectsAtOnce)
	for i, name := range slices.Sorted(maps.Keys(defects)) {
		l := defects[name]
		opts := conformance.Options{Level: l.level(), Start: l.start(t, transportOf(name)), Timeout: defectTimeout}
		if !l.bulk {
			opts.Skip = bulk
		}
		if !l.bulk || len(want[name].surely) > 0 {
			opts.Run = l.someCases(want[name], i)
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found, err := conformance.Run(t.Context(), opts)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			reports[name] = found
			if testing.Verbose() {
				t.Log(name, found.Took.Round(time.Millisecond))
			}
		})
	}
	wait.Wait()
	return reports
}

// level returns the highest level with whose cases a defect is tested.
func (l defect) level() protocol.Level { return max(l.highest, protocol.Strict) }

// someCases returns the cases with which a defect is tested.
func (l defect) someCases(e *expectation, number int) []string {
	var ids []string
	for i, c := range conformance.Cases() {
		if c.Level < l.lowest || c.Level > l.level() {
			continue
		}
		some := slices.Contains(e.surely, c.ID) || l.bulk && slices.Contains(bulk, c.ID) || (i+number)%20 == 0 && !slices.Contains(e.left, c.ID)
		if some || *exhaustive || *updateDefects {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func failedIn(found *report.Report) []string {
	var failed []string
	for _, r := range found.Of(report.Failed) {
		failed = append(failed, r.ID)
	}
	slices.Sort(failed)
	return failed
}

// expectation is the cases that a defect fails.
type expectation struct {
	surely []string
	maybe  []string // depends on the order in which connections run
	left   []string // it would surely fail these as well, which are left out
}

// cut leaves most of many cases out: for a failure one has to wait.
func (e *expectation) cut() {
	if len(e.surely) <= 12 {
		return
	}
	some := e.surely
	e.surely = nil
	for i, id := range some {
		if i%3 == 0 {
			e.surely = append(e.surely, id)
		} else {
			e.left = append(e.left, id)
		}
	}
}

// readDefects reads the expected failures: a defect's name, then its cases,
// indented. A case that may fail has a question mark.
func readDefects(t *testing.T) map[string]*expectation {
	text, err := os.ReadFile(defectsFile)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]*expectation{}
	var e *expectation
	for line := range strings.Lines(string(text)) {
		word := strings.TrimSpace(line)
		switch {
		case word == "" || word[0] == '#':
		case line[0] != ' ':
			e = &expectation{}
			want[word] = e
		case word[0] == '?':
			e.maybe = append(e.maybe, strings.TrimSpace(word[1:]))
		default:
			e.surely = append(e.surely, word)
		}
	}
	for name := range defects {
		if want[name] == nil {
			want[name] = &expectation{}
		}
	}
	return want
}

func writeDefects(t *testing.T, want map[string]*expectation, got map[string]*report.Report) {
	var b strings.Builder
	b.WriteString("# The cases that each deliberately wrong server must fail, and no others. The\n" +
		"# cases of bulk are left out, but for the servers that are marked so.\n" +
		"# Those with a question mark it may fail: they depend on who comes first.\n")
	for _, name := range slices.Sorted(maps.Keys(got)) {
		fmt.Fprintf(&b, "\n%s\n", name)
		for _, id := range failedIn(got[name]) {
			if !slices.Contains(want[name].maybe, id) {
				fmt.Fprintf(&b, "  %s\n", id)
			}
		}
		for _, id := range want[name].maybe {
			fmt.Fprintf(&b, "  ? %s\n", id)
		}
	}
	if err := os.WriteFile(defectsFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
