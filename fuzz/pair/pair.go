package pair

import (
	"bytes"
	"fmt"
	"strconv"

	"lockd/server/core"
	"lockd/sim/model"
	"lockd/wire"
)

// Pair is a Core and the model, which must answer alike. After every step the
// invariants of the Core are checked. It is not safe for concurrent use.
type Pair struct {
	Core  *core.Core
	Model *model.Server
	// Granted says whether any command was answered with a number above 0.
	Granted bool

	conns map[int]conn
	fx    core.Effects
}

// conn is an open connection: its numbers on both sides.
type conn struct {
	core  core.ID
	model uint64
}

// New returns a Pair of that configuration without connections.
func New(c core.Config) *Pair {
	return &Pair{
		Core: core.New(c),
		Model: model.New(model.Config{
			Classic:        c.Dialect == wire.Classic,
			Registry:       c.Registry,
			Dump:           c.Dump,
			AnswerInvalid:  c.AnswerInvalid,
			MaxLine:        c.MaxLine,
			MaxConnections: c.MaxConnections,
			MaxLocks:       c.MaxLocks,
			PID:            c.PID,
		}),
		conns: make(map[int]conn, 4),
	}
}

// Addr is the address that connection n is opened with.
func Addr(n int) string { return "h:" + strconv.Itoa(n) }

// IsOpen says whether connection n is open.
func (p *Pair) IsOpen(n int) bool {
	_, open := p.conns[n]
	return open
}

// Open opens connection n, which is not open. If both sides refuse it, it stays
// closed.
func (p *Pair) Open(n int) error {
	p.fx.Reset()
	id, ok := p.Core.Open(0, core.Peer{Addr: Addr(n)}, &p.fx)
	modelID, modelOK := p.Model.Open(Addr(n))
	if ok != modelOK {
		return fmt.Errorf("opening connection %d: got %v, want %v", n, ok, modelOK)
	}
	if !ok {
		return p.compare("refusing a connection", p.fx.To(0), p.Model.Refusal())
	}
	p.conns[n] = conn{id, modelID}
	return p.Core.Valid()
}

// Send sends one packet on connection n and returns the reply, valid until the
// next call. On one that is not open it does nothing.
func (p *Pair) Send(n int, data []byte) ([]byte, error) {
	c, open := p.conns[n]
	if !open {
		return nil, nil
	}
	p.fx.Reset()
	var state core.State
	for rest := data; len(rest) > 0; {
		rest, state = p.Core.Receive(0, c.core, rest, &p.fx)
		p.await(c.core, state)
	}
	out := p.fx.To(c.core)
	if err := p.compare("an answer", out, p.Model.Receive(c.model, data)); err != nil {
		return nil, fmt.Errorf("connection %d sent %q: %w", n, data, err)
	}
	return out, p.Core.Valid()
}

// EndMessage ends a WebSocket message on connection n.
func (p *Pair) EndMessage(n int) error {
	c, open := p.conns[n]
	if !open {
		return nil
	}
	p.fx.Reset()
	p.await(c.core, p.Core.EndMessage(0, c.core, &p.fx))
	if err := p.compare("an answer", p.fx.To(c.core), p.Model.EndMessage(c.model)); err != nil {
		return fmt.Errorf("connection %d ended a message: %w", n, err)
	}
	return p.Core.Valid()
}

// await makes the reply that a connection waits for. The model, to which nothing
// happens meanwhile, has it at once.
func (p *Pair) await(id core.ID, state core.State) {
	if !state.Waits {
		return
	}
	var made core.Effects
	for len(made.Resumed()) == 0 {
		p.Core.Tick(0, &made)
		if d := made.Dump(); d != nil {
			d.Make()
			p.Core.Finish(0, d, &made)
		}
	}
	for _, r := range made.Resumed() {
		p.fx.Append(r.To, r.Reply)
	}
}

// Holds asks whether connection n holds the exclusive lock of that name: it
// releases the lock and gets it again, which leaves the tables as they were but
// counts as two commands.
func (p *Pair) Holds(n int, name []byte) bool {
	reply, err := p.Send(n, append(append([]byte("r "), name...), '\n'))
	if err != nil || len(reply) == 0 || reply[0] != '1' {
		return false
	}
	p.Send(n, append(append([]byte("g "), name...), '\n'))
	return true
}

// Close closes connection n.
func (p *Pair) Close(n int) error {
	c, open := p.conns[n]
	if !open {
		return nil
	}
	p.fx.Reset()
	p.Core.Close(0, c.core, &p.fx)
	p.Model.Close(c.model)
	delete(p.conns, n)
	return p.Core.Valid()
}

// Finish closes the connections 0 to highest and checks that nothing is left
// but what statistics count.
func (p *Pair) Finish(highest int) error {
	for n := range highest + 1 {
		if err := p.Close(n); err != nil {
			return err
		}
	}
	if err := p.Open(0); err != nil {
		return err
	}
	if _, err := p.Send(0, []byte("q\n")); err != nil {
		return err
	}
	if err := p.Close(0); err != nil {
		return err
	}
	if n := p.Core.Conns(); n != 0 {
		return fmt.Errorf("%d connections are left", n)
	}
	return nil
}

func (p *Pair) compare(what string, got, want []byte) error {
	if !bytes.Equal(got, want) {
		return fmt.Errorf("%s is %q, want %q", what, got, want)
	}
	p.Granted = p.Granted || len(got) > 0 && got[0] >= '1' && got[0] <= '9'
	return nil
}
