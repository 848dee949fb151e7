package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"lockd/server"
)

// checkOptions checks that flags are refused with one line, or that a daemon can run
// with them.
func checkOptions(t *testing.T, o *options, err error) {
	if err != nil {
		text := err.Error()
		if text == "" || len(text) > maxError+3 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("the error is not one short line: %q", text)
		}
		return
	}
	if o.maxLine < 1 || o.maxLine > maxMaxLine || o.port < anyPort || o.unixMode > 0o777 ||
		o.maxConnections < 0 || o.maxLocks < 0 || o.writeTimeout < 0 || o.idleTimeout < 0 || o.shutdownTimeout < 0 {
		t.Fatalf("%+v was accepted", o)
	}
	for _, origin := range o.wsOrigins {
		if _, err := server.ParseOrigin(origin); err != nil || strings.ContainsAny(origin, ", ") {
			t.Fatalf("the origin %q was accepted", origin)
		}
	}
}

// FuzzFlags passes any words as the command line. It omits -config, which would read
// any file.
func FuzzFlags(f *testing.F) {
	for _, seed := range []string{
		"-port 1 -ws 2", "-dialect classic", "-dialect classic -port 0", "-port=0 -ws=0", "-unix-mode 777 -unix x",
		"-ws-origin a,b -ws-origin c", "-write-timeout 1h -idle-timeout 5ms", "-port -1", "-registry=false -dump=true x", "-h", "--port 1", "-",
		"-max-line 1073741825", "-keepalive 1ms", "-version -port 0 -ws 0",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		var args []string
		for word := range strings.FieldsSeq(line) {
			if strings.HasPrefix(strings.TrimLeft(word, "-"), "config") {
				return
			}
			args = append(args, word)
		}
		o, err := parseOptions(args, nil)
		checkOptions(t, o, err)
	})
}

// FuzzConfigFile passes any text as the config file.
func FuzzConfigFile(f *testing.F) {
	for _, seed := range []string{
		"port 1\nws 2\n", "# comment\n\nregistry\ndump true # another\n", "dialect classic", "nonsense", "port\n", "ws-origin a,b\nws-origin c\n",
		"max-line 0", "config x\n", "unix-mode 0999", "\x00\xff", "idle-timeout 5m\r\nport 3\r\n",
	} {
		f.Add(seed)
	}
	file := filepath.Join(f.TempDir(), "lockd.conf")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := parseOptions([]string{"-config", file}, nil)
		checkOptions(t, o, err)
	})
}
