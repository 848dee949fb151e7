package protocol

import "fmt"

// Level is how much of the protocol a server promises. Each level includes the ones
// before it.
type Level int

// The levels of docs/protocol.md, in order.
const (
	Core     Level = iota // what every member of the family does
	Family                // the rest of the 2013 command set, and the exact replies
	Strict                // what the text adds in precision
	Extended              // waiting, bounds, tokens, lists, ending a holder
)

// Levels are all levels, in order.
var Levels = []Level{Core, Family, Strict, Extended}

var levelNames = [...]string{"core", "family", "strict", "extended"}

// String returns the name that ParseLevel takes.
func (l Level) String() string { return levelNames[l] }

// MarshalText makes levels appear by name in JSON.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// ParseLevel returns the level with a name.
func ParseLevel(name string) (Level, error) {
	for _, l := range Levels {
		if name == l.String() {
			return l, nil
		}
	}
	return 0, fmt.Errorf("unknown level %q: want core, family, strict or extended", name)
}
