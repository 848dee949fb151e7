// Command package makes a Debian package and an archive of lockd:
//
//	go run ./deploy/package -version 1.2.3 -out dist
//
// The same source, version, date and Go give the same bytes. The date is that of
// SOURCE_DATE_EPOCH, or else of the last commit. It runs in the root of the module. Begin
// with main, and files.go.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// release is what is made, and how.
type release struct {
	version    string // without v
	arch       string // as GOARCH
	maintainer string
	date       time.Time
	work       string // a folder for what is built
}

// name is the beginning of the names of files.
func (r release) name() string { return fmt.Sprintf("lockd-%s-linux-%s", r.version, r.arch) }

// versions are those of semver.org, without what follows a +.
var versions = regexp.MustCompile(`^v?(\d+\.\d+\.\d+(-[0-9A-Za-z.]+)?)$`)

// processors are those on which lockd has event loops. Debian gives them the same names.
var processors = []string{"amd64", "arm64", "riscv64"}

func main() {
	version := flag.String("version", "", "the `version`, as 1.2.3 or 1.2.3-rc1")
	out := flag.String("out", "dist", "the `folder` for the package and the archive")
	arch := flag.String("arch", runtime.GOARCH, "the `processor`: "+strings.Join(processors, ", "))
	maintainer := flag.String("maintainer", "the lockd authors <lockd@localhost>", "who answers for the package, as `NAME <ADDRESS>`")
	flag.Parse()
	made, err := run(*version, *arch, *maintainer, *out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
	for _, path := range made {
		fmt.Println(path)
	}
}

// run makes a release, and returns the paths of what it has made.
func run(version, arch, maintainer, out string) ([]string, error) {
	m := versions.FindStringSubmatch(version)
	if m == nil {
		return nil, fmt.Errorf("-version %q: want one such as 1.2.3 or 1.2.3-rc1", version)
	}
	if !slices.Contains(processors, arch) {
		return nil, fmt.Errorf("-arch %q: want one of %s", arch, strings.Join(processors, ", "))
	}
	date, err := sourceDate()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "lockd-package")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	r := release{version: m[1], arch: arch, maintainer: maintainer, date: date, work: work}
	files, err := r.files()
	if err != nil {
		return nil, err
	}
	archive := filepath.Join(out, r.name()+".tar.gz")
	if err := r.writeArchive(archive, files); err != nil {
		return nil, err
	}
	deb := filepath.Join(out, fmt.Sprintf("lockd_%s_%s.deb", r.debianVersion(), arch))
	if err := r.writeDeb(deb, files); err != nil {
		return nil, err
	}
	return []string{deb, archive}, nil
}

// sourceDate returns the date of everything in the package.
func sourceDate() (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := exec.Command("git", "log", "-1", "--format=%ct").Output()
		if err != nil {
			return time.Time{}, fmt.Errorf("there is no commit here whose date it could have: set SOURCE_DATE_EPOCH, in seconds: %w", err)
		}
		text = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH %q: want a number of seconds", text)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// goCommand returns the go command with arguments, which is reproducible.
func (r release) goCommand(environment []string, args ...string) *exec.Cmd {
	c := exec.Command("go", args...)
	c.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.date.Unix()))
	c.Env = append(c.Env, environment...)
	c.Stderr = os.Stderr
	return c
}
