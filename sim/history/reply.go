package history

import (
	"fmt"
	"strings"

	"lockd/wire"
)

// texts are the prefixes of the texts of glockd's replies, by command.
var texts = map[string]string{
	Get: "Lock Get ", Release: "Lock Release ", Inspect: "Lock ",
	GetShared: "Shared Lock Get ", ReleaseShared: "Shared Lock Release ", InspectShared: "Shared Lock ",
}

// Answer sets the reply to a lock command. It returns an error if the line cannot be the
// reply: replies come in order, one for each command [REPLY-1].
func (o *Operation) Answer(line []byte, classic bool, now int64) error {
	reply, err := wire.ParseReply(line)
	if err != nil {
		return fmt.Errorf("connection %d: %s %s is answered %q", o.Conn, o.Command, o.Name, line)
	}
	if !classic && (!strings.HasPrefix(reply.Text, texts[o.Command]) || !strings.HasSuffix(reply.Text, ": "+o.Name)) {
		return fmt.Errorf("connection %d: %s %s is answered %q", o.Conn, o.Command, o.Name, line)
	}
	o.Value, o.Answered, o.Return = reply.N, true, now
	return nil
}
