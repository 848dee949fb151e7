package server

import (
	"bytes"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"lockd/server/core"
)

// lines is a log that a test reads.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *lines) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), what)
}

// TestRefusalsAreLogged checks that a connection too many is logged, and that many
// of them are not.
func TestRefusalsAreLogged(t *testing.T) { onDrivers(t, testRefusalsAreLogged) }

func testRefusalsAreLogged(t *testing.T) {
	log := new(lines)
	_, addr := start(t, Config{Core: core.Config{MaxConnections: 1}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	ask(t, connect(t, addr), "i x\n", "0 Lock Not Locked: x\n")
	for range 3 {
		if got, err := io.ReadAll(connect(t, addr)); err != nil || string(got) != "0 Too Many Connections\n" {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if n := log.count("refused a connection"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.text.String())
	}
}
