package history

import (
	"fmt"
	"strconv"
	"strings"
)

// texts are the prefixes of the texts of glockd's replies, by command.
var texts = map[string]string{
	Get: "Lock Get ", Release: "Lock Release ", Inspect: "Lock ",
	GetBounded: "Shared Lock ", WaitGet: "", WaitBounded: "",
	GetShared: "Shared Lock Get ", ReleaseShared: "Shared Lock Release ", InspectShared: "Shared Lock ",
}

// Answer sets the reply to a lock command. It returns an error if the line cannot be the
// reply: replies come in order, one for each command [REPLY-1].
func (o *Operation) Answer(line []byte, classic bool, now int64) error {
	number, text, _ := strings.Cut(string(line), " ") // INT SP TEXT [REPLY-2]
	n, err := strconv.ParseUint(number, 10, 31)
	named := classic && text != "" || strings.HasPrefix(text, texts[o.Command]) && strings.HasSuffix(text, ": "+o.Name)
	if err != nil || !named {
		return fmt.Errorf("connection %d: %s %s is answered %q", o.Conn, o.Command, o.Name, line)
	}
	o.Value, o.Answered, o.Return = int(n), true, now
	return nil
}
