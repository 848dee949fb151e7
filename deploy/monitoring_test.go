// Package deploy_test checks the files that others load: the dashboard of Grafana and the
// rules of Prometheus.
//
// Begin with metrics, the list of all that may be used in them.
package deploy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const (
	dashboardFile = "grafana/lockd.json"
	rulesFile     = "prometheus/lockd.rules.yml"
	testsFile     = "prometheus/lockd.rules.test.yml"
)

// metrics are those that a daemon has, from docs/metrics.md, which a test holds to a daemon;
// those of histograms end with *.
var metrics = func() (names []string) {
	text, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		panic(err)
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(lockd_[a-z_]+)` \\| ([a-z]+) ").FindAllStringSubmatch(string(text), -1) {
		if m[2] == "histogram" {
			m[1] += "*"
		}
		names = append(names, m[1])
	}
	return append(names, "process_open_fds", "process_max_fds", "process_resident_memory_bytes",
		"process_start_time_seconds", "process_cpu_seconds_total", "go_goroutines")
}()

// metricName matches a name of a metric; that of a recorded series has a colon before it.
var metricName = regexp.MustCompile(`(:?)\b((?:lockd|process|go)_[a-z_]+)`)

// used returns the metrics in a text.
func used(text string) (names []string) {
	for _, m := range metricName.FindAllStringSubmatch(text, -1) {
		if m[1] == "" {
			names = append(names, m[2])
		}
	}
	return names
}

// checkNames checks that a server has the metrics in a text.
func checkNames(t *testing.T, where, text string) {
	t.Helper()
	for _, name := range used(text) {
		series := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "*")
		if !slices.Contains(metrics, name) && !(series != name && slices.Contains(metrics, series)) {
			t.Errorf("%s: no server has %s", where, name)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// promtool runs promtool, or skips the test.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("skipped: there is no promtool: apt-get install prometheus")
	}
	if out, err := exec.Command(path, args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

// TestRules checks the rules, and that each alert has what people need, and a test that it
// fires and one that it does not.
func TestRules(t *testing.T) {
	rules, tests := read(t, rulesFile), read(t, testsFile)
	_, groups, _ := strings.Cut(rules, "\ngroups:")
	checkNames(t, rulesFile, groups)
	checkNames(t, testsFile, tests)
	alerts := strings.Split(groups, "- alert: ")[1:]
	if len(alerts) < 11 {
		t.Fatalf("%d alerts", len(alerts))
	}
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		for _, want := range []string{"\n        expr: ", "\n          severity: ", "\n          summary: ", "\n          description: >-\n"} {
			if !strings.Contains(alert, want) {
				t.Errorf("%s has no %s", name, strings.TrimSpace(want))
			}
		}
		fires := regexp.MustCompile(`alertname: ` + name + `\n +eval_time: \w+\n +exp_alerts:`).MatchString(tests)
		quiet := strings.Contains(tests, "alertname: "+name+",")
		if !fires || !quiet {
			t.Errorf("%s: a test that it fires: %v, and that it does not: %v", name, fires, quiet)
		}
	}
	promtool(t, "check", "rules", rulesFile)
	promtool(t, "test", "rules", testsFile)
}

// dashboard is what this test reads of a dashboard.
type dashboard struct {
	ID          *int
	Panels      []panel
	Templating  struct{ List []variable }
	Annotations struct {
		List []struct {
			Datasource datasource
			Expr       string
		}
	}
}

type datasource struct{ Type, UID string }

type variable struct {
	Name, Type, Definition string
	Datasource             datasource
}

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               datasource
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []struct {
		Datasource                datasource
		Expr, LegendFormat, RefID string
	}
}

// source is the data source that the user chooses.
var source = datasource{"prometheus", "${datasource}"}

// TestDashboard looks at the dashboard as Grafana would.
func TestDashboard(t *testing.T) {
	var d dashboard
	if err := json.Unmarshal([]byte(read(t, dashboardFile)), &d); err != nil {
		t.Fatal(err)
	}
	if d.ID != nil {
		t.Errorf("the id %d is that of some other Grafana", *d.ID)
	}
	var names []string
	for _, v := range d.Templating.List {
		names = append(names, v.Name)
		checkNames(t, "the variable "+v.Name, v.Definition)
		if v.Type == "query" && v.Datasource != source {
			t.Errorf("the variable %s asks %v", v.Name, v.Datasource)
		}
	}
	if got := strings.Join(names, " "); got != "datasource job instance" {
		t.Errorf("the variables are %s", got)
	}
	var expressions []string
	for _, a := range d.Annotations.List {
		expressions = append(expressions, a.Expr)
		if a.Datasource != source {
			t.Errorf("an annotation asks %v", a.Datasource)
		}
	}
	ids, taken, titles := map[int]bool{}, map[[2]int]string{}, map[string]bool{}
	for _, p := range d.Panels {
		if p.Title == "" || ids[p.ID] || titles[p.Title] && p.Type != "row" {
			t.Errorf("the panel %d, %q, has no title, or an id or title twice", p.ID, p.Title)
		}
		ids[p.ID], titles[p.Title] = true, true
		g := p.GridPos
		if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("%q is outside of the grid: %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%q covers %q", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if p.Datasource != source || p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
			t.Errorf("%q has no data source, description, unit or target", p.Title)
		}
		refs := map[string]bool{}
		for _, target := range p.Targets {
			if target.Datasource != source || target.LegendFormat == "" || target.RefID == "" || refs[target.RefID] {
				t.Errorf("%q: the target %q has no data source, legend or letter of its own", p.Title, target.RefID)
			}
			refs[target.RefID] = true
			expressions = append(expressions, target.Expr)
		}
	}
	for _, expr := range expressions {
		checkNames(t, "the dashboard", expr)
		if n := strings.Count(expr, `job=~"$job", instance=~"$instance"`); n != len(used(expr)) {
			t.Errorf("%s does not choose job and instance for each metric", expr)
		}
	}
	for _, name := range metrics {
		if name == "lockd_token_horizon" { // a number that says nothing in a plot
			continue
		}
		series := strings.Replace(name, "*", "_bucket", 1)
		if !slices.ContainsFunc(expressions, func(e string) bool { return slices.Contains(used(e), series) }) {
			t.Errorf("%s is nowhere on the dashboard", name)
		}
	}
	t.Run("expressions", func(t *testing.T) {
		type rule struct {
			Record string `json:"record"`
			Expr   string `json:"expr"`
		}
		var rules []rule
		for i, expr := range expressions {
			rules = append(rules, rule{fmt.Sprint("expression", i), strings.ReplaceAll(expr, "$__rate_interval", "5m")})
		}
		text, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": rules}}})
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "rules.yml") // JSON is YAML
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		promtool(t, "check", "rules", file)
	})
}
