package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigFile checks lines of the config file: each mistake is an error with the
// file, the line, the flag and the value.
func TestConfigFile(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // in the error; "" is none
	}{
		{"", ""},
		{"# nothing\n\n   \n\t# more\n", ""},
		{"port 1\r\nws 2\r\n", ""},
		{"\ufeffport 1\n", ""},
		{"registry\ndump false # another comment\n", ""},
		{"unix ''\nhost \"\" # all\n", ""},
		{"unix '/tmp/a # b'\n", ""},
		{"unix /tmp/a#b", ""},
		{"ws-origin a.example\nws-origin b.example,c.example\nhost 127.0.0.1\nhost ::1\n", ""},
		{"\n\nnonsense 1\n", `:3: there is no flag "nonsense"`},
		{"nonsense", `:1: there is no flag "nonsense"`},
		{"-port 1\n", `:1: there is no flag "-port": write port, a space and its value`},
		{"port=1\n", `:1: there is no flag "port=1": write port, a space and its value`},
		{"port\n", ":1: -port needs a value"},
		{"port # 1\n", ":1: -port needs a value"},
		{"unix\n", ":1: -unix needs a value; write '' for an empty one"},
		{"port x\n", `:1: invalid value "x" for flag -port: want a port`},
		{"port ''\n", `:1: invalid value "" for flag -port: want a port`},
		{"ws 2\nport 70000", `:2: invalid value "70000" for flag -port: want a port`},
		{"registry maybe\n", `:1: invalid value "maybe" for flag -registry: want true or false`},
		{"port 1 2\n", `:1: invalid value "1 2" for flag -port`},
		{"keepalive 1\n", `:1: invalid value "1" for flag -keepalive: want a time`},
		{"unix-mode 0999\n", `:1: invalid value "0999" for flag -unix-mode: want octal`},
		{"dialect perl\n", `:1: invalid value "perl" for flag -dialect: unknown dialect`},
		{"log-format xml\n", `:1: invalid value "xml" for flag -log-format: want text or json`},
		{"ws-origin a.example,[\n", `:1: invalid value "a.example,[" for flag -ws-origin`},
		{"host a:1\n", `:1: invalid value "a:1" for flag -host`},
		{"unix 'a\n", `:1: invalid value 'a for flag -unix: the quotes are not closed`},
		{"unix 'a' b\n", `:1: invalid value 'a' b for flag -unix: the quotes are not closed`},
		{"port 1\nws 2\nport 1\n", ":3: -port is already given in line 1"},
		{"config x\n", ":1: -config can be given on the command line only"},
		{"version\n", ":1: -version can be given on the command line only"},
		{"check true\n", ":1: -check can be given on the command line only"},
		{"max-line x\n", `:1: invalid value "x" for flag -max-line`}, // even if it is given elsewhere
		{"port 1\x00\n", ":1: invalid value"},
		{"# long\n" + strings.Repeat("x", 70_000) + " 1\nport 1\n", `:2: there is no flag "xxx`},
		{"unix " + strings.Repeat("x", 70_000) + "\nport x\n", `:2: invalid value "x" for flag -port`},
		{strings.Repeat("#", maxConfig+1), "is larger than 1048576 bytes"},
	} {
		file := filepath.Join(t.TempDir(), "lockd.conf")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := parseOptions([]string{"-config", file, "-max-line", "100"}, nil)
		switch {
		case err == nil && c.want != "":
			t.Errorf("%.80q was accepted, want %q", c.text, c.want)
		case err != nil && (c.want == "" || !strings.Contains(strings.ReplaceAll(err.Error(), file, ""), c.want) || !strings.Contains(err.Error(), file)):
			t.Errorf("%.80q: %v, want %q", c.text, err, c.want)
		}
	}
}

// TestSources checks the precedence of the places where a flag is given.
func TestSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lockd.conf")
	text := "port 3\nws 4\nhost 127.0.0.3\nhost 127.0.0.4\nmax-locks 3\nunix ''\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := parseOptions([]string{"-port", "1", "-config", file, "-host", "127.0.0.1"}, []string{"LOCKD_PORT=x", "LOCKD_WS=2", "LOCKD_UNIX=s", "LOCKD_HOST=::2", "PORT=9"})
	if err != nil {
		t.Fatal(err)
	}
	if o.port != 1 || o.ws != 2 || o.maxLocks != 3 || o.unix != "s" || strings.Join(o.hosts, " ") != "127.0.0.1" || len(o.warnings) != 1 {
		t.Errorf("%+v", o)
	}
	o, err = parseOptions([]string{"-config", file}, []string{"LOCKD_UNIX="})
	if err != nil {
		t.Fatal(err)
	}
	if o.port != 3 || o.unix != "" || strings.Join(o.hosts, " ") != "127.0.0.3 127.0.0.4" {
		t.Errorf("%+v", o)
	}
}
