package workload

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"lockd/sim/history"
	"lockd/wire"
)

// client is one client of a run, with one connection after the other.
type client struct {
	*run
	number   int
	random   *rand.Rand
	ops      []*history.Operation
	faults   []history.Fault
	addrs    map[int]string
	coverage map[string]int64

	conn   Conn
	reader *wire.ReplyReader
	id     int // of the connection, in the history
	seq    int
	mark   int64  // the time before the newest batch: the earliest end by the server
	floor  counts // tally.floor at that time
}

func newClient(c *run, number int) *client {
	return &client{
		run: c, number: number,
		random:   rand.New(rand.NewPCG(c.options.Seed, uint64(number)+1)),
		addrs:    map[int]string{},
		coverage: map[string]int64{},
	}
}

func (c *client) percent(p int) bool { return c.random.IntN(100) < p }

func (c *client) hit(what string) { c.coverage[what]++ }

// maxDials bounds the connection attempts of one client in a run.
const maxDials = 200

// work runs the client until it has sent its operations.
func (c *client) work() error {
	c.env.Think(c.number, c.random)
	for dials := 0; len(c.ops) < c.options.Ops && !c.stopped.Load() && dials < maxDials; dials++ {
		if c.conn == nil {
			if err := c.dial(); err != nil {
				return err
			}
			continue
		}
		dials--
		if err := c.batch(); err != nil {
			return err
		}
	}
	if c.conn != nil {
		return c.leave(nil)
	}
	return nil
}

// dial connects, and gets the address under which dumps show the connection. It may
// leave the client without a connection, to try again.
func (c *client) dial() error {
	conn, err := c.env.Dial(c.number)
	if errors.Is(err, ErrRefused) {
		c.hit("refused connection")
		c.env.Stall()
		return nil
	}
	if err != nil {
		return err
	}
	id := int(c.conns.Add(1)) - 1
	reader := wire.NewReplyReader(conn, 0)
	mark := c.env.Now()
	if !c.options.Classic && !c.options.Anonymous {
		c.tally.send("me")
		addr, err := introduce(conn, reader)
		if err != nil {
			conn.Close()
			if c.options.Reliable || errors.As(err, new(*ProtocolError)) {
				return err
			}
			c.hit("refused connection")
			c.env.Ended(conn)
			c.env.Stall()
			return nil
		}
		c.tally.answer("me")
		c.addrs[id] = addr
	}
	c.conn, c.reader, c.mark = conn, reader, mark
	c.id, c.seq = id, 0
	return nil
}

func introduce(conn Conn, reader *wire.ReplyReader) (addr string, err error) {
	if _, err := conn.Write([]byte("me\n")); err != nil {
		return "", err
	}
	reply, err := reader.Reply()
	if err != nil {
		return "", err
	}
	addr, name, _ := strings.Cut(reply.Text, " ")
	if reply.Text == "Too Many Connections" {
		return "", ErrRefused
	}
	if reply.N != 1 || name != addr {
		return "", protocolError("me is answered %d %s", reply.N, reply.Text)
	}
	return addr, nil
}

// batch sends some commands at once and reads the replies, or ends the connection at
// some point of this.
func (c *client) batch() error {
	if c.percent(c.options.ThinkPercent) {
		c.env.Think(c.number, c.random)
	}
	var ops []*history.Operation
	text := ""
	for range 1 + c.random.IntN(c.options.Pipeline) {
		op := c.choose()
		ops = append(ops, op)
		text += op.Line(waits[c.random.IntN(len(waits))]) + "\n"
	}
	ending := c.percent(c.options.EndPercent)
	if ending && c.percent(30) && c.options.HalfCloses {
		text += "g " + c.options.Names[0] // a torn line, never to be executed [LINE-7]
		c.hit("torn last line")
	}
	c.floor = c.tally.floor()
	now := c.env.Now()
	for _, op := range ops {
		op.Call = now
		c.tally.send(op.Command)
	}
	c.ops = append(c.ops, ops...)
	if len(ops) > 1 {
		c.hit("pipeline")
	}
	err := c.send(text)
	if err == nil && ending {
		return c.leave(ops)
	}
	if err == nil && c.percent(c.options.StallPercent) {
		c.hit("slow reader")
		c.env.Stall()
	}
	if err == nil {
		_, err = c.receive(ops)
	}
	return c.lost(err)
}

// waits are the milliseconds of waits.
var waits = [...]int{0, 5, 20, 20, 100}

// choose returns a random operation.
func (c *client) choose() *history.Operation {
	op := &history.Operation{Conn: c.id, Seq: c.seq}
	c.seq++
	if c.percent(c.options.TablePercent) {
		op.Command = []string{history.Statistics, history.Dump, history.DumpShared}[c.random.IntN(3)]
		return op
	}
	op.Command = []string{
		history.Get, history.Get, history.Release, history.Inspect,
		history.GetShared, history.GetShared, history.ReleaseShared, history.InspectShared,
	}[c.random.IntN(8)]
	if c.options.Extended && c.percent(50) {
		op.Command = []string{
			history.WaitGet, history.WaitGet, history.Release, history.Release, history.WaitBounded, history.WaitBounded, history.GetBounded, history.ReleaseShared,
		}[c.random.IntN(8)]
		if op.Command == history.WaitBounded || op.Command == history.GetBounded {
			op.Bound = c.random.IntN(3)
		}
	}
	op.Name = c.options.Names[c.random.IntN(len(c.options.Names))]
	return op
}

// send writes a batch, sometimes in pieces.
func (c *client) send(text string) error {
	if c.options.HalfCloses && c.percent(c.options.SplitPercent) {
		c.hit("split batch")
		at := c.random.IntN(len(text))
		if _, err := c.conn.Write([]byte(text[:at])); err != nil {
			return err
		}
		c.env.Think(c.number, c.random)
		text = text[at:]
	}
	if !c.options.HalfCloses && c.percent(50) {
		c.hit("message without LF")
		text = strings.TrimSuffix(text, "\n")
	}
	_, err := c.conn.Write([]byte(text))
	return err
}

// receive reads the replies to operations, in order, and returns their number.
func (c *client) receive(ops []*history.Operation) (int, error) {
	for i, op := range ops {
		if err := c.answer(op); err != nil {
			return i, err
		}
		op.Return, op.Answered = c.env.Now(), true
		c.mark = op.Call
		c.tally.answer(op.Command)
	}
	return len(ops), nil
}

// lost ends the connection in the history if the server has ended it. It returns
// protocol errors; any other error is the end of the connection.
func (c *client) lost(err error) error {
	if err == nil || errors.As(err, new(*ProtocolError)) {
		return err
	}
	if errors.Is(err, wire.ErrNotLockd) {
		return protocolError("%v", err)
	}
	if c.options.Reliable {
		return protocolError("connection %d was ended by the server: %v", c.id, err)
	}
	c.hit("ended by the server")
	c.fault(fmt.Sprintf("ended by the server (%v)", err))
	conn := c.conn
	conn.Close()
	c.finish(c.mark, c.env.Ended(conn))
	return nil
}

func (c *client) fault(what string) {
	c.faults = append(c.faults, history.Fault{Conn: c.id, At: c.env.Now(), What: what})
}

// finish records the end of the connection, which the client began at call; a server
// that is not reliable may have ended it earlier. The end and all unanswered operations
// return now, or at the barrier if the server may not be done yet.
func (c *client) finish(call int64, done bool) {
	if !c.options.Reliable {
		call = min(call, c.mark)
	}
	end := &history.Operation{Conn: c.id, Seq: c.seq, Command: history.End, Call: call}
	c.ops = append(c.ops, end)
	now := int64(0)
	if done {
		now = c.env.Now()
	}
	for i := len(c.ops) - 1; i >= 0 && c.ops[i].Conn == c.id; i-- {
		if op := c.ops[i]; !op.Answered {
			op.Return = now
		}
	}
	c.conn = nil
}
