package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"lockd/wire"
)

// level is what a server can do.
type level struct {
	extended bool // it waits, bounds and has tokens (EXT-1)
	classic  bool // its replies do not repeat names
	version  string
	features []string
}

// silence is how long a server that does not know a command is given to answer it.
const silence = 100 * time.Millisecond

// detect finds out what the server can do: it says so (VERSION-1), or is silent, as it is
// about all words that it does not know. Nothing may be sent together with the question,
// since old servers would lose it.
func (c *conn) detect(ctx context.Context) (level, error) {
	var found level
	name := nonce + rand.Text()
	probe := newCall(request{command: wire.Version})
	probe.take = func(line []byte) (last, taken bool, err error) {
		if found.dialect(string(line), name) {
			return true, false, nil // the answer to what was asked afterwards
		}
		k := call{request: request{command: wire.Version}}
		if err := k.answer(line); err != nil {
			return false, false, err
		}
		words := strings.Fields(k.text)
		switch {
		case k.n == 1 && len(words) >= 2 && words[0] == "lockd":
			found.extended, found.version, found.features = true, words[1], words[2:]
		case k.n > 0:
			return false, false, fmt.Errorf("%.80q in reply to v: %w", line, ErrNotLockd)
		}
		if k.err == ErrTooManyConnections { // other refusals mean that v is not known
			probe.err = k.err
		}
		return true, true, nil
	}
	if err := c.send(probe); err != nil {
		return level{}, err
	}
	soon, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	if err := c.wait(soon, probe); soon.Err() == nil {
		if err != nil {
			return level{}, err
		}
		if found.extended {
			return found, nil
		}
	} else if ctx.Err() != nil {
		return level{}, ended(ctx)
	}
	inspect := newCall(request{command: wire.Inspect, name: name})
	inspect.take = func(line []byte) (last, taken bool, err error) {
		return found.dialect(string(line), name), true, nil
	}
	if err := c.send(inspect); err != nil {
		return level{}, err
	}
	if err := c.wait(ctx, inspect); err != nil {
		return level{}, err
	}
	return found, nil
}

// dialect notes the dialect in which the inspection of a name was answered, and says
// whether the line is that.
func (l *level) dialect(line, name string) bool {
	switch line {
	case "0 Lock Not Locked: " + name:
	case "0 Not Locked":
		l.classic = true
	default:
		return false
	}
	return true
}
