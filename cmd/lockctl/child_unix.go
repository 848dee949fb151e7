//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lockd/client"
)

// ending are the signals that go on to the command, and end the wait before it, and others
// those that go on to the command only.
var (
	ending = []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM}
	others = []os.Signal{unix.SIGWINCH, unix.SIGTSTP, unix.SIGCONT}
)

// leastInherited is the lowest number of the descriptor that the command inherits. Shell
// scripts use the low ones.
const leastInherited = 100

// inherit duplicates the descriptor of the lock's connection, so that the command
// inherits it.
func inherit(lock *client.Lock) (fd int, err error) {
	raw, err := lock.SyscallConn()
	if err != nil {
		return 0, err
	}
	wrong := raw.Control(func(own uintptr) {
		if fd, err = unix.FcntlInt(own, unix.F_DUPFD, leastInherited); err != nil {
			fd, err = unix.FcntlInt(own, unix.F_DUPFD, 3) // the limit of descriptors is lower
		}
	})
	return fd, errors.Join(wrong, err)
}

// under runs the command while the lock is held.
func (j *job) under(lock *client.Lock, command *exec.Cmd, signals *signals) error {
	fd := -1
	if !j.close {
		var err error
		if fd, err = inherit(lock); err != nil {
			return &exitError{exitCannotRun, fmt.Errorf("the command cannot inherit the lock: %w", err)}
		}
	}
	if sig := signals.next(); sig != 0 {
		return &exitError{code: exitSignal + int(sig)}
	}
	if j.replace {
		err := unix.Exec(command.Path, command.Args, command.Environ())
		if errors.Is(err, unix.ENOEXEC) {
			err = unix.Exec("/bin/sh", append([]string{"sh", command.Path}, command.Args[1:]...), command.Environ())
		}
		return &exitError{exitCannotRun, fmt.Errorf("%s cannot be run: %w", command.Path, err)}
	}
	c := &child{job: j, lock: lock, terminal: openTerminal()}
	err := c.start(command)
	if fd >= 0 {
		unix.Close(fd)
	}
	if err != nil {
		return &exitError{exitCannotRun, fmt.Errorf("%s cannot be run: %w", command.Path, err)}
	}
	return c.watch(signals)
}

// child is a command that runs. It has a process group of its own, so that signals reach
// all that it starts; but on a terminal only if lockctl is the whole of the shell's job:
// else the rest of a pipeline, or the script around it, would lose the terminal.
type child struct {
	job      *job
	lock     *client.Lock
	terminal *terminal // nil: there is none
	grouped  bool      // it has a group of its own
	typed    bool      // lockctl's group, and so who has typed its command, had the terminal
	pid      int
	started  time.Time
	lost     bool
	told     bool // to end, by a signal that was forwarded
}

// start starts the command. As in a shell, a file without an interpreter is a script of
// the shell.
func (c *child) start(command *exec.Cmd) error {
	attributes := &os.ProcAttr{
		Env:   command.Environ(),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{},
	}
	c.typed = c.terminal.belongsTo(unix.Getpgrp())
	c.grouped = !c.typed || unix.Getpid() == unix.Getpgrp() && isTerminal(os.Stdin) && isTerminal(os.Stdout)
	attributes.Sys.Setpgid = c.grouped
	if c.typed && c.grouped {
		attributes.Sys.Foreground, attributes.Sys.Ctty = true, c.terminal.fd()
	}
	c.started = time.Now()
	process, err := os.StartProcess(command.Path, command.Args, attributes)
	if errors.Is(err, unix.ENOEXEC) {
		process, err = os.StartProcess("/bin/sh", append([]string{"sh", command.Path}, command.Args[1:]...), attributes)
	}
	if err != nil {
		return err
	}
	c.pid = process.Pid
	return nil
}

// watch waits for the end of the command, and meanwhile forwards signals, and ends the
// command if the lock is lost.
func (c *child) watch(signals *signals) error {
	if c.grouped {
		signal.Ignore(unix.SIGTTOU) // it would stop whoever takes the terminal back
		signals.add(others)
	}
	changes := make(chan unix.WaitStatus)
	go func() {
		for {
			var status unix.WaitStatus
			if _, err := unix.Wait4(c.pid, &status, unix.WUNTRACED, nil); err == unix.EINTR {
				continue
			}
			changes <- status
			if !status.Stopped() {
				return
			}
		}
	}()
	held := c.lock.Context()
	lost := held.Done()
	var overdue <-chan time.Time
	for {
		select {
		case status := <-changes:
			if status.Stopped() {
				c.stopped(status.StopSignal())
				continue
			}
			c.terminal.pass(c.pid, unix.Getpgrp())
			return c.ended(status, signals, overdue)
		case sig := <-signals.got:
			c.forward(sig.(syscall.Signal))
		case <-lost:
			lost, c.lost = nil, true
			warn("%v", context.Cause(held))
			if c.job.onLost == "kill" {
				c.signal(unix.SIGTERM)
				c.signal(unix.SIGCONT)
				overdue = time.After(c.job.killTime)
			}
		case <-overdue:
			overdue = nil
			c.signal(unix.SIGKILL)
		}
	}
}

// signal sends a signal to the process group of the command, or to the command if it
// shares that of lockctl.
func (c *child) signal(sig syscall.Signal) {
	if c.grouped {
		unix.Kill(-c.pid, sig)
	} else {
		unix.Kill(c.pid, sig)
	}
}

// forward passes a signal on.
func (c *child) forward(sig syscall.Signal) {
	c.told = c.told || slices.Contains([]syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM}, sig)
	switch {
	case !c.grouped && (sig == unix.SIGINT || sig == unix.SIGQUIT):
		return // the keyboard has sent it to the command as well
	case sig == unix.SIGCONT:
		c.terminal.pass(unix.Getpgrp(), c.pid)
	}
	c.signal(sig)
}

// stopped stops lockctl as well, if the terminal has stopped the command, so that the
// shell takes the terminal back. The shell lets it go on with SIGCONT.
func (c *child) stopped(by syscall.Signal) {
	if c.grouped && by == unix.SIGTTIN && c.terminal.belongsTo(unix.Getpgrp()) { // it came to the foreground before
		c.forward(unix.SIGCONT)
		return
	}
	if !c.grouped || c.terminal == nil || by != unix.SIGTSTP && by != unix.SIGTTIN && by != unix.SIGTTOU {
		return
	}
	c.terminal.pass(c.pid, unix.Getpgrp())
	unix.Kill(unix.Getpid(), unix.SIGSTOP) // may take effect somewhat later
}

// ended turns the end of the command into an exit code, when the lock was held long
// enough.
func (c *child) ended(status unix.WaitStatus, signals *signals, overdue <-chan time.Time) error {
	code := status.ExitStatus()
	if status.Signaled() {
		code = exitSignal + int(status.Signal())
		if c.typed && status.Signal() == unix.SIGINT && !signal.Ignored(unix.SIGINT) { // so that the shell's loop or script ends, too
			signal.Reset(unix.SIGINT)
			unix.Kill(unix.Getpid(), unix.SIGINT)
			time.Sleep(time.Second) // another thread may get it, somewhat later
		}
	}
	if c.lost {
		c.endGroup(overdue)
		return &exitError{code: exitLost}
	}
	if sig := c.hold(signals); sig != 0 {
		return &exitError{code: exitSignal + int(sig)}
	}
	if c.job.close {
		release, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		c.lock.Release(release) // else the end of the last process that has the connection does
	}
	if code != exitYes {
		return &exitError{code: code}
	}
	return nil
}

// hold holds the lock until it was held for long enough, or a signal ends that, which it
// returns. One that came while the command ran was for both.
func (c *child) hold(signals *signals) syscall.Signal {
	if c.job.hold == 0 || c.told {
		return 0
	}
	over := time.After(c.job.hold - time.Since(c.started))
	for {
		select {
		case <-over:
			return 0
		case <-c.lock.Context().Done():
			warn("the lock could not be held for %v: %v", c.job.hold, context.Cause(c.lock.Context()))
			return 0
		case sig := <-signals.got:
			switch {
			case sig == unix.SIGTSTP:
				unix.Kill(unix.Getpid(), unix.SIGSTOP)
			case slices.Contains(ending, sig):
				return sig.(syscall.Signal)
			}
		}
	}
}

// endGroup waits for the end of what the command has left running in its group, whose
// lock is lost, and kills it if it is not over in time. overdue is nil if nothing is to be
// killed, or has been killed.
func (c *child) endGroup(overdue <-chan time.Time) {
	if c.job.onLost != "kill" || !c.grouped {
		return
	}
	for overdue != nil && unix.Kill(-c.pid, 0) == nil {
		select {
		case <-overdue:
			overdue = nil
			c.signal(unix.SIGKILL)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
