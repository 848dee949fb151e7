package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockd/sim/programs"
)

// TestUnread checks that a command whose output nobody reads any more ends, and ends the
// server that it has started.
func TestUnread(t *testing.T) {
	t.Parallel()
	lockd, err := programs.Make(t.TempDir(), "lockd")
	if err != nil {
		t.Fatal(err)
	}
	p := newProgram(t)
	for _, args := range []string{"soak -hostile -duration 1h -p99 1h -every 100ms -start " + lockd, "attack -start " + lockd} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(p.path, strings.Fields(args)...)
		cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = t.TempDir(), w, w, asProgram()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill() })
		w.Close()
		var servers []int
		for began := time.Now(); len(servers) == 0; time.Sleep(10 * time.Millisecond) {
			if servers = children(cmd.Process.Pid); time.Since(began) > time.Minute {
				t.Fatalf("%s starts no server", args)
			}
		}
		r.Close()
		ended := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
		cmd.Wait()
		ended.Stop()
		if code := cmd.ProcessState.ExitCode(); code != exitInterrupted {
			t.Errorf("%s: exit code %d", args, code)
		}
		for _, pid := range servers {
			if syscall.Kill(pid, 0) == nil {
				t.Errorf("%s: process %d still runs", args, pid)
			}
		}
	}
}

// children returns the processes that a process has started.
func children(pid int) (list []int) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range threads {
		text, _ := os.ReadFile(path) // a thread may just have ended
		for _, word := range strings.Fields(string(text)) {
			var child int
			fmt.Sscan(word, &child)
			list = append(list, child)
		}
	}
	return list
}
