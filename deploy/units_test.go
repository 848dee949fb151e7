// Package deploy has what a machine needs to run lockd: units of systemd, a sample of the
// config file, a Dockerfile, and what makes packages. Its tests hold them to the daemon.
// Begin with systemd/lockd.service, and package/main.go.
package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
)

// directives returns the values of a unit, by section and name, as in Service.Type.
func directives(t *testing.T, name string) map[string][]string {
	t.Helper()
	f, err := os.Open(filepath.Join("systemd", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	options, err := unit.DeserializeOptions(f)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	all := make(map[string][]string)
	for _, o := range options {
		all[o.Section+"."+o.Name] = append(all[o.Section+"."+o.Name], o.Value)
	}
	return all
}

// sampled returns the default of a flag, as the sample of the config file has it.
func sampled(t *testing.T, flag string) string {
	t.Helper()
	text, err := os.ReadFile("lockd.conf")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile("(?m)^#" + flag + " (.*)$").FindSubmatch(text)
	if m == nil {
		t.Fatalf("lockd.conf has no %s", flag)
	}
	return string(m[1])
}

// TestService checks what the daemon relies on, and what confines it.
func TestService(t *testing.T) {
	service := directives(t, "lockd.service")
	for name, want := range map[string]string{
		"Type":                  "notify",
		"ExecStart":             "/usr/bin/lockd -config /etc/lockd/lockd.conf",
		"ExecReload":            "/bin/kill -HUP $MAINPID",
		"Restart":               "on-failure",
		"StateDirectory":        "lockd",
		"RuntimeDirectory":      "lockd",
		"DynamicUser":           "yes",
		"CapabilityBoundingSet": "",
		"NoNewPrivileges":       "yes",
		"ProtectSystem":         "strict",
		"SystemCallFilter":      "@system-service|~@privileged @resources",
	} {
		if got := strings.Join(service["Service."+name], "|"); got != want || service["Service."+name] == nil {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	stop, err := time.ParseDuration(service["Service.TimeoutStopSec"][0])
	if err != nil {
		t.Fatal(err)
	}
	shutdown, err := time.ParseDuration(sampled(t, "shutdown-timeout"))
	if err != nil {
		t.Fatal(err)
	}
	if stop <= shutdown || stop > shutdown+5*time.Second {
		t.Errorf("TimeoutStopSec is %v, and -shutdown-timeout %v", stop, shutdown)
	}
	if len(service["Service.WatchdogSec"]) != 1 {
		t.Error("there is no watchdog")
	}
}

// TestSocket checks that systemd listens where the daemon does by default.
func TestSocket(t *testing.T) {
	socket := directives(t, "lockd.socket")
	want := []string{sampled(t, "host") + ":" + sampled(t, "port"), sampled(t, "host") + ":" + sampled(t, "ws"), "/run/lockd.sock"}
	if got := socket["Socket.ListenStream"]; !slices.Equal(got, want) {
		t.Errorf("it listens on %q, want %q", got, want)
	}
	group := strings.Join(socket["Socket.SocketGroup"], " ")
	if users, err := os.ReadFile("systemd/lockd.sysusers"); err != nil || !strings.Contains(string(users), "\nu "+group+" ") {
		t.Errorf("the package does not make the group %q of the unix socket: %v", group, err)
	}
	// What systemd would remove when the daemon stops must not hold a socket.
	runtime := "/run/" + directives(t, "lockd.service")["Service.RuntimeDirectory"][0] + "/"
	for _, addr := range socket["Socket.ListenStream"] {
		if strings.HasPrefix(addr, runtime) {
			t.Errorf("%s is in the RuntimeDirectory of the daemon", addr)
		}
	}
}

// TestAnalyze lets systemd judge the units: no warnings, and an exposure of 1.5 at most,
// where 10 is a service that is not confined at all.
func TestAnalyze(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("there is no systemd-analyze")
	}
	out, err := exec.Command("systemd-analyze", "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	version, _ := strconv.Atoi(strings.Fields(string(out) + " ? ?")[1])
	if version < 250 {
		t.Skipf("systemd %d cannot judge units without running", version)
	}
	dir := t.TempDir()
	var units []string
	for _, name := range []string{"lockd.service", "lockd.socket"} {
		text, err := os.ReadFile(filepath.Join("systemd", name))
		if err != nil {
			t.Fatal(err)
		}
		self, err := os.Executable() // in the place of the daemon, which may not be installed
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, filepath.Join(dir, name))
		if err := os.WriteFile(units[len(units)-1], []byte(strings.ReplaceAll(string(text), "/usr/bin/lockd", self)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"sysinit.target", "basic.target", "shutdown.target", "sockets.target", "network.target", "multi-user.target"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("[Unit]\nDescription=of any system\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	verify := exec.Command("systemd-analyze", append([]string{"verify", "--man=no"}, units...)...)
	verify.Env = append(os.Environ(), "SYSTEMD_UNIT_PATH="+dir) // the units of this machine may have mistakes
	if out, err := verify.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	security := exec.Command("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=15", units[0])
	security.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err = security.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	t.Log(lines[len(lines)-1])
	if err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
}
