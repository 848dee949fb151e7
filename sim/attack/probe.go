package attack

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// measurements is what the well-behaved client has measured.
type measurements struct {
	Waits  []time.Duration `json:"waits"` // for each reply, in nanoseconds
	Broken string          `json:"broken,omitempty"`
}

// Probe runs a well-behaved client of the server at a TCP address: it holds a lock,
// and inspects it again and again, waiting for each reply, until in ends. It writes the
// line "ready" when it has its lock, and at the end its measurements, as JSON. It
// returns an error if it could not begin.
//
// It is meant to run in a process of its own: among the goroutines of the attackers
// the Go runtime would delay it, which the kernel does not do to a process, and that
// would be taken for a delay of the server.
func Probe(addr string, in io.Reader, out io.Writer) error {
	h := client{name: fmt.Sprintf("probe-%d-%d", os.Getpid(), time.Now().UnixNano())}
	var err error
	if h.conn, err = net.DialTimeout("tcp", addr, patience); err != nil {
		return err
	}
	defer h.conn.Close()
	h.read = bufio.NewReader(h.conn)
	if err := h.expect("g", "cannot get its lock"); err != nil {
		return err
	}
	if _, err := io.WriteString(out, ready+"\n"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		io.Copy(io.Discard, in)
	}()
	var n measurements
	if err := h.run(ctx, &n); err != nil {
		n.Broken = err.Error()
	}
	return json.NewEncoder(out).Encode(n)
}

const ready = "ready"

// client is the connection of a well-behaved client.
type client struct {
	conn net.Conn
	read *bufio.Reader
	name string
}

// run inspects the lock until ctx ends, and then releases it; it must still be held.
func (h *client) run(ctx context.Context, n *measurements) error {
	for ctx.Err() == nil {
		began := time.Now()
		if err := h.expect("i", "has lost its lock"); err != nil {
			return err
		}
		n.Waits = append(n.Waits, time.Since(began))
		time.Sleep(2 * time.Millisecond)
	}
	return h.expect("r", "has lost its lock")
}

// expect sends a command for the lock, and expects the answer yes.
func (h *client) expect(verb, trouble string) error {
	h.conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(h.conn, "%s %s\n", verb, h.name); err != nil {
		return fmt.Errorf("the connection of a well-behaved client ended: %w", err)
	}
	reply, err := h.read.ReadString('\n')
	switch {
	case err != nil:
		return fmt.Errorf("the connection of a well-behaved client ended: %w", err)
	case !strings.HasPrefix(reply, "1 "):
		return fmt.Errorf("a well-behaved client %s: it was answered %q", trouble, reply)
	}
	return nil
}

// probeProcess is a process that runs Probe.
type probeProcess struct {
	process *exec.Cmd
	stdin   io.Closer
	out     *bufio.Reader
}

// startProbe starts a well-behaved client and waits until it has its lock.
func startProbe(ctx context.Context, t *Target) (*probeProcess, error) {
	w := &probeProcess{process: exec.CommandContext(ctx, t.Probe[0], t.Probe[1:]...)}
	var said strings.Builder
	w.process.Stderr = &said
	stdin, err := w.process.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := w.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.stdin, w.out = stdin, bufio.NewReader(stdout)
	if err := w.process.Start(); err != nil {
		return nil, err
	}
	if line, _ := w.out.ReadString('\n'); line != ready+"\n" {
		stdin.Close()
		err := w.process.Wait()
		return nil, fmt.Errorf("the well-behaved client could not begin: %s (%w)", strings.TrimSpace(said.String()), err)
	}
	return w, nil
}

// end ends the well-behaved client and returns its measurements.
func (w *probeProcess) end() (n measurements, err error) {
	w.stdin.Close()
	err = json.NewDecoder(w.out).Decode(&n)
	return n, errors.Join(err, w.process.Wait())
}

// percentile returns the maximum time of the given thousandths of the replies.
func percentile(waits []time.Duration, thousandths int) time.Duration {
	if len(waits) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(waits))
	return sorted[min(len(sorted)-1, len(sorted)*thousandths/1000)]
}
