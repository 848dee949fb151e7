package wire

import "fmt"

// Dialect is one of the two reply formats of the family.
type Dialect uint8

const (
	// Glockd is the dialect of the 2013 daemon: replies repeat the name and
	// end in LF.
	Glockd Dialect = iota
	// Classic is the dialect of the 2009 daemon: short replies that end in CR
	// LF, and only the six lock commands and q (CLASSIC-1 to CLASSIC-5).
	Classic
)

// String returns the name that ParseDialect takes.
func (d Dialect) String() string {
	if d == Classic {
		return "classic"
	}
	return "glockd"
}

// ParseDialect returns the dialect with that name.
func ParseDialect(name string) (Dialect, error) {
	for _, d := range []Dialect{Glockd, Classic} {
		if name == d.String() {
			return d, nil
		}
	}
	return 0, fmt.Errorf("unknown dialect %q: want glockd or classic", name)
}

// MarshalText lets a Dialect be a flag or a JSON string.
func (d Dialect) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Dialect) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDialect(string(text))
	return err
}

// Has says whether the dialect has the command (CLASSIC-3).
func (d Dialect) Has(command Command) bool {
	return command > Unknown && command < NumCommands && (d != Classic || command <= Stats)
}

// Reentrant says whether an exclusive lock is granted again to its holder
// (GET-3, CLASSIC-2).
func (d Dialect) Reentrant() bool { return d != Classic }

// AppendEnd appends the end of a line (REPLY-3).
func (d Dialect) AppendEnd(dst []byte) []byte {
	if d == Classic {
		dst = append(dst, '\r')
	}
	return append(dst, '\n')
}
