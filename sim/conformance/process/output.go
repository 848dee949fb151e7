package process

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// fatal matches the line with which a runtime begins to report a crash.
var fatal = regexp.MustCompile(`(?m)^.*(panic:|fatal error:|Traceback \(most recent call last\)|Uncaught|Segmentation fault|AddressSanitizer).*$`)

// lastWords returns the output of a server from the beginning of a crash, or else the last
// lines.
func lastWords(output string) string {
	const most = 30
	if at := fatal.FindStringIndex(output); at != nil {
		output = output[at[0]:]
		lines := strings.Split(output, "\n")
		if len(lines) > most {
			lines = append(lines[:most-1:most-1], fmt.Sprintf("... %d lines more", len(lines)-most+1), lines[len(lines)-1])
		}
		return strings.Join(lines, "\n")
	}
	lines := strings.Split(output, "\n")
	return strings.Join(lines[max(0, len(lines)-most):], "\n")
}

// waitDelay bounds how long the output of a server that has ended is read.
const waitDelay = time.Second

// tail keeps the last tailBytes of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

// tailBytes is enough for the beginning of a crash and the stacks that follow.
const tailBytes = 64 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - tailBytes; over > 0 {
		t.text = t.text[over:]
	}
	return len(p), nil
}

// end appends the error with which the process has ended, if any.
func (t *tail) end(err error) {
	if err != nil {
		fmt.Fprintf(t, "\n(%v)\n", err)
	}
}

// String returns the output that is kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.text))
}
