package scenario

import (
	"fmt"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
)

// victim opens a connection that holds a name, one that will end it, and one that waits
// for the name.
func victim(r *engine.Run, name string) (c known, killer, waiter *client.Conn, err error) {
	one, err := introduce(r, "victim")
	if err != nil {
		return c, nil, nil, err
	}
	conns, err := r.Conns("killer", "waiter")
	if err != nil {
		return c, nil, nil, err
	}
	c, killer, waiter = one[0], conns[0], conns[1]
	if err := r.WantInt(c.conn, "g "+name, 1); err != nil {
		return c, nil, nil, err
	}
	return c, killer, waiter, r.Stand(waiter, forLong+"g "+name, name, 1, killer)
}

// endsBy checks that a connection has ended, in whatever way.
func endsBy(r *engine.Run, c *client.Conn) error {
	if err := c.End(r.Subject.Timeout); err == client.ErrTimeout {
		return report.Failf(r.Missing(c, err), "the end of the connection")
	}
	return nil
}

func kill(r *engine.Run) error {
	x := r.Name("x")
	c, killer, waiter, err := victim(r, x)
	if err != nil {
		return err
	}
	if err := r.Send(killer, fmt.Sprintf("k %s\nk %[1]s\ni %s\n", c.number, x)); err != nil {
		return err
	}
	for _, want := range []string{
		"1 Killed: " + c.number,
		"0 No Such Connection: " + c.number, // has ended before the answer
		protocol.Glockd.Reply("i", 1, x),    // handed on
	} {
		if err := r.ExpectLine(killer, want); err != nil {
			return err
		}
	}
	if err := r.ExpectLine(waiter, protocol.Glockd.Reply("g", 1, x)); err != nil {
		return err
	}
	return endsBy(r, c.conn)
}

func killWithAToken(r *engine.Run) error {
	x := r.Name("x")
	c, killer, waiter, err := victim(r, x)
	if err != nil {
		return err
	}
	token, err := r.AskInt(c.conn, "t "+x)
	if err != nil {
		return err
	}
	for _, wrong := range []int{0, 1, token + 1, token - 1} {
		if err := r.WantLine(killer, fmt.Sprintf("k %s %d", c.number, wrong), "0 No Such Connection: "+c.number); err != nil {
			return err
		}
	}
	if err := r.WantInt(c.conn, "i "+x, 1); err != nil {
		return err
	}
	if err := r.WantLine(killer, fmt.Sprintf("k %s %d", c.number, token), "1 Killed: "+c.number); err != nil {
		return err
	}
	if err := endsBy(r, c.conn); err != nil {
		return err
	}
	return r.ExpectLine(waiter, protocol.Glockd.Reply("g", 1, x))
}

func killOneThatWaits(r *engine.Run) error {
	x := r.Name("x")
	c, killer, waiter, err := victim(r, x)
	if err != nil {
		return err
	}
	one, err := introduce(r, "second")
	if err != nil {
		return err
	}
	second := one[0]
	told := second.conn.Count()
	if err := r.Stand(second.conn, forLong+"g "+x, x, 2, killer); err != nil {
		return err
	}
	third, err := r.Conn("third")
	if err != nil {
		return err
	}
	if err := r.Stand(third, forLong+"g "+x, x, 3, killer); err != nil {
		return err
	}
	if err := r.WantInt(killer, "k "+second.number, 1); err != nil {
		return err
	}
	if err := endsBy(r, second.conn); err != nil {
		return err
	}
	if n := second.conn.Count() - told; n > 0 {
		return report.Failf(fmt.Sprintf("%d lines after its number", n), "no answer to a connection that was killed while it waited")
	}
	return inTurn(r, x, c.conn, []*client.Conn{waiter, third})
}

func killItself(r *engine.Run) error {
	x, y := r.Name("x"), r.Name("y")
	c, killer, waiter, err := victim(r, x)
	if err != nil {
		return err
	}
	if err := r.Send(c.conn, fmt.Sprintf("i %s\nk %s\ng %[1]s\n", y, c.number)); err != nil {
		return err
	}
	for _, want := range []string{protocol.Glockd.Reply("i", 0, y), "1 Killed: " + c.number} {
		if err := r.ExpectLine(c.conn, want); err != nil {
			return err
		}
	}
	if err := c.conn.End(r.Subject.Timeout); !engine.IsEnd(err) {
		return report.Failf(r.Missing(c.conn, err), "the end of the stream")
	}
	if err := r.ExpectLine(waiter, protocol.Glockd.Reply("g", 1, x)); err != nil {
		return err
	}
	return r.WantInt(killer, "i "+y, 0)
}

// ownNumber compares the numbers of connections [KILL-4].
func ownNumber(r *engine.Run) error {
	pair, err := introduce(r, "a", "b")
	if err == nil && pair[0].number == pair[1].number {
		err = report.Failf("number "+pair[0].number+" for both", "two numbers for two connections")
	}
	return err
}
