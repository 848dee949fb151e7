package workload

import (
	"io"

	"lockd/sim/history"
)

// leave ends the connection in a random way, before the replies to these operations are
// read.
func (c *client) leave(owed []*history.Operation) error {
	violent := c.percent(c.options.AbortPercent)
	if !c.options.HalfCloses && !violent {
		return c.closeHandshake(owed)
	}
	call := c.env.Now()
	if !violent {
		return c.halfClose(call, owed)
	}
	if len(owed) > 0 {
		c.hit("end before the reply")
	}
	if len(owed) > 1 && c.percent(40) { // some replies are read
		c.hit("end inside a pipeline")
		if _, err := c.receive(owed[:len(owed)/2]); err != nil {
			return c.lost(err)
		}
		call = c.env.Now()
	}
	conn := c.conn
	if c.percent(50) {
		c.hit("reset")
		c.fault("reset")
		conn.Reset()
	} else {
		c.hit("close")
		c.fault("close")
		conn.Close()
	}
	c.finish(call, c.env.Ended(conn))
	return nil
}

// halfClose ends the client's stream and reads to the end of the server's: all commands
// must be answered [END-4], and then the locks are released [END-5].
func (c *client) halfClose(call int64, owed []*history.Operation) error {
	c.hit("half-close")
	c.fault("half-close")
	if err := c.conn.CloseWrite(); err != nil {
		return c.lost(err)
	}
	answered, err := c.receive(owed)
	if err == nil {
		var line []byte
		if line, err = c.reader.Line(); err == nil {
			return protocolError("connection %d: unexpected line %q", c.id, line)
		}
	}
	if err != io.EOF && !isReset(err) {
		return c.lost(err)
	}
	if c.options.Reliable && (answered < len(owed) || err != io.EOF) {
		return protocolError("connection %d: %d of %d commands before a half-close were answered, then %v", c.id, answered, len(owed), err)
	}
	conn := c.conn
	conn.Close()
	c.finish(call, err == io.EOF || c.env.Ended(conn))
	return nil
}

// closeHandshake ends a WebSocket gracefully: after the handshake the locks are
// released.
func (c *client) closeHandshake(owed []*history.Operation) error {
	if _, err := c.receive(owed); err != nil {
		return c.lost(err)
	}
	call := c.env.Now()
	c.hit("close handshake")
	c.fault("close handshake")
	conn := c.conn
	err := conn.CloseWrite()
	c.finish(call, err == nil || c.env.Ended(conn))
	return nil
}
