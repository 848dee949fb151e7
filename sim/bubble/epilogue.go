package bubble

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"lockd/wire"
)

// visit connects a client that does not belong to the crowd. Actors below 16 that are
// not those of the crowd's clients are free for such visitors.
func (b *bubble) visit(number, window int) (*conn, error) {
	seed, jitter := b.options.Seed, b.options.Jitter
	near, far := pipe(newActor(seed, 12+2*number, jitter), newActor(seed, 13+2*number, jitter), "10.0.0.99:99", window)
	near.peer = far
	if !b.current.Load().listener.offer(far, 0) {
		return nil, errors.New("the server does not listen any more")
	}
	return near, nil
}

// epilogue checks, after the crowd has left, what the crowd cannot: that the server
// drops a client that sends or reads nothing for too long, that no reply of a large
// batch is lost, and that the server answers what it has received before it stops.
func (b *bubble) epilogue() error {
	switch {
	case b.options.IdleTimeout > 0:
		return b.timesOut("sends nothing", "")
	case b.options.WriteTimeout > 0:
		return b.timesOut("reads nothing", strings.Repeat("q\n", 500))
	case b.options.Seed%16 == 0:
		return b.largeBatch()
	}
	return b.stopAnswers()
}

// timesOut makes a visitor get a lock, send some commands, and then neither send nor
// read; the server must drop its connection.
func (b *bubble) timesOut(what, send string) error {
	near, err := b.visit(0, 256)
	if err != nil {
		return err
	}
	defer near.Close()
	near.Write([]byte("g visitor\n" + send)) // fails if the server has dropped it already
	select {
	case <-near.peer.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("after %v a client that %s still has its connection", patience, what)
	}
}

// largeBatch sends many commands at once, whose replies do not fit into one write of
// the server, and expects all replies.
func (b *bubble) largeBatch() error {
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

// stopAnswers sends commands and shuts the server down, which must answer what it has
// received and then close [END-8].
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
	near.out.put("g last\nsg words\n") // at once, before the server can read
	if err := b.stop(); err != nil {
		return err
	}
	for range 2 {
		if line, err := reader.Line(); err != nil || line[0] != '1' {
			return fmt.Errorf("a command that arrived before the server stopped was answered %q, %v", line, err)
		}
	}
	if line, err := reader.Line(); err != io.EOF {
		return fmt.Errorf("after the replies of a server that stops came %q, %v instead of the end of the stream", line, err)
	}
	return nil
}
