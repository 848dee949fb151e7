package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// file is a file of the package.
type file struct {
	path   string // below /, as it is installed
	data   []byte
	mode   int64
	config bool // the administrator changes it
}

// programs are what is built, and the sections of their manual pages.
var programs = []struct{ name, section string }{{"lockd", "8"}, {"lockctl", "1"}, {"lockcheck", "1"}}

// completions are the files in which shells look for the completion of lockctl.
var completions = []struct{ shell, path string }{
	{"bash", "usr/share/bash-completion/completions/lockctl"},
	{"zsh", "usr/share/zsh/vendor-completions/_lockctl"},
	{"fish", "usr/share/fish/vendor_completions.d/lockctl.fish"},
}

// files builds the programs and returns all files, by path.
func (r release) files() ([]file, error) {
	target, err := r.build("linux", r.arch)
	if err != nil {
		return nil, err
	}
	host := target // whose programs write their own pages
	if runtime.GOOS != "linux" || runtime.GOARCH != r.arch {
		if host, err = r.build(runtime.GOOS, runtime.GOARCH); err != nil {
			return nil, err
		}
	}
	var all []file
	add := func(path string, data []byte, mode int64) {
		all = append(all, file{path: path, data: data, mode: mode})
	}
	for _, p := range programs {
		data, err := os.ReadFile(filepath.Join(target, p.name))
		if err != nil {
			return nil, err
		}
		add("usr/bin/"+p.name, data, 0o755)
		page, err := r.output(filepath.Join(host, p.name), "man")
		if err != nil {
			return nil, err
		}
		add(fmt.Sprintf("usr/share/man/man%s/%s.%s.gz", p.section, p.name, p.section), compressed(page, gzip.BestCompression), 0o644)
	}
	for _, c := range completions {
		script, err := r.output(filepath.Join(host, "lockctl"), "completion", c.shell)
		if err != nil {
			return nil, err
		}
		add(c.path, script, 0o644)
	}
	copies := map[string]string{
		"LICENSE":                       "usr/share/doc/lockd/copyright",
		"README.md":                     "usr/share/doc/lockd/README.md",
		"deploy/systemd/lockd.service":  "usr/lib/systemd/system/lockd.service",
		"deploy/systemd/lockd.socket":   "usr/lib/systemd/system/lockd.socket",
		"deploy/systemd/lockd.sysusers": "usr/lib/sysusers.d/lockd.conf",
		"deploy/lockd.conf":             "etc/lockd/lockd.conf",
	}
	texts, err := filepath.Glob("docs/*.md")
	if err != nil || len(texts) == 0 {
		return nil, fmt.Errorf("there are no texts in docs: run this in the root of the module: %w", os.ErrNotExist)
	}
	for _, text := range texts {
		copies[text] = "usr/share/doc/lockd/" + filepath.ToSlash(text)
	}
	for from, to := range copies {
		data, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		all = append(all, file{path: to, data: data, mode: 0o644, config: strings.HasPrefix(to, "etc/")})
	}
	changes, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return nil, err
	}
	add("usr/share/doc/lockd/CHANGELOG.md.gz", compressed(changes, gzip.BestCompression), 0o644)
	add("usr/share/doc/lockd/changelog.gz", compressed(r.debianChanges(), gzip.BestCompression), 0o644)
	sortFiles(all)
	return all, nil
}

// buildinfo has the variable for the version.
const buildinfo = "lockd/cmd/internal/buildinfo"

// build builds the programs for a system, statically, and returns the folder with them.
func (r release) build(system, arch string) (string, error) {
	dir := filepath.Join(r.work, system+"-"+arch)
	args := []string{"build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X " + buildinfo + ".packaged=" + r.version, "-o", dir + string(filepath.Separator)}
	for _, p := range programs {
		args = append(args, "./cmd/"+p.name)
	}
	c := r.goCommand([]string{"CGO_ENABLED=0", "GOOS=" + system, "GOARCH=" + arch}, args...)
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("cannot build for %s on %s: %w", system, arch, err)
	}
	return dir, nil
}

// output returns what a program prints.
func (r release) output(path string, args ...string) ([]byte, error) {
	c := exec.Command(path, args...)
	c.Env = []string{fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.date.Unix())}
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", filepath.Base(path), strings.Join(args, " "), err)
	}
	return out, nil
}

// compressed compresses data, without a name and a date.
func compressed(data []byte, level int) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, level) // which is valid
	w.Write(data)                          // a Buffer takes everything
	w.Close()
	return b.Bytes()
}
