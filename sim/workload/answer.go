package workload

import (
	"errors"
	"strings"
	"syscall"

	"lockd/sim/history"
)

// answer reads the reply to one operation and checks its form.
func (c *client) answer(op *history.Operation) error {
	switch op.Command {
	case history.Statistics:
		figures, err := c.reader.Stats()
		if err != nil {
			return err
		}
		base := c.options.Base
		op.Text = history.CanonicalStatistics(map[string]int{
			"locks": int(figures["locks"]), "shared_locks": int(figures["shared_locks"]),
			"orphans":        int(figures["orphans"] - base["orphans"]),
			"shared_orphans": int(figures["shared_orphans"] - base["shared_orphans"]),
		})
		return c.tally.check(figures, base, c.floor)
	case history.Dump, history.DumpShared:
		line, err := c.reader.Line()
		if err != nil {
			return err
		}
		op.Text = history.CanonicalDump(string(line))
		if !strings.HasPrefix(op.Text, "map[") {
			return protocolError("%s is answered %q", op.Command, line)
		}
		return nil
	}
	line, err := c.reader.Line()
	if err != nil {
		return err
	}
	if err := op.Answer(line, c.options.Classic, 0); err != nil {
		return &ProtocolError{err.Error()}
	}
	return nil
}

// isReset says whether the other side dropped the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
