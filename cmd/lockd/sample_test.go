package main

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"lockd/server"
)

// samplePath is the sample of a config file.
const samplePath = "../../deploy/lockd.conf"

var update = flag.Bool("update", false, "write "+samplePath)

// sample returns a config file with all flags and their defaults, as comments.
func sample() string {
	var b strings.Builder
	b.WriteString(`# The configuration of lockd: on every line a flag without its dash, and its value. A
# variable of the environment (LOCKD_MAX_LINE for max-line) and the command line override
# it. These are the defaults; lockd(8) says more, and this finds mistakes:
#
#     lockd -check -config /etc/lockd/lockd.conf
`)
	flagSet(new(options)).VisitAll(func(f *flag.Flag) {
		if commandLineOnly[f.Name] {
			return
		}
		_, usage := flag.UnquoteUsage(f)
		value := f.DefValue
		if value == "" {
			value = "''"
		}
		fmt.Fprintf(&b, "\n%s#%s %s\n", wrapped("# ", usage), f.Name, value)
	})
	return b.String()
}

// wrapped breaks text into lines of at most 88 bytes, each behind the prefix.
func wrapped(prefix, text string) string {
	var b strings.Builder
	line := prefix
	for word := range strings.FieldsSeq(text) {
		if line != prefix && len(line)+len(" ")+len(word) > 88 {
			b.WriteString(line + "\n")
			line = prefix
		}
		if line != prefix {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
	return b.String()
}

// TestSample checks that the sample has all flags, and that their values there are valid
// and the defaults.
func TestSample(t *testing.T) {
	if !server.LoopsSupported {
		t.Skip("the defaults are those of systems that have loops")
	}
	want := sample()
	if *update {
		if err := os.WriteFile(samplePath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not that of the flags; write it with go test ./cmd/lockd -run TestSample -update", samplePath)
	}
	defaults, err := parseOptions([]string{"-check"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	// As it is, and with every flag given.
	given := regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(want, "$1")
	for _, text := range []string{want, given} {
		path := t.TempDir() + "/lockd.conf"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := parseOptions([]string{"-check", "-config", path}, nil)
		if err != nil {
			t.Fatal(err)
		}
		o.config = ""
		if !reflect.DeepEqual(o, defaults) {
			t.Errorf("with the sample the options are\n%+v, without\n%+v", o, defaults)
		}
	}
}
