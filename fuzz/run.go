package fuzz

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Target is a fuzz target of the module.
type Target struct {
	Package string // import path
	Name    string
}

// Outcome is the result of fuzzing one target.
type Outcome struct {
	Target      Target
	Executions  int
	Interesting int // inputs that reached new code in this run
	Elapsed     time.Duration
	// Failure is the output of a failed target, with the file of the input and
	// the command that replays it; "" if it found nothing.
	Failure string
}

// Rate returns executions a second.
func (o Outcome) Rate() float64 {
	if o.Elapsed <= 0 {
		return 0
	}
	return float64(o.Executions) / o.Elapsed.Seconds()
}

// ErrNoTargets means that no fuzz target was found.
var ErrNoTargets = errors.New("no fuzz target matches")

// Targets returns the fuzz targets below dir whose name matches. It runs the go command,
// which must be on the path.
func Targets(ctx context.Context, dir string, match *regexp.Regexp) ([]Target, error) {
	list := exec.CommandContext(ctx, "go", "test", "-list", "^Fuzz", "./...")
	list.Dir = dir
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("cannot list the fuzz targets in %s: %w", dir, err)
	}
	var all []Target
	var names []string
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 1 && strings.HasPrefix(fields[0], "Fuzz"):
			names = append(names, fields[0])
		case len(fields) >= 2 && fields[0] == "ok":
			for _, name := range names {
				if match.MatchString(name) {
					all = append(all, Target{fields[1], name})
				}
			}
			names = nil
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoTargets, match)
	}
	return all, nil
}

// minimizeTime is how long the go command may minimize an input that reached new code,
// instead of the default minute, which could be all the time of a target.
const minimizeTime = time.Second

// progress matches the lines in which the go command reports what it has done so far.
var progress = regexp.MustCompile(`fuzz: elapsed: (\S+), execs: (\d+) .*new interesting: (\d+)`)

// Run fuzzes one target for the duration, or until ctx ends, with as many
// workers as there are processors. It copies the output of the go command to log.
func Run(ctx context.Context, dir string, t Target, d time.Duration, log io.Writer) (Outcome, error) {
	cmd := exec.CommandContext(ctx, "go", "test", t.Package, "-run=^$", "-fuzz=^"+t.Name+"$", "-fuzztime="+d.String(), "-fuzzminimizetime="+minimizeTime.String())
	cmd.Dir = dir
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return Outcome{}, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return Outcome{}, fmt.Errorf("cannot fuzz %s: %w", t.Name, err)
	}
	o := Outcome{Target: t}
	var other strings.Builder
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		fmt.Fprintln(log, line)
		m := progress.FindStringSubmatch(line)
		if m == nil {
			other.WriteString(line + "\n")
			continue
		}
		o.Elapsed, _ = time.ParseDuration(m[1])
		o.Executions, _ = strconv.Atoi(m[2])
		o.Interesting, _ = strconv.Atoi(m[3])
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return o, ctx.Err()
	case err == nil:
		return o, nil
	case errors.As(err, &exit) && outOfTime(other.String()):
		return o, nil
	case errors.As(err, &exit) && strings.Contains(other.String(), "--- FAIL"):
		o.Failure = other.String()
		return o, nil
	}
	return o, fmt.Errorf("cannot fuzz %s: %w\n%s", t.Name, err, other.String())
}

// outOfTime reports whether the go command failed only because its time was over, as it
// does when that happens while a worker starts or minimizes. The output of a real failure
// names the input that failed, or a seed below the target.
func outOfTime(output string) bool {
	return strings.Contains(output, "\n    context deadline exceeded\n") &&
		!strings.Contains(output, "Failing input written to") &&
		strings.Count(output, "--- FAIL") == 1
}
