package workload

import (
	"errors"
	"strings"
	"syscall"

	"lockd/sim/history"
)

// texts are the words with which the glockd replies to a command begin.
var texts = map[string]string{
	history.Get: "Lock Get ", history.Release: "Lock Release ", history.Inspect: "Lock ",
	history.GetShared: "Shared Lock Get ", history.ReleaseShared: "Shared Lock Release ", history.InspectShared: "Shared Lock ",
}

// answer reads the reply to one operation and checks that it is one.
func (c *client) answer(op *history.Op) error {
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
	reply, err := c.reader.Reply()
	if err != nil {
		return err
	}
	op.Value = reply.N
	if c.options.Classic {
		return nil
	}
	if !strings.HasPrefix(reply.Text, texts[op.Command]) || !strings.HasSuffix(reply.Text, ": "+op.Name) {
		return protocolError("connection %d: %s %s is answered %d %s", c.id, op.Command, op.Name, reply.N, reply.Text)
	}
	return nil
}

// isReset says that the other side dropped the connection.
func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
