package scenario

import (
	"fmt"
	"strings"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/transcript"
)

// repliesInOnePacket sends batches often enough to notice a server that writes every
// reply separately.
func repliesInOnePacket(r *engine.Run) error {
	c, err := r.Conn("a")
	if err != nil {
		return err
	}
	const rounds, commands = 20, 30 // the replies of one round fit into one Ethernet packet
	question := strings.Repeat("i t\n", commands)
	for range rounds {
		if err := r.Send(c, question); err != nil {
			return err
		}
		if err := r.ExpectChunk(c, "", commands); err != nil {
			return err
		}
		for range commands {
			if _, err := r.Take(c, "a reply to \"i t\""); err != nil {
				return err
			}
		}
	}
	return nil
}

// statisticsInOnePacket sends q between two inspections, and expects all replies in one
// packet.
func statisticsInOnePacket(r *engine.Run) error {
	c, err := r.Conn("a")
	if err != nil {
		return err
	}
	const rounds = 20
	for round := range rounds {
		last := r.Name(fmt.Sprintf("last%d", round+1))
		if err := r.Send(c, "i t\nq\ni "+last+"\n"); err != nil {
			return err
		}
		p, k, err := c.NextChunk()
		if err != nil {
			return report.Failf(r.Missing(c, err), "the statistics")
		}
		end := r.Subject.InspectReply(last)
		lines := strings.Split(strings.ReplaceAll(string(p), "\r\n", "\n"), "\n")
		if len(lines) < 5 || lines[len(lines)-2] != end {
			return report.Failf(fmt.Sprintf("a %v of %d lines: %s", k, len(lines)-1, transcript.Quote(p)),
				"the replies to \"i t\", \"q\" and \"i %s\" in one packet", last)
		}
		for range len(lines) - 1 {
			if _, err := r.Take(c, "the statistics"); err != nil {
				return err
			}
		}
	}
	return nil
}

// wholeStatisticsMessage sends q alone and compares the first message with the whole
// answer.
func wholeStatisticsMessage(r *engine.Run) error {
	c, err := r.Conn("a")
	if err != nil {
		return err
	}
	if err := c.Send([]byte("q"), client.TextMessage); err != nil {
		return engine.Broken(c, err)
	}
	first, _, err := c.NextChunk()
	if err != nil {
		return report.Failf(r.Missing(c, err), "the statistics")
	}
	lines, err := r.UntilSentinel(c)
	if err != nil {
		return err
	}
	if n := strings.Count(string(first), "\n"); n != len(lines) || n < 2 {
		return report.Failf(fmt.Sprintf("%d of %d lines in the first message", n, len(lines)), "all lines of q in one message")
	}
	return nil
}
