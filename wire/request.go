package wire

import (
	"bytes"
	"encoding/binary"
)

// Command is the command of a request.
type Command uint8

// The commands. Blank is a line of only white space (LINE-8), Unknown any word
// that is not a command (BAD-1).
const (
	Blank Command = iota
	Unknown
	Get
	Release
	Inspect
	GetShared
	ReleaseShared
	InspectShared
	Stats // the last command of the classic dialect (CLASSIC-3)
	Holders
	SharedHolders
	Dump
	Me
	Iam
	Who
	Version // the first of the extended level
	Wait
	GetBounded
	Token
	SharedToken
	List
	ListWaiters
	Kill

	// NumCommands is the number of values of Command, for arrays indexed by it.
	NumCommands
)

var words = [NumCommands]string{
	Get:           "g",
	Release:       "r",
	Inspect:       "i",
	GetShared:     "sg",
	ReleaseShared: "sr",
	InspectShared: "si",
	Stats:         "q",
	Holders:       "d",
	SharedHolders: "sd",
	Dump:          "dump",
	Me:            "me",
	Iam:           "iam",
	Who:           "who",
	Version:       "v",
	Wait:          "w",
	GetBounded:    "b",
	Token:         "t",
	SharedToken:   "st",
	List:          "l",
	ListWaiters:   "lw",
	Kill:          "k",
}

// Extended says whether the command is of the extended level (EXT-2).
func (c Command) Extended() bool { return c >= Version }

// String returns the word of the command, "" for Blank and Unknown.
func (c Command) String() string { return words[c] }

// letters are the commands of one letter, which are the most frequent: 0 for none.
var letters = [256]Command{
	'g': Get, 'r': Release, 'i': Inspect, 'q': Stats, 'd': Holders,
	'v': Version, 'w': Wait, 'b': GetBounded, 't': Token, 'l': List, 'k': Kill,
}

// parseCommand returns the command of a word (LINE-9).
func parseCommand(word []byte) Command {
	if len(word) == 1 && letters[word[0]] != 0 {
		return letters[word[0]]
	}
	switch string(word) {
	case "sg":
		return GetShared
	case "sr":
		return ReleaseShared
	case "si":
		return InspectShared
	case "sd":
		return SharedHolders
	case "dump":
		return Dump
	case "me":
		return Me
	case "iam":
		return Iam
	case "who":
		return Who
	case "st":
		return SharedToken
	case "lw":
		return ListWaiters
	}
	return Unknown
}

// Request is one parsed line.
type Request struct {
	Command Command
	Word    []byte // the line up to its first space
	Name    []byte // the rest after that space; empty if there is none (LINE-11)
}

// Parser parses lines. It keeps a buffer, at most as long as the longest line whose
// white space it had to normalize. The zero value is ready for use. A Parser is not
// safe for concurrent use.
type Parser struct {
	scratch []byte
}

// Parse parses a line without its LF (LINE-2, LINE-3, SPACE-1, SPACE-2). The
// request points into the line or into the Parser, and is valid until the line
// changes or the next call.
func (p *Parser) Parse(line []byte) Request {
	if last := len(line) - 1; last >= 0 && line[last] == '\r' { // of CR LF
		line = line[:last]
	}
	// Most lines are one or two letters, a space, and a name without white space.
	for at := 1; at <= 2 && at+1 < len(line); at++ {
		if line[at] == ' ' && line[0] > ' ' && line[at-1] > ' ' && !anyLow(line[at+1:]) {
			return Request{Command: parseCommand(line[:at]), Word: line[:at], Name: line[at+1:]}
		}
	}
	line = p.normalize(line)
	if len(line) == 0 {
		return Request{Command: Blank}
	}
	word, name := line, line[len(line):]
	if space := bytes.IndexByte(line, ' '); space >= 0 {
		word, name = line[:space], line[space+1:]
	}
	return Request{Command: parseCommand(word), Word: word, Name: name}
}

// whiteSpace is the set of ASCII white space. A line has no LF, but a name that a
// client normalizes may have one.
var whiteSpace = [256]bool{' ': true, '\t': true, '\n': true, '\v': true, '\f': true, '\r': true}

// normalize drops white space at both ends and collapses the runs inside to single
// spaces. It returns a part of line itself if nothing inside has to be changed.
func (p *Parser) normalize(line []byte) []byte {
	for len(line) > 0 && whiteSpace[line[0]] {
		line = line[1:]
	}
	for len(line) > 0 && whiteSpace[line[len(line)-1]] {
		line = line[:len(line)-1]
	}
	if i := firstOdd(line); i >= 0 {
		return p.collapse(line, i)
	}
	return line
}

// Normal reports whether a server keeps a name as it is: there is no white space at its
// ends, and none inside but single spaces (SPACE-1, SPACE-2).
func Normal(name string) bool {
	for i := range len(name) {
		if b := name[i]; whiteSpace[b] && (b != ' ' || i == 0 || i == len(name)-1 || name[i-1] == ' ') {
			return false
		}
	}
	return true
}

// Normalize returns a name as a server keeps it (SPACE-1, SPACE-2). An LF is white space
// here.
func Normalize(name string) string {
	if Normal(name) {
		return name
	}
	var p Parser
	return string(p.normalize([]byte(name)))
}

// firstOdd returns the position of the first white space that is not a single space,
// -1 if there is none. The line neither begins nor ends with white space.
func firstOdd(line []byte) int {
	for i := 0; i < len(line); i++ {
		if i+8 <= len(line) && !hasLow(binary.LittleEndian.Uint64(line[i:])) {
			i += 7
			continue
		}
		// The last byte is not white space, so there is a next one.
		if b := line[i]; whiteSpace[b] && (b != ' ' || whiteSpace[line[i+1]]) {
			return i
		}
	}
	return -1
}

// anyLow says whether a byte is 0x20 or lower, as all white space is.
func anyLow(p []byte) bool {
	if len(p) < 8 {
		for _, b := range p {
			if b <= ' ' {
				return true
			}
		}
		return false
	}
	for i := 0; i+8 < len(p); i += 8 {
		if hasLow(binary.LittleEndian.Uint64(p[i:])) {
			return true
		}
	}
	return hasLow(binary.LittleEndian.Uint64(p[len(p)-8:])) // which may overlap
}

// hasLow is anyLow for eight bytes.
func hasLow(x uint64) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	return (x-0x21*ones)&^x&tops != 0
}

// collapse copies line, with every run of white space from position i on replaced by
// one space.
func (p *Parser) collapse(line []byte, i int) []byte {
	p.scratch = append(p.scratch[:0], line[:i]...)
	space := false
	for _, b := range line[i:] {
		if whiteSpace[b] {
			space = true
			continue
		}
		if space {
			p.scratch = append(p.scratch, ' ')
			space = false
		}
		p.scratch = append(p.scratch, b)
	}
	return p.scratch
}

// AppendRequest appends the line of a request, including the LF (LINE-1). A name
// with an LF cannot be sent: AppendRequest returns dst unchanged, and false.
func AppendRequest(dst []byte, command Command, name string) ([]byte, bool) {
	for i := range len(name) {
		if name[i] == '\n' {
			return dst, false
		}
	}
	dst = append(dst, command.String()...)
	if name != "" {
		dst = append(dst, ' ')
		dst = append(dst, name...)
	}
	return append(dst, '\n'), true
}
