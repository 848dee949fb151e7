package world

import (
	"bytes"
	"slices"
	"strconv"
)

// The behaviours of clients.
const (
	behaved    = iota // gets, inspects and releases
	contending        // gets and releases the same one or two names all the time
	careless          // gets without releasing, asks for tables, ends its lines in CR LF
	hostile           // sends invalid and unusual lines
	behaviours
)

// verbs are the commands that clients of each behaviour send, as often as they are
// listed. A command that ends in a space is followed by a name.
var verbs = [behaviours][]string{
	behaved:    {"g ", "g ", "r ", "r ", "i ", "sg ", "sg ", "sr ", "sr ", "si "},
	contending: {"g ", "g ", "g ", "r ", "r ", "sg ", "sg ", "sr ", "i ", "si "},
	careless: {"g ", "g ", "g ", "g ", "g ", "g ", "sg ", "sg ", "sg ", "sg ", "sg ", "i ", "si ", "r ", "sr ",
		"r ", "sr ", "i ", "si ", "g ", "r ", "sg ", "sr ", "g ", "r ", "sg ", "sr ", "g ", "r ", "sg ", "sr ",
		"iam ", "me", "who ", "d ", "sd ", "q"},
	hostile: append(slices.Repeat([]string{"g ", "r ", "i ", "sg ", "sr ", "si "}, 24), "g", "r", "sg", "sr", "i", "si",
		"", "x", "get ", "gg ", "full", "shared", "sgr", "whoo ", "iam ", "iam", "who", "who ", "me", "me ",
		"q", "q full", "q ", "d", "d ", "sd", "sd ", "dump", "dump shared", "dump "),
}

// extendedVerbs are what clients send besides in runs with the extended level.
var extendedVerbs = [behaviours][]string{
	behaved: {"w 1000 g ", "w 1000 g ", "w 60000 g ", "w 50 g ", "r ", "r ", "b 2 ", "w 1000 b 2 ", "w 1000 b 0 ", "w 1000 b 1 ", "sr ", "sr ", "t ", "st ", "lw", "l"},
	contending: {"w 60000 g ", "w 60000 g ", "w 5 g ", "w 0 g ", "r ", "r ", "r ", "w 60000 b 0 ", "w 60000 b 1 ", "w 60000 b 3 ", "w 5 b 0 ", "b 0 ", "b 1 ", "b 3 ",
		"sr ", "sr ", "sr ", "sr ", "t ", "st ", "l n", "lw n"},
	careless: {"w 1000000000 g ", "w 1000000000 b 2 ", "w 1 g ", "b 2 ", "b 3 ", "b 1000000000 ", "k", "k 1 ", "v", "l", "lw", "t ", "st "},
	hostile: {"w", "w ", "w x g ", "w -1 g ", "w 007 g ", "w 99999999999999999999 g ", "w 1000000000001 g ", "w 5", "w 5 g", "w 5 gg ", "w 5 r ", "w 5 sg ", "w 5 w 5 g ",
		"w 5 b", "w 5 b ", "w 5 b x ", "w 5 b 2", "b", "b ", "b -1 ", "b 01 ", "b 0", "b 1000000001 ", "k", "k 0", "k x", "k 007", "k 1", "k 2", "k 3", "k 5", "k 8", "k 13 ", "k 2 1",
		"k 3 2", "k 4 3", "k 5 2049", "k 9 9 9", "k 9223372036854775808", "t", "st", "l", "l ", "lw", "lw ", "v", "v 2", "W 5 g ", "ww ", "w  5\tg ", "w 3 g ", "r ", "w 9 b 1 ", "sr "},
}

var oddNames = []string{"", "a b", "\x00", "\xff\xfe", "caf\xc3\xa9", "\u00a0", "a]b", "map[x:y]", "x: y", "full", "shared", "0", "1 ok"}

// foreignBeginnings are beginnings of streams in other protocols, and ones that only
// resemble them.
var foreignBeginnings = []string{
	"GET / HTTP/1.1\r\nHost: x\r\n\r\ng n0\n", "POST /g HTTP/1.0\n\ng n0\n", "X  HTTP/9.9\n",
	"\x16\x03\x01\x02\x00\x01g n0\n", "\x16\x03\x04",
	"POST /0123456789012345678901234567890123456789012345678901234567890123456789 HTTP/1.1\r\n",
	"g GET / HTTP/1.1\n", "GET / HTTP/1\n", "GET HTTP/1.1\n", " GET / HTTP/1.1\n", "get / HTTP/1.1\n",
	"\x16\x03\x05", "\x16\n\x03\x01", "\nGET / HTTP/1.1\n", "A ", "GET / HTTP/1.1 \n",
}

// script holds the lines that the clients of one run send, built once.
type script struct {
	names []string
	lines [behaviours][]string // every verb with every name, each ending in LF
}

func newScript(o *Options) script {
	var s script
	for i := range o.Names {
		name := "n" + strconv.Itoa(i)
		if o.OddNames && i%2 == 0 {
			name = oddNames[(int(o.Seed%1024)+i)%len(oddNames)]
		}
		s.names = append(s.names, name)
	}
	for behaviour := range verbs {
		all := verbs[behaviour]
		if o.Extended {
			all = slices.Concat(all, extendedVerbs[behaviour])
		}
		if o.Record { // these are not in the models
			all = slices.DeleteFunc(slices.Clone(all), func(verb string) bool { return slices.Contains([]string{"t ", "st ", "l", "lw", "l n", "lw n"}, verb) })
		}
		names := s.names
		if behaviour == contending {
			names = names[:min(2, len(names))]
		}
		for _, verb := range all {
			for _, name := range names {
				if verb == "" || verb[len(verb)-1] != ' ' {
					name = ""
				}
				s.lines[behaviour] = append(s.lines[behaviour], verb+name+"\n")
			}
		}
	}
	return s
}

// write appends from 1 to Options.Pipeline commands of a client to what is under way
// to the server.
func (w *world) write(p *client) {
	lines := w.script.lines[p.behaviour]
	for range 1 + w.random.below(w.options.Pipeline) {
		line := lines[w.random.below(len(lines))]
		if p.behaviour >= careless && w.random.percent(w.options.ManglePercent) {
			w.mangle(p, line)
		} else {
			p.uplink = append(p.uplink, line...)
		}
		if p.websocket && w.random.below(3) == 0 {
			w.endMessage(p)
		}
	}
	if p.websocket {
		w.endMessage(p)
	}
}

// endMessage ends a websocket message behind what is under way, often removing
// its last LF [WS-1].
func (w *world) endMessage(p *client) {
	from := p.head
	if n := len(p.messages); n > 0 {
		from = p.messages[n-1]
	}
	if n := len(p.uplink); n > from && p.uplink[n-1] == '\n' && w.random.below(2) == 0 {
		p.uplink = p.uplink[:n-1]
		w.hit(WebSocketWithoutLF)
	}
	p.messages = append(p.messages, len(p.uplink))
}

// mangle appends a changed version of a line.
func (w *world) mangle(p *client, line string) {
	text := line[:len(line)-1]
	add := func(f Fault, s string) {
		w.hit(f)
		p.uplink = append(p.uplink, s...)
	}
	choice := w.random.below(20)
	if choice >= 15 && choice <= 18 && w.options.MaxLine == 0 && w.random.below(50) > 0 {
		choice = 0 // long lines of the default limit are expensive
	}
	switch choice {
	case 0, 1, 2:
		add(CRLF, text+"\r\n")
	case 3:
		add(DoubledCR, text+"\r\r\n")
	case 4:
		add(BareCR, text+"\rx\n")
	case 5:
		add(BareCR, "\r"+text+"\r \n")
	case 6:
		add(NULByte, text+"\x00\n")
	case 7:
		add(NotUTF8, text+"\xff\x80\n")
	case 8:
		add(BlankLine, pick(&w.random, "\n", " \n", "\r\n", "\t\v\f\r \n", "\n\n"))
	case 9:
		add(UpperCase, string(bytes.ToUpper([]byte(text)))+"\n")
	case 10:
		add(UnknownCommand, pick(&w.random, "lock", "GET /", "0", "sgg", "\x00", "\ufeffg")+" "+line+pick(&w.random, "", "GET / HTTP/1.1\n"))
	case 11:
		add(BareCR, " \t"+text+" \v\f a  b\t\n")
	case 12, 13, 14:
		p.uplink = append(append(append(p.uplink, "  "...), text...), " \n"...)
	default:
		w.stretch(p, text, choice)
	}
}

// stretch appends a line whose length is just below the limit, at it or beyond.
func (w *world) stretch(p *client, text string, choice int) {
	maxLine := w.options.MaxLine
	if maxLine == 0 {
		maxLine = 65536
	}
	fill := func(f Fault, length int) {
		w.hit(f)
		p.uplink = append(p.uplink, text[:min(len(text), length)]...)
		p.uplink = append(p.uplink, bytes.Repeat([]byte{'x'}, length-min(len(text), length))...)
		p.uplink = append(p.uplink, '\n')
	}
	switch choice {
	case 15:
		fill(LineOfMaxMinus1, maxLine-1)
	case 16:
		fill(LineOfMax, maxLine)
	case 17:
		fill(LineOfMaxPlus1, maxLine+1)
	case 18:
		fill(EndlessLine, 3*maxLine+w.random.below(9))
	case 19:
		fill(LineOfMaxMinus1, maxLine-1)
		p.uplink[len(p.uplink)-1] = '\r'
		p.uplink = append(p.uplink, '\n') // a line of the most bytes, the last of them a CR
	}
}
