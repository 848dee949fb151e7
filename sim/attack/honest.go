package attack

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"
)

// honest is a client that holds a lock, and asks and waits for the answer, all the
// time.
type honest struct {
	conn  net.Conn
	read  *bufio.Reader
	name  string
	waits []time.Duration
}

func newHonest(t *Target) (*honest, error) {
	c, err := t.dial()
	if err != nil {
		return nil, err
	}
	h := &honest{conn: c, read: bufio.NewReader(c), name: fmt.Sprintf("honest-%d", time.Now().UnixNano())}
	reply, err := h.ask("g")
	if err == nil && !strings.HasPrefix(reply, "1 ") {
		err = fmt.Errorf("an honest client cannot get its lock: %q", reply)
	}
	return h, err
}

func (h *honest) ask(verb string) (string, error) {
	h.conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(h.conn, "%s %s\n", verb, h.name); err != nil {
		return "", err
	}
	return h.read.ReadString('\n')
}

// run asks until ctx ends.
func (h *honest) run(ctx context.Context) error {
	for ctx.Err() == nil {
		began := time.Now()
		reply, err := h.ask("i")
		if err != nil {
			return fmt.Errorf("the connection of an honest client ended: %w", err)
		}
		if !strings.HasPrefix(reply, "1 ") {
			return fmt.Errorf("an honest client has lost its lock: %q", reply)
		}
		h.waits = append(h.waits, time.Since(began))
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

// end releases the lock, which must still be held.
func (h *honest) end() error {
	defer h.conn.Close()
	reply, err := h.ask("r")
	if err == nil && !strings.HasPrefix(reply, "1 ") {
		err = fmt.Errorf("an honest client has lost its lock: %q", reply)
	}
	return err
}

// percentile returns how long so many of a thousand replies took at the most.
func percentile(waits []time.Duration, thousandths int) time.Duration {
	if len(waits) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(waits))
	return sorted[min(len(sorted)-1, len(sorted)*thousandths/1000)]
}
