package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// output runs lockctl, and returns what it prints and its exit code.
func output(t *testing.T, args ...string) (stdout string, code int) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	before := os.Stdout
	os.Stdout = file
	code = run(args)
	os.Stdout = before
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text), code
}

// servers starts a daemon of each kind that a plugin may meet, and returns their addresses;
// at the last one is nobody.
func servers(t *testing.T) map[string]string {
	binary := build(t)
	all := map[string]string{"nobody": "127.0.0.1:1"}
	for name, flags := range map[string][]string{"extended": nil, "classic": {"-dialect", "classic"}, "without lists": {"-dump=false"}} {
		d := &daemon{binary: binary, unix: filepath.Join(t.TempDir(), "s")}
		if err := d.start(flags...); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.end(syscall.SIGKILL) })
		all[name] = d.addr
	}
	return all
}

var (
	muninLine  = regexp.MustCompile(`^(graph_(title|args|vlabel|scale|category|info)|([A-Za-z_][A-Za-z0-9_]*)\.(label|info|type|min|warning|critical)) (\S.*)$`)
	muninValue = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_]*)\.value (U|[0-9]+(\.[0-9]+)?)$`)
	muninWords = map[string]*regexp.Regexp{ // what the value of an attribute looks like
		"graph_category": regexp.MustCompile(`^[a-z][a-z0-9_]*$`),
		"graph_scale":    regexp.MustCompile(`^(yes|no)$`),
		"label":          regexp.MustCompile(`^[^#\\]+$`),
		"type":           regexp.MustCompile(`^(GAUGE|DERIVE)$`),
		"min":            regexp.MustCompile(`^-?[0-9]+$`),
		"warning":        regexp.MustCompile(`^-?[0-9.]*(:-?[0-9.]*)?$`),
		"critical":       regexp.MustCompile(`^-?[0-9.]*(:-?[0-9.]*)?$`),
	}
)

// muninConfig reads the answer to config, and returns the fields in their order, and the
// attributes, those of the graph under its own name.
func muninConfig(t *testing.T, text string) (fields []string, attributes map[string]string) {
	t.Helper()
	attributes = map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		m := muninLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("munin cannot read %q", line)
		}
		word := m[4]
		if m[3] == "" {
			word = m[1]
		} else if word == "label" {
			fields = append(fields, m[3])
		}
		if grammar := muninWords[word]; grammar != nil && !grammar.MatchString(m[5]) {
			t.Errorf("munin cannot read the value in %q", line)
		}
		if attributes[m[1]] != "" {
			t.Errorf("%q is there twice", m[1])
		}
		attributes[m[1]] = m[5]
	}
	for _, want := range []string{"graph_title", "graph_vlabel", "graph_category", "graph_info"} {
		if attributes[want] == "" {
			t.Errorf("%s is missing:\n%s", want, text)
		}
	}
	return fields, attributes
}

// TestMunin reads what the plugin prints as munin does.
func TestMunin(t *testing.T) {
	for name, addr := range servers(t) {
		t.Run(name, func(t *testing.T) {
			suggested, code := output(t, "munin", "-addr", addr, "suggest")
			if want := strings.Join(graphNames(), "\n") + "\n"; suggested != want || code != 0 {
				t.Errorf("suggest: %q, %d", suggested, code)
			}
			want := regexp.MustCompile(`^yes\n$`)
			if name == "nobody" {
				want = regexp.MustCompile(`^no \(.*connection refused\)\n$`)
			}
			if answer, code := output(t, "munin", "-addr", addr, "autoconf"); !want.MatchString(answer) || code != 0 {
				t.Errorf("autoconf: %q, %d", answer, code)
			}
			for _, g := range graphNames() {
				config, code := output(t, "munin", "-addr", addr, "-graph", g, "config")
				if code != 0 {
					t.Errorf("config of %s: %d", g, code)
				}
				fields, attributes := muninConfig(t, config)
				for _, f := range fields {
					if counter := attributes[f+".type"] == "DERIVE"; counter != (g == "commands" || g == "orphans") || attributes[f+".min"] != "0" {
						t.Errorf("%s of %s is a counter: %v; min %q", f, g, counter, attributes[f+".min"])
					}
				}
				values, code := output(t, "munin", "-addr", addr, "-graph", g)
				if code != 0 {
					t.Errorf("%s: %d", g, code)
				}
				lines := strings.Split(strings.TrimSuffix(values, "\n"), "\n")
				for i, line := range lines {
					m := muninValue.FindStringSubmatch(line)
					if m == nil || i >= len(fields) || m[1] != fields[i] {
						t.Fatalf("%s: munin cannot read %q", g, line)
					}
					known := name == "extended" || name != "nobody" && g != "waiters" && g != "ages"
					if known == (m[2] == "U") {
						t.Errorf("%s: %q, known: %v", g, line, known)
					}
				}
				if len(lines) != len(fields) {
					t.Errorf("%s: %d values of %d fields", g, len(lines), len(fields))
				}
			}
		})
	}
	t.Run("thresholds", func(t *testing.T) {
		t.Setenv("warning", "10")
		t.Setenv("exclusive_warning", ":5")
		t.Setenv("shared_critical", "1:20")
		config, _ := output(t, "munin", "-graph", "waiters", "config")
		_, attributes := muninConfig(t, config)
		for name, want := range map[string]string{"exclusive.warning": ":5", "shared.warning": "10", "shared.critical": "1:20", "exclusive.critical": ""} {
			if got := attributes[name]; got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
	for _, args := range [][]string{{"munin"}, {"munin", "-graph", "no_such"}, {"munin", "-graph", "locks", "snmpconf"}, {"munin", "-graph", "locks", "config", "more"}} {
		if text, code := output(t, args...); code != exitUsage || text != "" {
			t.Errorf("%v: %q, %d", args, text, code)
		}
	}
	if got := strings.Join(muninArgs([]string{"/etc/munin/plugins/lockd_ages", "config"}), " "); got != "munin -graph ages config" {
		t.Errorf("lockd_ages is lockctl %s", got)
	}
	if got := strings.Join(muninArgs([]string{"/usr/bin/lockctl", "config"}), " "); got != "config" {
		t.Errorf("lockctl is lockctl %s", got)
	}
}

var (
	nagiosLine = regexp.MustCompile(`^LOCKD (OK|WARNING|CRITICAL|UNKNOWN) - ([^|\n]*[^|\n ])(?: \| ([^|\n]+))?\n$`)
	nagiosData = regexp.MustCompile(`^([a-z_]+)=([0-9]+(?:\.[0-9]+)?)(s?);(@?(?:(?:~|-?[0-9.]+):)?(?:-?[0-9.]+)?)?;(@?(?:(?:~|-?[0-9.]+):)?(?:-?[0-9.]+)?)?;0$`)
)

// TestNagios reads what the plugin prints as the guidelines want it.
func TestNagios(t *testing.T) {
	all := servers(t)
	raw, err := net.Dial("tcp", all["without lists"]) // a client that knows nothing but g
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	fmt.Fprintln(raw, "g raw")
	if line, err := bufio.NewReader(raw).ReadString('\n'); err != nil || line[0] != '1' {
		t.Fatalf("%q, %v", line, err)
	}
	for _, c := range []struct {
		server, args string
		code         int
		text         string // a pattern
		data         string // the names of the metrics
	}{
		{"extended", "", stateOK, `^0 locks, 0 shared locks, \d+ connections?, 0 waiters, an answer takes [0-9.]+ ms$`, "locks shared_locks connections waiters time"},
		{"extended", "-w locks=0:5,time=60 -c connections=1000 -c waiters=~:7", stateOK, "", "locks shared_locks connections waiters time"},
		{"extended", "-w locks=1:,waiters=@0", stateWarning, `^0 locks \(locks is outside 1:\), 0 waiters \(waiters is inside 0\)$`, "locks shared_locks connections waiters time"},
		{"extended", "-w locks=1: -c waiters=@0", stateCritical, `^0 waiters .*, 0 locks `, "locks shared_locks connections waiters time"},
		{"extended", "-w age=60", stateOK, "", "locks shared_locks connections waiters age time"},
		{"extended", "-name job", stateOK, `^0 holders, 0 waiters, nobody holds job, `, "holders waiters age time"},
		{"extended", "-name job -free -max-age 2h", stateOK, "", "holders waiters age time"},
		{"extended", "-name job -held", stateCritical, `^nobody holds job$`, "holders waiters age time"},
		{"extended", "-name a|b -held", stateCritical, `^nobody holds a/b$`, "holders waiters age time"},
		{"extended", "-name job -c holders=1:1", stateCritical, `^0 holders \(holders is outside 1:1\)$`, "holders waiters age time"},
		{"classic", "", stateOK, `^0 locks, 0 shared locks, \d+ connections?, an answer takes [0-9.]+ ms$`, "locks shared_locks connections time"},
		{"classic", "-name job -free", stateOK, "", "holders age time"},
		{"classic", "-w waiters=1", stateUnknown, "the server does not have this command", ""},
		{"without lists", "-w locks=3", stateOK, "", "locks shared_locks connections time"},
		{"without lists", "-name job -held", stateCritical, "^nobody holds job$", "holders time"},
		{"without lists", "-name raw -held", stateOK, "^1 holder, an answer", "holders time"},
		{"without lists", "-name raw -free", stateCritical, "^raw is held$", "holders time"},
		{"without lists", "-name job -max-age 1h", stateUnknown, "the server has this command switched off", ""},
		{"nobody", "", stateCritical, "connection refused", ""},
		{"nobody", "-tls", stateCritical, "connection refused", ""},
		{"nobody", "-tls-ca /no/such/file", stateUnknown, "no such file", ""},
		{"extended", "-tls", stateCritical, "leave tls:// and all options of TLS out", ""},
		{"extended", "-addr nonsense", stateUnknown, "this is not an address", ""},
		{"extended", "-w locks", stateUnknown, `METRIC=RANGE; the metrics are`, ""},
		{"extended", "-w locks=x", stateUnknown, "is not a range", ""},
		{"extended", "-nonsense", stateUnknown, "lockctl nagios -h lists the flags", ""},
		{"extended", "-held", stateUnknown, "give -name", ""},
		{"extended", "-name job -held -free", stateUnknown, "exclude each other", ""},
		{"extended", "-name job -w locks=1", stateUnknown, "does not fit", ""},
		{"extended", "-w holders=1", stateUnknown, "does not fit", ""},
		{"extended", "-max-age 1h -c age=3", stateUnknown, "give one", ""},
		{"extended", "more", stateUnknown, "takes no arguments", ""},
		{"extended", "-timeout 0", stateUnknown, "", ""},
	} {
		t.Run(c.server+" "+c.args, func(t *testing.T) {
			line, code := output(t, append([]string{"nagios", "-addr", all[c.server]}, strings.Fields(c.args)...)...)
			m := nagiosLine.FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("nobody can read %q", line)
			}
			if code != c.code || m[1] != states[c.code] {
				t.Errorf("%sexit code %d, want %d", line, code, c.code)
			}
			if !regexp.MustCompile(c.text).MatchString(m[2]) {
				t.Errorf("%q, want %s", m[2], c.text)
			}
			var names []string
			for _, item := range strings.Fields(m[3]) {
				d := nagiosData.FindStringSubmatch(item)
				if d == nil {
					t.Fatalf("nobody can read %q in %q", item, line)
				}
				names = append(names, d[1])
			}
			if got := strings.Join(names, " "); got != c.data {
				t.Errorf("data of %q, want %q", got, c.data)
			}
		})
	}
}

func TestThreshold(t *testing.T) {
	for text, c := range map[string]struct{ quiet, alerts []float64 }{
		"10":      {[]float64{0, 5, 10}, []float64{-0.1, 10.1}},
		"10:":     {[]float64{10, 1e9}, []float64{9.9, -1}},
		"~:10":    {[]float64{-1e9, 10}, []float64{10.5}},
		"10:20":   {[]float64{10, 15, 20}, []float64{9, 21}},
		"@10:20":  {[]float64{9.9, 20.1}, []float64{10, 15, 20}},
		"@10":     {[]float64{-1, 11}, []float64{0, 10}},
		"-5:-1.5": {[]float64{-5, -1.5}, []float64{-6, 0}},
		"~:":      {[]float64{-1e9, 0, 1e9}, nil},
		"":        {}, ":": {}, "@": {}, "x": {}, "1e3": {}, "20:10": {}, "1:2:3": {}, "~": {}, "10:~": {}, "Inf": {}, "0x10": {}, "--1": {}, ":10": {}, "1 ": {},
	} {
		r, err := parseThreshold(text)
		if wrong := c.quiet == nil; wrong != (err != nil) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		for _, v := range c.quiet {
			if r.alerts(v) {
				t.Errorf("%s alerts about %v", text, v)
			}
		}
		for _, v := range c.alerts {
			if !r.alerts(v) {
				t.Errorf("%s does not alert about %v", text, v)
			}
		}
	}
}
