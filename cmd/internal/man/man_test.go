package man

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/sim/programs"
)

// TestRoff checks a small page.
func TestRoff(t *testing.T) {
	flags := flag.NewFlagSet("x", flag.ContinueOnError)
	flags.String("addr", "a'b", "the `address`")
	flags.Bool("on", true, "a switch")
	own := flag.NewFlagSet("x do", flag.ContinueOnError)
	own.String("addr", "", "the `address`")
	own.Int("n-th", 0, "which; 0 is none")
	page := Page{
		Name: "x", Section: 1, Short: "a tool", Usage: []string{"x COMMAND", "x -h"},
		Text:     "One\n.two \\n.\n\n  an example\n    more\nafter\n\nend",
		Flags:    flags,
		Commands: []*ffcli.Command{{Name: "do", ShortUsage: "x do [flags]", ShortHelp: "do it", FlagSet: own}},
		Sections: []Section{{Title: "Files", Items: []Item{{".hidden", "A file."}}}},
		SeeAlso:  []string{"y(1)", "z(8)"},
		Version:  "1.0-rc1", Date: time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC),
	}
	want := `.TH X 1 2026-02-03 "x 1.0\-rc1"
.SH "NAME"
x \- a tool
.SH "SYNOPSIS"
\fBx\fR COMMAND
.br
\fBx\fR \-h
.SH "DESCRIPTION"
One
\&.two \en.
.PP
.EX
  an example
    more
.EE
.PP
after
.PP
end
.SH "OPTIONS"
.TP
\fB\-addr\fR \fIaddress\fR
the address (default a\(aqb)
.TP
\fB\-on\fR
a switch (on by default)
.SH "COMMANDS"
.SS "do"
\fBx\fR do [flags]
.PP
Do it.
.TP
\fB\-n\-th\fR \fIint\fR
which; 0 is none
.PP
Also \fB\-addr\fR, as above.
.SH "FILES"
.TP
\fB\&.hidden\fR
A file.
.SH "SEE ALSO"
.BR "y" "(1),"
.BR "z" "(8)"
`
	if diff := cmp.Diff(want, page.Roff()); diff != "" {
		t.Error(diff)
	}
	lint(t, page.Roff())
}

// lint lets mandoc look for mistakes, if it is installed.
func lint(t *testing.T, page string) {
	t.Run("mandoc", func(t *testing.T) {
		if _, err := exec.LookPath("mandoc"); err != nil {
			t.Skip("there is no mandoc")
		}
		c := exec.Command("mandoc", "-T", "lint", "-W", "warning")
		c.Stdin = strings.NewReader(page)
		if out, err := c.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("mandoc -T lint: %v\n%s", err, out)
		}
	})
}

var (
	flagInHelp    = regexp.MustCompile(`(?m)^  -([A-Za-z0-9-]+)`)
	commandInHelp = regexp.MustCompile(`(?m)^  ([a-z]+)  `)
)

// TestPages checks that the pages of the programs have every command and every flag of
// their help, whatever the environment says, and are the same each time.
func TestPages(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"lockd", "lockctl", "lockcheck"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, err := programs.Make(dir, name)
			if err != nil {
				t.Fatal(err)
			}
			run := func(args ...string) string {
				t.Helper()
				c := exec.Command(path, args...)
				c.Env = append(os.Environ(), "LOCKD_ADDR=elsewhere:1", "LOCKD_PORT=x", "SOURCE_DATE_EPOCH=86400")
				out, err := c.CombinedOutput()
				if err != nil {
					t.Fatalf("%s %q: %v\n%s", name, args, err, out)
				}
				return string(out)
			}
			page := run("man")
			lint(t, page)
			if run("man") != page || strings.Contains(page, "elsewhere") || !strings.Contains(page, " 1970-01-02 ") {
				t.Error("the page depends on something else than the program")
			}
			help := run("-h")
			_, list, _ := strings.Cut(help, "SUBCOMMANDS\n")
			list, _, _ = strings.Cut(list, "\n\n")
			flags := hasFlags(t, page, help)
			for _, m := range commandInHelp.FindAllStringSubmatch(list, -1) {
				_, section, found := strings.Cut(page, "\n.SS \""+m[1]+"\"\n")
				if !found {
					t.Errorf("%s is not in the page", m[1])
				}
				section, _, _ = strings.Cut(section, "\n.S")
				flags += hasFlags(t, section, run(m[1], "-h"))
			}
			if flags < 15 {
				t.Errorf("the help has only %d flags", flags)
			}
			t.Logf("%d flags", flags)
		})
	}
}

// hasFlags checks that the flags of a help are in a page, and returns their number.
func hasFlags(t *testing.T, page, help string) int {
	t.Helper()
	all := flagInHelp.FindAllStringSubmatch(help, -1)
	for _, m := range all {
		if term := bold("-" + m[1]); !strings.Contains(page, "\n"+term) && !strings.Contains(page, " "+term) {
			t.Errorf("-%s is not in the page", m[1])
		}
	}
	return len(all)
}
