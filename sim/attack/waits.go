package attack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// The steps of attacks by clients that wait.

// queueUp opens n connections that send a text each, which begins with a wait for the lock
// of the connection that was kept last.
func queueUp(n int, text string) step {
	return func(_ context.Context, t *Target) error {
		t.holder, t.queued = t.conns[len(t.conns)-1], nil
		for range t.scaled(n) {
			c, err := t.keep()
			if err != nil {
				return err
			}
			t.queued = append(t.queued, c)
			c.SetDeadline(time.Now().Add(patience))
			if _, err := io.WriteString(c, text); err != nil {
				return err
			}
		}
		return nil
	}
}

// endHolder ends the connection for whose lock the others wait.
func endHolder(_ context.Context, t *Target) error { return t.holder.Close() }

// answered waits until all that have queued up are answered with a line that contains a
// text.
func answered(want string) step {
	return func(_ context.Context, t *Target) error {
		for i, c := range t.queued {
			c.SetReadDeadline(time.Now().Add(patience))
			line, err := bufio.NewReader(c).ReadString('\n')
			if err != nil {
				return fmt.Errorf("connection %d of %d that wait is not answered: %w", i+1, len(t.queued), err)
			}
			if !strings.Contains(line, want) {
				return fmt.Errorf("connection %d of %d that wait is answered %q, want %q", i+1, len(t.queued), line, want)
			}
		}
		return nil
	}
}

// behindAWait is a wait with much behind it.
var behindAWait = "w 600000 g lock-0\nr lock-0\n" + longInspections
