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
func victim(r *engine.Run, name string) (c, killer, waiter *client.Conn, number int, err error) {
	if c, err = r.Conn("victim"); err != nil {
		return nil, nil, nil, 0, err
	}
	if killer, err = r.Conn("killer"); err != nil {
		return nil, nil, nil, 0, err
	}
	if waiter, err = r.Conn("waiter"); err != nil {
		return nil, nil, nil, 0, err
	}
	if number, err = numberOf(r, c); err != nil {
		return nil, nil, nil, 0, err
	}
	if err = r.WantInt(c, "g "+name, 1); err != nil {
		return nil, nil, nil, 0, err
	}
	return c, killer, waiter, number, r.Stand(waiter, forLong+"g "+name, name, 1, killer)
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
	c, killer, waiter, number, err := victim(r, x)
	if err != nil {
		return err
	}
	if err := r.Send(killer, fmt.Sprintf("k %d\nk %d\ni %s\n", number, number, x)); err != nil {
		return err
	}
	if err := r.ExpectLine(killer, fmt.Sprintf("1 Killed: %d", number)); err != nil {
		return err
	}
	if err := r.ExpectLine(killer, fmt.Sprintf("0 No Such Connection: %d", number)); err != nil { // has ended before the answer
		return err
	}
	if err := r.ExpectLine(killer, protocol.Glockd.Reply("i", 1, x)); err != nil { // handed on
		return err
	}
	if err := r.ExpectLine(waiter, protocol.Glockd.Reply("g", 1, x)); err != nil {
		return err
	}
	return endsBy(r, c)
}

func killWithAToken(r *engine.Run) error {
	x := r.Name("x")
	c, killer, waiter, number, err := victim(r, x)
	if err != nil {
		return err
	}
	token, err := r.AskInt(c, "t "+x)
	if err != nil {
		return err
	}
	for _, wrong := range []int{0, 1, token + 1, token - 1} {
		if err := r.Send(killer, fmt.Sprintf("k %d %d\n", number, wrong)); err != nil {
			return err
		}
		if err := r.ExpectLine(killer, fmt.Sprintf("0 No Such Connection: %d", number)); err != nil {
			return err
		}
	}
	if err := r.WantInt(c, "i "+x, 1); err != nil {
		return err
	}
	if err := r.Send(killer, fmt.Sprintf("k %d %d\n", number, token)); err != nil {
		return err
	}
	if err := r.ExpectLine(killer, fmt.Sprintf("1 Killed: %d", number)); err != nil {
		return err
	}
	if err := endsBy(r, c); err != nil {
		return err
	}
	return r.ExpectLine(waiter, protocol.Glockd.Reply("g", 1, x))
}

func killOneThatWaits(r *engine.Run) error {
	x := r.Name("x")
	c, killer, waiter, _, err := victim(r, x)
	if err != nil {
		return err
	}
	second, err := r.Conn("second")
	if err != nil {
		return err
	}
	number, err := numberOf(r, second)
	if err != nil {
		return err
	}
	if err := r.Stand(second, forLong+"g "+x, x, 2, killer); err != nil {
		return err
	}
	third, err := r.Conn("third")
	if err != nil {
		return err
	}
	if err := r.Stand(third, forLong+"g "+x, x, 3, killer); err != nil {
		return err
	}
	if err := r.WantInt(killer, fmt.Sprintf("k %d", number), 1); err != nil {
		return err
	}
	if err := endsBy(r, second); err != nil {
		return err
	}
	if n := second.Count(); n > 1 {
		return report.Failf(fmt.Sprintf("%d lines after its number", n-1), "no answer to a connection that was killed while it waited")
	}
	return inTurn(r, x, c, []*client.Conn{waiter, third})
}

func killItself(r *engine.Run) error {
	x, y := r.Name("x"), r.Name("y")
	c, killer, waiter, number, err := victim(r, x)
	if err != nil {
		return err
	}
	if err := r.Send(c, fmt.Sprintf("i %s\nk %d\ng %s\n", y, number, y)); err != nil {
		return err
	}
	for _, want := range []string{protocol.Glockd.Reply("i", 0, y), fmt.Sprintf("1 Killed: %d", number)} {
		if err := r.ExpectLine(c, want); err != nil {
			return err
		}
	}
	if err := c.End(r.Subject.Timeout); !engine.IsEnd(err) {
		return report.Failf(r.Missing(c, err), "the end of the stream")
	}
	if err := r.ExpectLine(waiter, protocol.Glockd.Reply("g", 1, x)); err != nil {
		return err
	}
	return r.WantInt(killer, "i "+y, 0)
}
