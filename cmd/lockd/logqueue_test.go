package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// blocked is a writer that blocks until the test releases it.
type blocked struct {
	bytes.Buffer
	goOn chan struct{}
}

func (b *blocked) Write(p []byte) (int, error) {
	<-b.goOn
	return b.Buffer.Write(p)
}

// TestLogNeverBlocks checks that writes do not wait for a log that is not read, that
// dropped lines are counted, and that the others are written in order.
func TestLogNeverBlocks(t *testing.T) {
	w := &blocked{goOn: make(chan struct{})}
	q := newQueueWriter(w)
	line := strings.Repeat("x", 1000)
	const lines = 3 * logQueue / 1000
	for i := range lines {
		fmt.Fprintf(q, "%d %s\n", i, line)
	}
	close(w.goOn)
	q.Close()
	next, kept := 0, 0
	for got := range strings.Lines(w.String()) {
		var dropped int
		if n, _ := fmt.Sscanf(got, "lockd: %d lines of the log were dropped here", &dropped); n == 1 {
			next += dropped
			continue
		}
		if !strings.HasPrefix(got, fmt.Sprintf("%d x", next)) {
			t.Fatalf("line %d is %.20q", next, got)
		}
		next, kept = next+1, kept+1
	}
	if next != lines || kept < 1000 || kept == lines {
		t.Errorf("%d of %d lines were kept, %d are accounted for", kept, lines, next)
	}
}

// TestErrorsNeverBlock checks that a daemon that cannot start ends even if its error is
// not read.
func TestErrorsNeverBlock(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]int{
		"-nonsense":                   exitUsage,
		"-check -unix-mode 0999":      exitUsage,
		"-pidfile nowhere/at/all/pid": exitError,
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			w := &blocked{goOn: make(chan struct{})}
			defer close(w.goOn)
			ended := make(chan int)
			go func() { ended <- run(strings.Fields(args), io.Discard, w) }()
			select {
			case code := <-ended:
				if code != want {
					t.Errorf("the exit code is %d, want %d", code, want)
				}
			case <-time.After(20 * logFlush):
				t.Error("it does not end")
			}
		})
	}
}

// TestLogEnds checks that Close does not wait for ever for a log that is not read.
func TestLogEnds(t *testing.T) {
	t.Parallel()
	w := &blocked{goOn: make(chan struct{})}
	q := newQueueWriter(w)
	fmt.Fprintln(q, "never read")
	started := time.Now()
	q.Close()
	if took := time.Since(started); took < logFlush || took > 10*logFlush {
		t.Errorf("closing took %v", took)
	}
	close(w.goOn)
	<-q.done
}
