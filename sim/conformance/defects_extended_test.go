package conformance_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// extendedDefects are servers with one defect each in what the extended level adds. They
// are tested with the cases of that level.
var extendedDefects = map[string]defect{
	// The forms of commands.
	"takes-leading-zeros": {line: func(p *peer, line string) string {
		return p.do(leadingZeros.ReplaceAllString(line, "$1$2"))
	}},
	"takes-malformed-waits-for-unknown": {line: func(p *peer, line string) string {
		out := p.do(line)
		if strings.HasPrefix(out, "0 Usage") {
			p.forged["invalid_commands"]++
			return ""
		}
		return out
	}},
	"counts-waits-as-gets": {line: func(p *peer, line string) string {
		if waitForm.MatchString(line) {
			p.forged["command_g"]++
		}
		return p.do(line)
	}},
	"cuts-names-of-waits": {line: on("w", func(p *peer, _, line string) string {
		if words := strings.Fields(line); len(words) > 4 && words[2] == "g" {
			line = strings.Join(words[:4], " ") + "\n"
		}
		return p.do(line)
	})},
	"shows-no-features": {line: on("v", func(*peer, string, string) string { return "1 lockd 1\n" })},

	// Waiting.
	"never-waits":        {line: changeWait(func(int) int { return 0 })},
	"waits-for-seconds":  {line: changeWait(func(ms int) int { return min(ms*1000, 1_000_000_000_000) })},
	"waits-half-as-long": {line: changeWait(func(ms int) int { return (ms + 1) / 2 })},
	"polls-for-waiters":  {line: poll},
	"times-out-in-order-of-arrival": {line: func(p *peer, line string) string {
		return changeWait(func(ms int) int {
			now := time.Now().UnixMilli()
			name := line[strings.LastIndexByte(line, ' '):]
			until := max(int(now)+ms, p.memory["deadline of "+name])
			p.memory["deadline of "+name] = until
			return until - int(now)
		})(p, line)
	}},
	"waits-for-itself": {line: on("w", func(p *peer, _, line string) string {
		if form := waitForm.FindStringSubmatch(line); form != nil && p.token("t", form[2]) > 0 {
			return "0 Lock Get Failure: " + form[2] + "\n"
		}
		return p.do(line)
	})},
	"grants-to-one-reader": {line: on("w", func(p *peer, _, line string) string {
		if form := waitBehind.FindStringSubmatch(line); form != nil && p.waiters(form[2]) > 1 {
			line = form[1] + " b 1 " + form[2] + "\n"
		}
		return p.do(line)
	})},
	"deaf-while-waiting":           {deaf: true},
	"executes-what-is-behind":      {overtakes: true},
	"forgets-what-is-behind":       {forgets: true},
	"drops-waits-of-ended-streams": {drops: true},
	"stops-in-order":               {stopsInOrder: true},
	"ws-deaf-while-waiting":        {deaf: true},
	"ws-answers-in-pieces":         {inPieces: true},
	"ws-forgets-what-is-behind":    {forgets: true},
	"hands-on-in-order-of-names": {end: func(p *peer, _ bool) {
		p.model.EndOfStream(p.id)
		for _, name := range p.list("x") {
			p.quietly("r " + name + "\n")
			p.forged["orphans"]++
		}
		p.model.Close(p.id)
	}},

	// Bounds.
	"knows-only-its-own-bound": {line: on("b", func(p *peer, rest, line string) string {
		out := p.do(line)
		form := boundForm.FindStringSubmatch(rest)
		if strings.HasPrefix(out, "0 Shared Lock Full") && (form[1] == "0" || p.count(form[2]) < number(form[1])) {
			return p.quietly("sg " + form[2] + "\n")
		}
		return out
	})},
	"keeps-the-bounds-of-the-gone": {line: on("b", func(p *peer, rest, line string) string {
		form := boundForm.FindStringSubmatch(rest)
		if form == nil {
			return p.do(line)
		}
		name := "bound of " + form[2]
		if n := number(form[1]); n > 0 && (p.memory[name] == 0 || n < p.memory[name]) {
			p.memory[name] = n
		}
		if bound := p.memory[name]; bound > 0 && p.count(form[2]) >= bound && p.token("st", form[2]) == 0 {
			return "0 Shared Lock Full: " + form[2] + "\n"
		}
		return p.do(line)
	})},
	"bounds-overtake-the-queue": {line: on("b", func(p *peer, rest, line string) string {
		out := p.do(line)
		if form := boundForm.FindStringSubmatch(rest); strings.HasPrefix(out, "0 Shared Lock Full") && form[1] == "0" && p.waiters(form[2]) > 0 {
			return p.quietly("sg " + form[2] + "\n")
		}
		return out
	})},
	"bounds-hold-for-sg": {line: on("sg", func(p *peer, name, line string) string {
		if p.token("st", name) > 0 {
			return p.do(line)
		}
		out := p.do("b 0 " + name + "\n")
		if strings.HasPrefix(out, "0") {
			return "0 Shared Lock Get Failure: " + name + "\n"
		}
		return out
	})},
	"changes-the-bound": {line: on("b", func(p *peer, rest, line string) string {
		out := p.do(line)
		if strings.HasPrefix(out, "0 Shared Lock Held") {
			p.quietly("sr " + boundForm.FindStringSubmatch(rest)[2] + "\n")
			return p.do(line)
		}
		return out
	})},
	"counts-bounded-holders-apart": {line: on("si", func(p *peer, name, line string) string {
		out := p.do(line)
		for _, f := range p.fields("l") {
			if f[0] == "s" && f[4] != "-" && f[8] == name {
				return "0 Shared Lock Not Locked: " + name + "\n"
			}
		}
		return out
	})},

	// Tokens.
	"counts-tokens-by-name": {line: changeToken(func(p *peer, name string, token int) int {
		if last := "last of " + name; p.memory[last] != token {
			p.memory[last] = token
			p.memory["grants of "+name]++
		}
		return p.memory["grants of "+name]
	})},
	"changes-the-token-of-a-holder": {line: on("g", func(p *peer, name, line string) string {
		if p.token("t", name) > 0 && p.waiters(name) == 0 {
			p.quietly("r " + name + "\n")
		}
		return p.do(line)
	})},
	"shows-tokens-to-anyone": {line: on("t", func(p *peer, name, line string) string {
		for _, f := range p.fields("l") {
			if f[0] == "x" && f[8] == name {
				return f[2] + " Lock Token: " + name + "\n"
			}
		}
		return p.do(line)
	})},
	"tokens-from-zero": {line: changeToken(func(_ *peer, _ string, token int) int { return token - 1_700_000_000_000<<11 })},

	// Lists.
	"lists-in-any-order": {line: reorder("l lw", 1, slices.Reverse)},
	"lists-all-names": {line: on("l", func(p *peer, name, _ string) string {
		return strings.Replace(p.do("l\n"), "Locks: ", "Locks: "+name, 1)
	})},
	"lists-no-waiters": {line: edit("l", `(?m)^(.\t\d+\t\d+)\t\d+`, "$1\t0")},
	"lists-places-from-zero": {line: on("lw", func(p *peer, _, line string) string {
		return placeOfWaiter.ReplaceAllStringFunc(p.do(line), func(place string) string {
			f := strings.Split(place, "\t")
			return f[0] + "\t" + f[1] + "\t" + itoa(number(f[2])-1)
		})
	})},
	"lists-with-spaces": {line: func(p *peer, line string) string {
		return strings.ReplaceAll(p.do(line), "\t", " ")
	}},
	"lists-without-dumps": {config: bare, line: on("l", func(_ *peer, name, _ string) string { return "1 Locks: " + name + "\n" })},

	// Ending a holder.
	"answers-before-it-kills": {line: on("k", func(p *peer, rest, line string) string {
		victim := p.peers[uint64(number(rest))]
		if victim == nil || victim == p || rest != itoa(int(victim.id)) {
			return p.do(line)
		}
		go func() {
			time.Sleep(20 * time.Millisecond)
			victim.hangUp()
		}()
		return "1 Killed: " + rest + "\n"
	})},
	"kills-by-number-alone": {line: on("k", func(p *peer, rest, line string) string {
		if words := strings.Fields(rest); len(words) == 2 && words[1] != "x" {
			return p.do("k " + words[0] + "\n")
		}
		return p.do(line)
	})},
	"does-not-kill-itself": {line: on("k", func(p *peer, rest, line string) string {
		if rest == itoa(int(p.id)) {
			return "0 No Such Connection: " + rest + "\n"
		}
		return p.do(line)
	})},
	"grants-to-whom-it-kills": {line: on("k", func(p *peer, rest, line string) string {
		victim := p.peers[uint64(number(rest))]
		if victim == nil || !p.model.Queued(victim.id) {
			return p.do(line)
		}
		go victim.hangUp()
		delete(p.peers, victim.id) // stays in the queue
		victim.left = true
		return "1 Killed: " + rest + "\n"
	})},
	"numbers-everybody-alike": {line: on("k", func(p *peer, rest, line string) string {
		if rest == "" {
			return "1 This Connection\n"
		}
		return p.do(line)
	})},
	"explains-what-is-off": {config: bare, line: on("k", func(p *peer, rest, line string) string {
		if strings.Contains(rest, "x") {
			return "0 Usage: k CONN TOKEN\n"
		}
		return p.do(line)
	})},
}

var (
	leadingZeros  = regexp.MustCompile(`^([wbk] )0+([1-9])`)
	waitForm      = regexp.MustCompile(`^w ([0-9]+) g (.+)\n`)
	timeOfWait    = regexp.MustCompile(`^w ([1-9][0-9]{0,12}) `)
	waitBehind    = regexp.MustCompile(`^(w [0-9]+) b 0 (.+)\n`)
	boundForm     = regexp.MustCompile(`^([0-9]+) (.+)$`)
	placeOfWaiter = regexp.MustCompile(`(?m)^.\t\d+\t\d+`)
)

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

// changeWait changes how long a wait may take, in milliseconds.
func changeWait(change func(ms int) int) func(*peer, string) string {
	return func(p *peer, line string) string {
		form := timeOfWait.FindStringSubmatch(line)
		if form == nil {
			return p.do(line)
		}
		return p.do(fmt.Sprintf("w %d %s", change(number(form[1])), line[len(form[0]):]))
	}
}

// changeToken changes the token that t or st shows.
func changeToken(change func(p *peer, name string, token int) int) func(*peer, string) string {
	return on("t st", func(p *peer, name, line string) string {
		out := p.do(line)
		if strings.HasPrefix(out, "0") {
			return out
		}
		token, text, _ := strings.Cut(out, " ")
		return itoa(change(p, name, number(token))) + " " + text
	})
}

// poll asks every millisecond for what a client waits for, until it has it.
func poll(p *peer, line string) string {
	form := timeOfWait.FindStringSubmatch(line)
	if form == nil {
		return p.do(line)
	}
	deadline := time.Now().Add(time.Duration(number(form[1])) * time.Millisecond)
	for {
		out := p.do("w 0 " + line[len(form[0]):])
		if !strings.HasPrefix(out, "0 Wait Timeout") || time.Now().After(deadline) || p.silent {
			return out
		}
		p.unlocked(time.Millisecond)
	}
}

// Questions to the model that the figures do not count.

// token returns the token that t or st shows to p, 0 if there is none.
func (p *peer) token(command, name string) int {
	token, _, _ := strings.Cut(p.do(command+" "+name+"\n"), " ")
	return number(token)
}

// count returns how many share a name.
func (p *peer) count(name string) int {
	n, _, _ := strings.Cut(p.quietly("si "+name+"\n"), " ")
	return number(n)
}

// fields returns the fields of the lines of l or lw.
func (p *peer) fields(command string) [][]string {
	var all [][]string
	for line := range strings.Lines(p.do(command + "\n")) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) > 1 {
			all = append(all, f)
		}
	}
	return all
}

// waiters returns how many wait for a name in either table.
func (p *peer) waiters(name string) int {
	n := 0
	for _, f := range p.fields("lw") {
		if f[7] == name {
			n++
		}
	}
	return n
}

// list returns the names that p holds in a table, in order.
func (p *peer) list(table string) []string {
	names := map[string]bool{}
	for _, f := range p.fields("l") {
		if f[0] == table && f[5] == itoa(int(p.id)) {
			names[f[8]] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}
