package bubble

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"lockd/wire"
)

// visit connects somebody who is not of the crowd. The numbers of the actors
// below 16 are free for visitors, after those of the clients.
func (b *bubble) visit(number, window int) (*conn, error) {
	seed, jitter := b.options.Seed, b.options.Jitter
	near, far := pipe(newActor(seed, 12+2*number, jitter), newActor(seed, 13+2*number, jitter), "10.0.0.99:99", window)
	near.peer = far
	if !b.current.Load().listener.offer(far, 0) {
		return nil, errors.New("nobody listens any more")
	}
	return near, nil
}

// epilogue checks, once the crowd has left, what the crowd cannot: that the
// server gives up who sends or reads nothing for too long, that nothing of a great
// batch is lost, and that it answers what it has received before it stops.
func (b *bubble) epilogue() error {
	switch {
	case b.options.IdleTimeout > 0:
		return b.givenUp("says nothing", "")
	case b.options.WriteTimeout > 0:
		return b.givenUp("reads nothing", strings.Repeat("q\n", 500))
	case b.options.Seed%16 == 0:
		return b.greatBatch()
	}
	return b.stopAnswers()
}

// givenUp lets a visitor get a lock and then do what it may not for long; the server
// must drop the connection.
func (b *bubble) givenUp(what, send string) error {
	near, err := b.visit(0, 256)
	if err != nil {
		return err
	}
	defer near.Close()
	near.Write([]byte("g visitor\n" + send)) // it may be given up already
	select {
	case <-near.peer.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("after %v a client that %s still has its connection", patience, what)
	}
}

// greatBatch sends many commands at once, whose replies do not fit into one
// write of the server, and wants all of them.
func (b *bubble) greatBatch() error {
	const commands = 1000
	near, err := b.visit(0, 64<<10)
	if err != nil {
		return err
	}
	defer near.Close()
	near.out.put(strings.Repeat("q\n", commands))
	if err := near.CloseWrite(); err != nil {
		return err
	}
	replies, err := io.ReadAll(near)
	if got := strings.Count(string(replies), "command_q"); got != commands || err != nil {
		return fmt.Errorf("%d of %d commands of one batch were answered, then %v", got, commands, err)
	}
	return nil
}

// stopAnswers sends commands and shuts the server down: what it has received is
// answered, then it closes [END-8].
func (b *bubble) stopAnswers() error {
	near, err := b.visit(0, 64<<10)
	if err != nil {
		return err
	}
	defer near.Close()
	reader := wire.NewReplyReader(near, 0)
	if _, err := near.Write([]byte("i last\n")); err != nil {
		return err
	}
	if _, err := reader.Line(); err != nil {
		return err
	}
	near.out.put("g last\nsg words\n") // at once, before the server can look
	if err := b.stop(); err != nil {
		return err
	}
	for range 2 {
		if line, err := reader.Line(); err != nil || line[0] != '1' {
			return fmt.Errorf("a command received before the server stopped was answered %q, %v", line, err)
		}
	}
	if line, err := reader.Line(); err != io.EOF {
		return fmt.Errorf("after the answers of a server that stops came %q, %v instead of the end", line, err)
	}
	return nil
}
