package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/client"
)

// notShared is the bound without -shared.
const notShared = -1

// job is what run runs, and how.
type job struct {
	on       *server
	names    []string
	command  []string
	shared   bool // as a reader
	bound    int  // of -shared, or notShared
	noWait   bool
	wait     time.Duration // negative: for ever
	notGot   int           // the exit code if the lock is not got
	shell    string        // -c
	hold     time.Duration // at least, from the start of the command
	onLost   string        // kill or warn
	killTime time.Duration // after TERM
	close    bool          // -o
	replace  bool          // -F
	name     string
}

func runCommand(on *server) *ffcli.Command {
	j := job{on: on}
	fs := on.flagSet("run")
	fs.BoolVar(&j.shared, "s", false, "shared: with any number of others that have -s, but with nobody else")
	exclusive := fs.Bool("x", false, "exclusive, which is the default")
	fs.IntVar(&j.bound, "shared", notShared, "shared by at most `N`: a semaphore; use one N for one name")
	fs.BoolVar(&j.noWait, "n", false, "do not wait: exit with 75 if the lock is not free")
	seconds := fs.Float64("w", -1, "wait for at most so many `seconds`, then exit with 75; the default is for ever")
	fs.IntVar(&j.notGot, "E", exitNotGot, "exit with this `code` instead of 75")
	fs.StringVar(&j.shell, "c", "", "run this `text` by sh -c; it may also stand behind the names")
	fs.DurationVar(&j.hold, "hold", 0, "hold the lock for at least this `duration` from the start of the command, as 30s: machines whose clocks differ do not run a short job twice")
	fs.StringVar(&j.onLost, "on-lost", "kill", "`kill|warn`: what to do if the lock is lost while the command runs; it is sent TERM, then KILL")
	fs.DurationVar(&j.killTime, "kill-after", 10*time.Second, "the `duration` between TERM and KILL")
	fs.BoolVar(&j.close, "o", false, "do not let the command inherit the connection: what it leaves running does not hold the lock")
	fs.BoolVar(&j.replace, "F", false, "replace lockctl by the command, which then holds the lock until it ends; nobody watches for its loss")
	fs.StringVar(&j.name, "name", "", "the `name` under which lists show who holds the lock; the default has user, machine and command")
	return &ffcli.Command{
		Name:       "run",
		ShortUsage: "lockctl run [flags] NAME... -- COMMAND [ARG...]",
		ShortHelp:  "run a command under a lock",
		LongHelp: `Waits in line for the lock, runs the command, and returns its exit code, or 128 and
the number of the signal that ended it. Several names are all locked, in one order.

  75  the lock was not got in time (-n, -w; -E changes it)
  69  the server cannot be reached
  76  the lock was lost while the command ran
  64  wrong usage
 126  the command cannot be run
 127  the command was not found

The command and what it starts inherit the connection, and with it the lock, as they
inherit a descriptor of flock(1): the lock is held until all of them have ended, even if
lockctl is killed. The command finds the names in LOCKD_LOCK, the fencing token in
LOCKD_TOKEN and the server in LOCKD_ADDR and the variables of TLS.

An exclusive lock excludes all that run under the name, -s and -shared included, and
other clients' g and b; only their sg, which respects nobody, goes past it. (A server
of the old family has no bounds: there -shared respects other -shared only.) Signals go to
all of the command's process group; on a terminal, if lockctl is in a pipeline or a
script, to the command alone.`,
		FlagSet: fs,
		Exec: func(ctx context.Context, args []string) error {
			if err := j.parse(args, *exclusive, *seconds); err != nil {
				return err
			}
			return j.run(ctx)
		},
	}
}

// parse reads the arguments behind the flags, and checks everything.
func (j *job) parse(args []string, exclusive bool, seconds float64) error {
	at := slices.IndexFunc(args, func(arg string) bool { return arg == "--" || arg == "-c" })
	switch {
	case at >= 0 && args[at] == "-c" && len(args) == at+2 && j.shell == "":
		j.names, j.shell = args[:at], args[at+1]
	case at >= 0 && args[at] == "-c":
		return usageError("-c needs one text, in quotes: lockctl run NAME -c 'TEXT'")
	case at >= 0:
		j.names, j.command = args[:at], args[at+1:]
	default:
		j.names = args
	}
	for _, name := range j.names {
		if strings.HasPrefix(name, "-") {
			return usageError("%q is behind a name; flags go before the names: lockctl run [flags] NAME... -- COMMAND", name)
		}
	}
	j.wait = time.Duration(seconds * float64(time.Second))
	switch {
	case len(j.names) == 0:
		return usageError("which lock? write lockctl run NAME -- COMMAND")
	case j.shell == "" && len(j.command) == 0:
		return usageError("which command? write lockctl run %s -- COMMAND", j.names[0])
	case j.shell != "" && len(j.command) > 0:
		return usageError("-c and a command behind -- exclude each other")
	case j.shared && exclusive || j.bound != notShared && (j.shared || exclusive):
		return usageError("-s, -x and -shared exclude each other")
	case j.bound < 1 && j.bound != notShared:
		return usageError("-shared %d: it must be at least 1", j.bound)
	case j.notGot < 0 || j.notGot > 255:
		return usageError("-E %d: an exit code is between 0 and 255", j.notGot)
	case seconds != -1 && !(seconds >= 0 && seconds <= 1e9):
		return usageError("-w %v: it must be between 0 and 1e9 seconds", seconds)
	case j.hold < 0 || j.killTime < 0:
		return usageError("a duration must not be negative")
	case j.onLost != "kill" && j.onLost != "warn":
		return usageError("-on-lost %s: it must be kill or warn", j.onLost)
	case j.replace && (j.close || j.hold > 0):
		return usageError("-F leaves nobody to do -o or -hold")
	}
	if seconds == 0 {
		j.noWait = true
	}
	return nil
}

// run acquires the lock and runs the command.
func (j *job) run(ctx context.Context) error {
	command, err := j.find()
	if err != nil {
		return err
	}
	if j.name == "" {
		j.name = defaultName(command.Path)
	}
	ctx, signals := untilSignal(context.WithoutCancel(ctx)) // which the same signals end
	defer signals.stop()
	c, err := j.on.dial(ctx, client.WithName(j.name))
	if err != nil {
		return signals.or(err)
	}
	lock, err := j.acquire(ctx, c)
	switch {
	case err == nil:
	case errors.Is(err, client.ErrHeld) || errors.Is(err, client.ErrFull) || errors.Is(err, client.ErrTimeout) && !j.noWait:
		return signals.or(&exitError{code: j.notGot})
	default:
		return signals.or(err)
	}
	environment := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LOCKD_TOKEN=") })
	command.Env = append(append(environment, "LOCKD_LOCK="+strings.Join(j.names, "\n")), j.on.environment()...)
	if token := lock.Token(); token > 0 {
		command.Env = append(command.Env, "LOCKD_TOKEN="+strconv.FormatUint(token, 10))
	}
	return j.under(lock, command, signals)
}

// find finds the command before anything is locked.
func (j *job) find() (*exec.Cmd, error) {
	args := j.command
	if j.shell != "" {
		args = []string{"/bin/sh", "-c", j.shell}
	}
	if _, found := os.LookupEnv("PATH"); !found { // as execvp(3) does
		os.Setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
		defer os.Unsetenv("PATH")
	}
	path, err := exec.LookPath(args[0])
	switch {
	case errors.Is(err, exec.ErrDot):
		path, err = filepath.Abs(path)
	case errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist):
		return nil, &exitError{exitNotFound, fmt.Errorf("%s: command not found", args[0])}
	}
	if err != nil {
		return nil, &exitError{exitCannotRun, fmt.Errorf("%s cannot be run: %w", args[0], err)}
	}
	return &exec.Cmd{Path: path, Args: args, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}, nil
}

// defaultName says who runs what, and where.
func defaultName(path string) string {
	who := "?"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	name := fmt.Sprintf("%s@%s[%d] %s", who, host, os.Getpid(), filepath.Base(path))
	return strings.Join(strings.Fields(name), " ")
}

// answerTimeout is how long a server may take to answer what it does not let wait.
const answerTimeout = 10 * time.Second

// wantsOf returns what is wanted of a name. An exclusive lock is exclusive in both tables
// of the server: in that of the clients who know no other, and in that of readers and
// semaphores.
func wantsOf(name string, shared bool, bound int) []client.Want {
	if shared {
		return []client.Want{{Name: name, Shared: true, Bound: bound}}
	}
	return []client.Want{{Name: name}, {Name: name, Shared: true, Bound: 1}}
}

// acquire acquires all locks.
func (j *job) acquire(ctx context.Context, c *client.Client) (*client.Lock, error) {
	var wants []client.Want
	for _, name := range j.names {
		wants = append(wants, wantsOf(name, j.shared || j.bound > 0, max(j.bound, 0))...)
	}
	if j.noWait {
		limited, cancel := context.WithTimeout(ctx, answerTimeout)
		defer cancel()
		return c.TryAcquireWants(limited, wants...)
	}
	if j.wait >= 0 {
		limited, cancel := context.WithTimeout(ctx, j.wait)
		defer cancel()
		ctx = limited
	}
	return c.AcquireWants(ctx, wants...)
}
