package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// pidfile is a file with the process id, locked with flock(2) as long as the daemon
// runs, so that a second daemon is refused, but a file left by a crash is not in the
// way. nil is none.
type pidfile struct {
	file *os.File
}

// maxPidfile is the maximum size of a pidfile in bytes.
const maxPidfile = 32

// claimPidfile creates or takes over the file with that path; an empty path is none.
func claimPidfile(path string) (*pidfile, error) {
	if path == "" {
		return nil, nil
	}
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|safeOpenFlags, 0o644)
		if err != nil {
			return nil, fmt.Errorf("cannot use the pidfile: %w", err)
		}
		info, err := f.Stat()
		if err != nil || !info.Mode().IsRegular() {
			f.Close()
			return nil, fmt.Errorf("cannot use the pidfile %s: it is not a regular file; choose another path", path)
		}
		if err := lockFile(f); err != nil {
			defer f.Close()
			if !errors.Is(err, errLocked) {
				return nil, fmt.Errorf("cannot lock the pidfile %s: %w", path, err)
			}
			pid, _ := io.ReadAll(io.LimitReader(f, maxPidfile))
			return nil, fmt.Errorf("another process keeps the pidfile %s locked, probably a running daemon: the pid in it is %q", path, bytes.TrimSpace(pid))
		}
		// Its last owner may have removed it since it was opened.
		if !isFileAt(f, path) {
			f.Close()
			continue
		}
		if err := checkLeft(f, info); err != nil {
			f.Close()
			return nil, fmt.Errorf("cannot use the pidfile %s: %w; choose another path or remove it", path, err)
		}
		if err := writePid(f); err != nil {
			f.Close()
			return nil, fmt.Errorf("cannot write the pidfile: %w", err)
		}
		return &pidfile{f}, nil
	}
}

// checkLeft returns an error unless a file can be left by a crash: it must be empty or
// hold the id of a process that has ended.
func checkLeft(f *os.File, info fs.FileInfo) error {
	content, err := io.ReadAll(io.LimitReader(f, maxPidfile))
	if err != nil {
		return err
	}
	if info.Size() > maxPidfile {
		return errors.New("it holds something other than a process id")
	}
	text := strings.TrimSpace(string(content))
	if text == "" {
		return nil
	}
	pid, err := strconv.Atoi(text)
	if err != nil {
		return errors.New("it holds something other than a process id")
	}
	if program := runsSince(pid, info.ModTime()); program != "" && pid != os.Getpid() {
		return fmt.Errorf("it names process %d, %s, which is running", pid, program)
	}
	return nil
}

func isFileAt(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(open, there)
}

func writePid(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}

// release removes the file, unless another file has replaced it, and then unlocks it.
func (p *pidfile) release() {
	if p == nil {
		return
	}
	if isFileAt(p.file, p.file.Name()) {
		os.Remove(p.file.Name())
	}
	p.file.Close()
}
