package attack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// The steps of attacks by clients that wait. They wait for the lock of [hold], whose
// connection is the first that is kept.

// queueUp opens n connections that send a text each, which begins with a wait.
func queueUp(n int, text string) step {
	return func(_ context.Context, t *Target) error {
		for range t.scaled(n) {
			c, err := t.keep()
			if err != nil {
				return err
			}
			c.SetDeadline(time.Now().Add(patience))
			if _, err := io.WriteString(c, text); err != nil {
				return err
			}
		}
		return nil
	}
}

// endHolder ends the connection for whose lock the others wait.
func endHolder(_ context.Context, t *Target) error { return t.conns[0].Close() }

// answered waits until all that have queued up are answered with a line that contains a
// text.
func answered(want string) step {
	return func(_ context.Context, t *Target) error { return allAnswered(t.conns[1:], want) }
}

func allAnswered(conns []net.Conn, want string) error {
	for i, c := range conns {
		c.SetReadDeadline(time.Now().Add(patience))
		line, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			return fmt.Errorf("connection %d of %d that wait is not answered: %w", i+1, len(conns), err)
		}
		if !strings.Contains(line, want) {
			return fmt.Errorf("connection %d of %d that wait is answered %q, want %q", i+1, len(conns), line, want)
		}
	}
	return nil
}

// behindAWait is a wait with much behind it.
var behindAWait = "w 600000 g lock-0\nr lock-0\n" + longInspections
