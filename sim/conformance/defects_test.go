package conformance_test

import (
	"bytes"
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"

	"lockd/sim/conformance/protocol"
	"lockd/sim/model"
)

func after(ms int) <-chan time.Time { return time.After(time.Duration(ms) * time.Millisecond) }

// Configurations of defects. A defect that names none has full, or killing if it is one
// of the extended level, so that few cases are skipped.
var (
	full    = model.Config{Registry: true, Dump: true, Version: "1"}
	killing = model.Config{Registry: true, Dump: true, Version: "1", Kill: true}
	bare    = model.Config{Version: "1"}
	classic = model.Config{Classic: true, Dump: true, PID: 1}
	noNames = model.Config{Dump: true} // without registry: a shadow has no name
)

// parse splits a line into command and name.
func parse(line string) (command, name string) {
	words := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || '\t' <= r && r <= '\r' })
	command, name, _ = strings.Cut(strings.Join(words, " "), " ")
	return command, name
}

// firstLine drops everything behind the first line of what arrives together.
func firstLine(_ *peer, data []byte) []byte {
	first, _, ok := bytes.Cut(data, []byte("\n"))
	if !ok {
		return data
	}
	return append(bytes.Clone(first), '\n')
}

// on runs hook for the commands that begin with one of the words, which are separated by
// spaces, and all others correctly.
func on(words string, hook func(p *peer, name, line string) string) func(*peer, string) string {
	some := strings.Fields(words)
	return func(p *peer, line string) string {
		if command, name := parse(line); slices.Contains(some, command) {
			return hook(p, name, line)
		}
		return p.do(line)
	}
}

// silent executes the commands that begin with word, without a reply.
func silent(word string) func(*peer, string) string {
	return on(word, func(p *peer, _, line string) string { p.do(line); return "" })
}

// translate replaces text in requests and, backwards, in replies.
func translate(pairs ...string) func(*peer, string) string {
	var back []string
	for i := 0; i < len(pairs); i += 2 {
		back = append(back, pairs[i+1], pairs[i])
	}
	there, back2 := strings.NewReplacer(pairs...), strings.NewReplacer(back...)
	return func(p *peer, line string) string { return back2.Replace(p.do(there.Replace(line))) }
}

// edit changes the replies to the commands that begin with word.
func edit(word, pattern, replacement string) func(*peer, string) string {
	re := regexp.MustCompile(pattern)
	return on(word, func(p *peer, _, line string) string { return re.ReplaceAllString(p.do(line), replacement) })
}

// reorder changes the order of the lines of the replies to the commands that begin with
// one of the words, but for the first lines, as many as head.
func reorder(words string, head int, order func(lines []string)) func(*peer, string) string {
	return on(words, func(p *peer, _, line string) string {
		lines := strings.SplitAfter(p.do(line), "\n")
		order(lines[head : len(lines)-1])
		return strings.Join(lines, "")
	})
}

// second returns a second connection in the model for a peer, which the figures do not
// show. Its locks stay held when the peer ends.
func (p *peer) second() uint64 {
	if p.shadow == 0 {
		p.shadow, _ = p.model.Open(p.addr)
		p.forged["connections"]--
	}
	return p.shadow
}

// unlocked lets other connections run for some time in the middle of a command.
func (p *peer) unlocked(wait time.Duration) {
	p.unlock()
	time.Sleep(wait)
	p.lock()
}

var unixNumber = regexp.MustCompile(`unix:[0-9]+`)

// marker stands for a byte that the model would drop.
const marker = "\xf5\xf6\xf7"

// defects are servers with one defect each, by name. testdata/defects.txt lists the
// cases that each fails.
var defects = func() map[string]defect {
	all := map[string]defect{}
	for name, l := range strictDefects {
		l.config = cmp.Or(l.config, full)
		all[name] = l
	}
	for name, l := range extendedDefects {
		l.config = cmp.Or(l.config, killing)
		l.lowest, l.highest = protocol.Extended, protocol.Extended
		all[name] = l
	}
	return all
}()

var strictDefects = map[string]defect{
	"correct":         {config: killing, bulk: true, highest: protocol.Extended},
	"correct-bare":    {config: bare, highest: protocol.Extended},
	"correct-classic": {config: classic, bulk: true},
	"correct-answers-invalid": {config: model.Config{
		Registry: true, Dump: true, AnswerInvalid: true,
	}},

	// Lines.
	"ws-loses-pipelined-commands": {packet: firstLine},
	"loses-pipelined-commands":    {packet: firstLine},
	"executes-torn-lines": {packet: func(p *peer, data []byte) []byte {
		if bytes.HasSuffix(data, []byte("\n")) {
			return data
		}
		return append(bytes.Clone(data), '\n')
	}},
	"executes-the-torn-tail": {end: func(p *peer, reset bool) {
		if len(p.partial) > 0 && !reset {
			p.reply([][]byte{[]byte(p.do(string(p.partial) + "\n"))})
		}
		p.model.Close(p.id)
	}},
	"keeps-cr-in-names": {line: func(p *peer, line string) string {
		if rest, ok := strings.CutSuffix(line, "\r\n"); ok && strings.Contains(rest, " ") {
			return strings.ReplaceAll(p.do(rest+marker+"\n"), marker, "\r")
		}
		return p.do(line)
	}},
	"keeps-inner-space": {line: translate("  ", " "+marker)},
	"takes-tabs-for-letters": {line: func(p *peer, line string) string {
		command, name, _ := strings.Cut(line, " ")
		return strings.ReplaceAll(p.do(command+" "+strings.ReplaceAll(name, "\t", marker)), marker, "\t")
	}},
	"trims-unicode-space": {line: func(p *peer, line string) string {
		return p.do(strings.TrimSpace(line) + "\n")
	}},
	"counts-blank-lines": {line: func(p *peer, line string) string {
		if strings.Trim(line, " \t\r\n") == "" {
			return p.do("?\n")
		}
		return p.do(line)
	}},
	"ignores-case": {line: func(p *peer, line string) string {
		command, name, _ := strings.Cut(line, " ")
		if name == "" {
			return p.do(strings.ToLower(command))
		}
		return p.do(strings.ToLower(command) + " " + name)
	}},
	"ends-names-at-nul": {line: func(p *peer, line string) string {
		if i := strings.IndexByte(line, 0); i >= 0 {
			line = line[:i] + "\n"
		}
		return p.do(line)
	}},
	"decodes-utf8": {line: func(p *peer, line string) string {
		return p.do(strings.ToValidUTF8(line, "\uFFFD"))
	}},
	"cuts-names-at-the-space": {line: on("g r i sg sr si", func(p *peer, name, line string) string {
		if first, _, more := strings.Cut(name, " "); more {
			command, _ := parse(line)
			return p.do(command + " " + first + "\n")
		}
		return p.do(line)
	})},
	"refuses-the-empty-name": {line: on("g r i sg sr si", func(p *peer, name, line string) string {
		if name == "" {
			return "0 Name Missing\n"
		}
		return p.do(line)
	})},

	// Replies.
	"writes-line-by-line": {write: func(p *peer, out []byte) {
		for i, line := range bytes.SplitAfter(out, []byte("\n")) {
			if len(line) > 0 {
				p.send(line)
			}
			if i < 3 && len(out) > 100 {
				time.Sleep(200 * time.Microsecond) // so that the client reads the lines apart
			}
		}
	}},
	"takes-http-and-tls-for-lines": {linesOnly: true},
	"answers-with-crlf": {line: func(p *peer, line string) string {
		return strings.ReplaceAll(p.do(line), "\n", "\r\n")
	}},
	"answers-classic-with-lf": {config: classic, line: func(p *peer, line string) string {
		return strings.ReplaceAll(p.do(line), "\r\n", "\n")
	}},
	"words-of-its-own": {line: edit("r", "Release Failure", "Release Failed")},

	// Exclusive locks.
	"releases-for-anyone": {line: on("r", func(p *peer, name, line string) string {
		holder := p.holder(name)
		if holder == nil || holder == p {
			return p.do(line)
		}
		holder.quietly(line)
		p.do(line)
		return "1 Lock Release Success: " + name + "\n"
	})},
	"refuses-to-get-again":  {line: on("g", refuseAgain("0 Lock Get Failure: "))},
	"counts-getting-again":  {line: countAgain},
	"gets-again-in-classic": {config: classic, line: on("g", getAgain)},
	"checks-then-gets":      {line: on("g", checkThenGet)},
	"inspects-only-its-own": {line: on("i", inspectOwn)},

	// Shared locks.
	"counts-before-itself": {line: on("sg", func(p *peer, name, line string) string {
		if p.shared[name] {
			return p.do(line)
		}
		p.do(line)
		n := len(p.holders(name)) - 1
		return itoa(n) + " Shared Lock Get Success: " + name + "\n"
	})},
	"counts-too-late": {line: on("sg", func(p *peer, name, line string) string {
		p.do(line)
		p.unlocked(time.Millisecond)
		return itoa(len(p.holders(name))) + " Shared Lock Get Success: " + name + "\n"
	})},
	"drops-all-holders": {bulk: true, line: on("sr", func(p *peer, name, line string) string {
		out := p.do(line)
		if strings.HasPrefix(out, "1") {
			for _, other := range p.holders(name) {
				other.quietly(line)
			}
		}
		return out
	})},
	"shows-si-only-to-holders": {line: on("si", func(p *peer, name, line string) string {
		out := p.do(line)
		if !p.shared[name] {
			return "0 Shared Lock Not Locked: " + name + "\n"
		}
		return out
	})},
	"releases-both-tables": {line: on("r", func(p *peer, name, line string) string {
		if p.shared[name] && p.exclusive[name] {
			p.quietly("s" + line)
		}
		return p.do(line)
	})},
	"one-table": {line: on("g", func(p *peer, name, line string) string {
		if len(p.holders(name)) > 0 {
			p.forged["command_g"]++
			return "0 Lock Get Failure: " + name + "\n"
		}
		return p.do(line)
	})},

	// The end of a connection.
	"leaks-reset-connections": {end: func(p *peer, reset bool) {
		if !reset {
			p.model.Close(p.id)
		}
	}},
	"forgets-shared-locks": {config: noNames, line: func(p *peer, line string) string {
		if command, _ := parse(line); strings.HasPrefix(command, "s") && command != "sd" {
			return p.doAs(p.second(), line)
		}
		return p.do(line)
	}},
	"forgets-exclusive-locks": {config: noNames, bulk: true, line: on("g r i", func(p *peer, _, line string) string {
		return p.doAs(p.second(), line)
	})},
	"releases-what-was-released": {
		line: on("r", func(p *peer, name, line string) string {
			if p.exclusive[name] {
				p.note[name] = 1
			}
			return p.do(line)
		}),
		end: func(p *peer, _ bool) {
			for name := range p.note {
				if holder := p.holder(name); holder != nil && holder != p {
					holder.quietly("r " + name + "\n")
				}
			}
			p.model.Close(p.id)
		},
	},
	// As if a quiet client had gone: no other case holds a name after so many commands.
	"releases-after-sixty-commands": {line: func(p *peer, line string) string {
		out := p.do(line)
		if p.note["commands"]++; p.note["commands"] == 60 {
			for _, name := range sorted(p.exclusive) {
				p.quietly("r " + name + "\n")
			}
		}
		return out
	}},
	"drops-owed-replies": {queued: true},
	"closes-then-releases": {end: func(p *peer, _ bool) {
		p.hangUp()
		p.unlocked(60 * time.Millisecond)
		p.model.Close(p.id)
	}},
	"releases-one-by-one": {end: func(p *peer, _ bool) {
		for i, name := range sorted(p.exclusive) {
			p.quietly("r " + name + "\n")
			p.forged["orphans"]++
			if i < 12 { // slow enough to be seen, and not slower
				p.unlocked(2 * time.Millisecond)
			}
		}
		p.model.Close(p.id)
	}},
	"is-its-address": {open: inherit, end: func(p *peer, reset bool) {
		if reset && p.addr != "unix" {
			p.testServer.lingering = append(p.testServer.lingering, p)
			p.forged["connections"]--
			go func() {
				time.Sleep(300 * time.Millisecond)
				p.lock()
				defer p.unlock()
				p.expire()
			}()
			return
		}
		p.model.Close(p.id)
	}},
	"stops-abruptly": {abrupt: true},

	// Statistics.
	"shows-uptime": {line: on("q", func(p *peer, _, line string) string {
		return p.do(line) + "uptime: 5\n"
	})},
	"counts-no-q": {line: on("q", func(p *peer, _, line string) string {
		p.forged["command_q"]--
		return p.do(line)
	})},
	"counts-no-refusals": {line: on("g", func(p *peer, _, line string) string {
		out := p.do(line)
		if strings.HasPrefix(out, "0") {
			p.forged["command_g"]--
		}
		return out
	})},
	"counts-orphaned-connections": {end: func(p *peer, _ bool) {
		if n := len(p.exclusive); n > 1 {
			p.forged["orphans"] -= n - 1
		}
		p.model.Close(p.id)
	}},
	"counts-shared-holders": {line: on("q", func(p *peer, _, line string) string {
		names := map[string]bool{}
		n := 0
		for _, other := range p.peers {
			for name := range other.shared {
				names[name] = true
				n++
			}
		}
		p.forged["shared_locks"] = n - len(names)
		return p.do(line)
	})},
	"keeps-empty-entries": {line: on("sr", func(p *peer, name, line string) string {
		out := p.do(line)
		if strings.HasPrefix(out, "1") && len(p.holders(name)) == 0 {
			p.forged["shared_locks"]++
		}
		return out
	})},
	"does-not-count-invalid": {line: on("bogus", func(p *peer, _, line string) string {
		p.forged["invalid_commands"]--
		return p.do(line)
	})},

	// Dumps and identity.
	"dumps-without-order": {line: reorder("d", 0, slices.Reverse)},
	"dumps-registered-names": {line: on("dump", func(p *peer, _, line string) string {
		out := p.do(line)
		for _, other := range p.peers {
			me := strings.Fields(string(receive(p.model, other.id, []byte("me\n"))))
			p.forged["command_me"]--
			out = strings.ReplaceAll(out, me[1], strings.Join(me[2:], " "))
		}
		return out
	})},
	"is-silent-when-disabled":   {config: bare, line: silent("d")},
	"hides-me-without-registry": {config: noNames, line: silent("me")},
	"registers-in-the-order-of-names": {line: reorder("who", 0, func(lines []string) {
		slices.SortStableFunc(lines, func(a, b string) int {
			return strings.Compare(a[strings.LastIndex(a, ": "):], b[strings.LastIndex(b, ": "):])
		})
	})},
	"never-takes-a-name-away": {line: on("iam", func(p *peer, name, line string) string {
		if name == "" {
			p.forged["command_iam"]++
			return "1 ok\n"
		}
		return p.do(line)
	})},
	"treats-dump-full-as-shared": {line: on("dump", func(p *peer, name, line string) string {
		if name != "" {
			return p.do("dump shared\n")
		}
		return p.do(line)
	})},

	// Bad input.
	"answers-unknown-with-err": {line: func(p *peer, line string) string {
		if p.isUnknown(line) {
			return p.do(line) + "-ERR unknown command\n"
		}
		return p.do(line)
	}},
	"hangs-up-on-unknown": {line: func(p *peer, line string) string {
		out := p.do(line)
		if p.isUnknown(line) {
			p.hangUp()
		}
		return out
	}},
	"looks-at-first-letters": {line: func(p *peer, line string) string {
		command, name := parse(line)
		if p.isUnknown(line) && command[0] == 'g' && name != "" {
			return p.do("g " + name + "\n")
		}
		return p.do(line)
	}},
	"limit-off-by-one": {config: model.Config{Registry: true, Dump: true, MaxLine: 65535}},
	"cuts-long-lines": {bulk: true, config: model.Config{Registry: true, Dump: true, MaxLine: 1 << 30}, line: func(p *peer, line string) string {
		if len(line) > 65537 {
			line = line[:65536] + "\n"
		}
		return p.do(line)
	}},
	"waits-for-the-end-of-long-lines": {config: model.Config{Registry: true, Dump: true, MaxLine: 1 << 30}, line: func(p *peer, line string) string {
		if len(line) > 65537 {
			p.forged["invalid_commands"]++
			return "0 Line Too Long\n"
		}
		return p.do(line)
	}},
	"writes-under-its-lock": {bulk: true, write: func(p *peer, out []byte) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.send(out)
	}},

	// WebSockets.
	"ws-correct":         {config: killing, bulk: true, highest: protocol.Extended},
	"ws-correct-classic": {config: classic},
	"ws-waits-for-lf":    {lfOnly: true},
	"ws-lets-anyone-in":  {anyOrigin: true},
	"ws-sends-binary":    {binary: true},
	"ws-reply-per-command": {write: func(p *peer, out []byte) {
		for line := range bytes.SplitAfterSeq(out, []byte("\n")) {
			if len(line) > 0 {
				p.send(line)
			}
		}
	}},
	"ws-empty-replies": {empty: true},
	"ws-leaks-reset-connections": {end: func(p *peer, reset bool) {
		if !reset {
			p.model.Close(p.id)
		}
	}},
	"unix-correct": {config: killing, bulk: true, highest: protocol.Extended},
	"unix-shows-its-path": {line: func(p *peer, line string) string {
		return unixNumber.ReplaceAllString(p.do(line), "@")
	}},
}
