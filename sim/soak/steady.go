package soak

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"lockd/sim/transport"
	"lockd/wire"
)

// steady is an honest client with two connections, first and second. Nobody else uses its
// names, so that it knows every answer.
type steady struct {
	endpoint      transport.Endpoint
	prefix        string // of its names
	random        *rand.Rand
	waits         *Waits
	first, second *link
	token         int64 // the last of first
}

// runSteady runs a steady client until ctx ends. The error is a wrong answer, or that
// there was none.
func runSteady(ctx context.Context, e transport.Endpoint, seed uint64, number int, waits *Waits) (err error) {
	c := &steady{
		endpoint: e, prefix: fmt.Sprintf("steady-%d-%d-", time.Now().UnixNano(), number),
		random: rand.New(rand.NewPCG(seed, 0x737465616479+uint64(number))), waits: waits,
	}
	for _, to := range []**link{&c.first, &c.second} {
		if *to, err = connect(e); err != nil {
			return err
		}
		defer func() { (*to).Close() }()
	}
	for {
		for _, i := range c.random.Perm(len(exchanges)) {
			if ctx.Err() != nil {
				return nil
			}
			if err := exchanges[i](c, fmt.Sprint(c.prefix, c.random.IntN(4))); err != nil {
				return err
			}
			sleep(ctx, time.Duration(2+c.random.IntN(8))*time.Millisecond)
		}
	}
}

// exchanges are what a steady client does again and again, in any order, each with a name
// that is free before and after.
var exchanges = []func(*steady, string) error{
	exclusive, exclusive, exclusive, shared, shared, bounded, handOver, handOver, timeOut, list, leave, tokens,
}

func exclusive(c *steady, name string) error {
	return c.script(
		talk{c.first, "g " + name, "1 Lock Get Success: " + name},
		talk{c.second, "g " + name, "0 Lock Get Failure: " + name},
		talk{c.second, "i " + name, "1 Lock Is Locked: " + name},
		talk{c.second, "r " + name, "0 Lock Release Failure: " + name},
		talk{c.first, "r " + name, "1 Lock Release Success: " + name},
		talk{c.second, "i " + name, "0 Lock Not Locked: " + name},
	)
}

func shared(c *steady, name string) error {
	return c.script(
		talk{c.first, "sg " + name, "1 Shared Lock Get Success: " + name},
		talk{c.second, "sg " + name, "2 Shared Lock Get Success: " + name},
		talk{c.first, "si " + name, "2 Shared Lock Is Locked: " + name},
		talk{c.first, "sr " + name, "1 Shared Lock Release Success: " + name},
		talk{c.second, "sr " + name, "1 Shared Lock Release Success: " + name},
		talk{c.first, "si " + name, "0 Shared Lock Not Locked: " + name},
	)
}

func bounded(c *steady, name string) error {
	return c.script(
		talk{c.first, "b 1 " + name, "1 Shared Lock Get Success: " + name},
		talk{c.second, "w 0 b 1 " + name, "0 Wait Timeout: " + name},
		talk{c.first, "sr " + name, "1 Shared Lock Release Success: " + name},
		talk{c.second, "w 1000 b 1 " + name, "1 Shared Lock Get Success: " + name},
		talk{c.second, "sr " + name, "1 Shared Lock Release Success: " + name},
	)
}

// handOver makes the second connection wait for what the first holds. Whether the wait or
// the release reaches the server first, the wait is granted the lock.
func handOver(c *steady, name string) error {
	if err := c.script(talk{c.first, "g " + name, "1 Lock Get Success: " + name}); err != nil {
		return err
	}
	if err := c.second.say("w 60000 g " + name); err != nil {
		return err
	}
	time.Sleep(time.Duration(c.random.IntN(10)) * time.Millisecond)
	began := time.Now()
	if err := c.script(talk{c.first, "r " + name, "1 Lock Release Success: " + name}); err != nil {
		return err
	}
	if err := c.second.hear("w 60000 g "+name, "1 Lock Get Success: "+name); err != nil {
		return err
	}
	c.waits.Grants.add(time.Since(began))
	return c.script(talk{c.second, "r " + name, "1 Lock Release Success: " + name})
}

// timeOut makes the second connection wait in vain.
func timeOut(c *steady, name string) error {
	if err := c.script(talk{c.first, "g " + name, "1 Lock Get Success: " + name}); err != nil {
		return err
	}
	const limit = 20 * time.Millisecond
	began := time.Now()
	if err := c.second.say("w 20 g " + name); err != nil {
		return err
	}
	if err := c.second.hear("w 20 g "+name, "0 Wait Timeout: "+name); err != nil {
		return err
	}
	if took := time.Since(began); took < limit {
		return fmt.Errorf("a wait of %v timed out after %v", limit, took)
	}
	return c.script(talk{c.first, "r " + name, "1 Lock Release Success: " + name})
}

// list asks for a list of what this client holds.
func list(c *steady, name string) error {
	if err := c.script(talk{c.first, "g " + name, "1 Lock Get Success: " + name}); err != nil {
		return err
	}
	began := time.Now()
	if err := c.second.say("l " + c.prefix); err != nil {
		return err
	}
	head, lines, err := c.second.reader.List(wire.List)
	if err != nil {
		return fmt.Errorf("%q is not answered: %w", "l "+c.prefix, err)
	}
	if head.N != 2 || len(lines) != 1 || lines[0].Name != name || lines[0].Shared {
		return fmt.Errorf("%q is answered %d %s and %v, but the exclusive lock %q alone is held", "l "+c.prefix, head.N, head.Text, lines, name)
	}
	if err := c.second.say("lw " + c.prefix); err != nil {
		return err
	}
	if err := c.second.hear("lw "+c.prefix, "1 Waiters: "+c.prefix); err != nil {
		return err
	}
	c.waits.Lists.add(time.Since(began) / 2)
	return c.script(talk{c.first, "r " + name, "1 Lock Release Success: " + name})
}

// leave ends the first connection, which holds the lock. Once the end of its stream is
// seen, the lock is free [END-5].
func leave(c *steady, name string) error {
	err := c.script(
		talk{c.first, "g " + name, "1 Lock Get Success: " + name},
		talk{c.first, "sg " + name, "1 Shared Lock Get Success: " + name},
	)
	if err != nil {
		return err
	}
	if err := c.first.CloseWrite(); err != nil {
		return fmt.Errorf("an end of the stream: %w", err)
	}
	if c.endpoint.IsStream() { // on a WebSocket CloseWrite has waited for the end
		if line, err := c.first.reader.Line(); err != io.EOF {
			return fmt.Errorf("the end of a stream is answered %q (%v), want the end", line, err)
		}
	}
	c.first.Close()
	err = c.script(
		talk{c.second, "g " + name, "1 Lock Get Success: " + name},
		talk{c.second, "si " + name, "0 Shared Lock Not Locked: " + name},
		talk{c.second, "r " + name, "1 Lock Release Success: " + name},
	)
	if err != nil {
		return err
	}
	next, err := connect(c.endpoint)
	if err != nil {
		return err
	}
	c.first = next
	return nil
}

// tokens checks that the tokens of grants grow [TOKEN-1].
func tokens(c *steady, name string) error {
	if err := c.script(talk{c.first, "g " + name, "1 Lock Get Success: " + name}); err != nil {
		return err
	}
	if err := c.first.say("t " + name); err != nil {
		return err
	}
	reply, err := c.first.reader.Reply()
	if err != nil {
		return fmt.Errorf("%q is not answered: %w", "t "+name, err)
	}
	if reply.N <= c.token {
		return fmt.Errorf("%q is answered %d %s, but an earlier grant had the token %d", "t "+name, reply.N, reply.Text, c.token)
	}
	c.token = reply.N
	return c.script(talk{c.first, "r " + name, "1 Lock Release Success: " + name})
}

// talk is a command on a connection, and the answer that it must have.
type talk struct {
	on        *link
	ask, want string
}

// script sends commands one after the other, and times the answers.
func (c *steady) script(talks ...talk) error {
	for _, t := range talks {
		began := time.Now()
		if err := t.on.say(t.ask); err != nil {
			return err
		}
		if err := t.on.hear(t.ask, t.want); err != nil {
			return err
		}
		c.waits.Answers.add(time.Since(began))
	}
	return nil
}

// link is a connection of a steady client.
type link struct {
	*transport.Conn
	reader *wire.ReplyReader
}

// patience is how long an honest client waits for an answer.
const patience = 60 * time.Second

func connect(e transport.Endpoint) (*link, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, err := transport.Dial(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("cannot connect: %w", err)
	}
	return &link{c, wire.NewReplyReader(c, 0)}, nil
}

// say sends a command.
func (l *link) say(line string) error {
	l.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(l, line+"\n"); err != nil {
		return fmt.Errorf("%q cannot be sent: %w", line, err)
	}
	return nil
}

// hear reads the answer to a command.
func (l *link) hear(asked, want string) error {
	line, err := l.reader.Line()
	if err != nil {
		return fmt.Errorf("%q is not answered: %w", asked, err)
	}
	if string(line) != want {
		return fmt.Errorf("%q is answered %q, want %q", asked, line, want)
	}
	return nil
}

// ask sends a command and returns the first line of the answer.
func (l *link) ask(line string) (string, error) {
	if err := l.say(line); err != nil {
		return "", err
	}
	answer, err := l.reader.Line()
	return string(answer), err
}

// sleep waits for some time, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
