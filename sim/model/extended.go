package model

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// extendedCommands are the words of the extended level.
var extendedCommands = []string{"b", "k", "l", "lw", "st", "t", "v", "w"}

// performExtended answers a command of the extended level.
func (s *Server) performExtended(c *conn, command string, arguments []byte) {
	switch command {
	case "v":
		s.version()
	case "w":
		s.waitFor(c, string(arguments))
	case "b":
		s.bounded(c, string(arguments), noWait)
	case "t":
		s.showToken(s.exclusive[string(arguments)], c, arguments)
	case "st":
		s.showToken(holderAmong(s.shared[string(arguments)], c), c, arguments)
	case "l":
		s.list(string(arguments))
	case "lw":
		s.listWaiters(string(arguments))
	case "k":
		s.kill(c, string(arguments))
	}
}

// version answers v [VERSION-1].
func (s *Server) version() {
	features := " wait bound token"
	if s.cfg.Dump {
		features += " list"
	}
	if s.cfg.Kill {
		features += " kill"
	}
	s.reply("1 lockd ", s.cfg.Version, features)
}

// Numbers have no sign and no leading zero [EXT-1].
const numberPattern = `(0|[1-9][0-9]{0,18})`

var (
	waitForm    = regexp.MustCompile(`(?s)^` + numberPattern + ` (g|b)(?: (.*))?$`)
	boundedForm = regexp.MustCompile(`(?s)^` + numberPattern + `(?: (.*))?$`)
	killForm    = regexp.MustCompile(`^` + numberPattern + `(?: ` + numberPattern + `)?$`)
	// meantForB is what a malformed w is told the usage of b for.
	meantForB = regexp.MustCompile(`(?s)^[^ ]* b( |$)`)
)

// The greatest numbers.
const (
	mostWait  = 1_000_000_000_000
	mostBound = 1_000_000_000
	noWait    = -1 // a b without w
)

// atoi returns a number that matches numberPattern.
func atoi(digits string) uint64 {
	n, _ := strconv.ParseUint(digits, 10, 64)
	return n
}

// waitFor answers w [WAIT-1].
func (s *Server) waitFor(c *conn, arguments string) {
	parts := waitForm.FindStringSubmatch(arguments)
	switch {
	case parts == nil || atoi(parts[1]) > mostWait:
		s.usageOfWait(arguments)
	case parts[2] == "b":
		s.bounded(c, parts[3], int64(atoi(parts[1])))
	default:
		s.getOrWait(c, parts[3], int64(atoi(parts[1])))
	}
}

// usageOfWait answers a malformed w [EXT-1].
func (s *Server) usageOfWait(arguments string) {
	if meantForB.MatchString(arguments) {
		s.reply("0 Usage: w MS b N NAME")
	} else {
		s.reply("0 Usage: w MS g NAME")
	}
}

// getOrWait answers w with g.
func (s *Server) getOrWait(c *conn, name string, ms int64) {
	h := s.exclusive[name]
	if h != nil && h.conn != c || h == nil && s.first(key{false, name}) != nil {
		s.mustWait(c, key{false, name}, 0, ms)
		return
	}
	s.get(c, []byte(name))
}

// bounded answers b, or w with b if ms is not noWait [BOUND-1].
func (s *Server) bounded(c *conn, arguments string, ms int64) {
	parts := boundedForm.FindStringSubmatch(arguments)
	if parts == nil || atoi(parts[1]) > mostBound {
		if ms != noWait {
			s.usageOfWait("0 b")
			return
		}
		s.reply("0 Usage: b N NAME")
		return
	}
	bound, name := int(atoi(parts[1])), parts[2]
	switch h := holderAmong(s.shared[name], c); {
	case h != nil && h.bound != bound: // [BOUND-3]
		s.reply("0 Shared Lock Held: ", name)
	case h != nil:
		s.answer(len(s.shared[name]), sharedGetReply, []byte(name))
	case s.first(key{true, name}) == nil && s.admits(name, bound):
		if s.full(c, key{true, name}) {
			s.limited([]byte(name))
			return
		}
		s.shared[name] = append(s.shared[name], &holding{c, s.token(), bound})
		s.answer(len(s.shared[name]), sharedGetReply, []byte(name))
	case ms == noWait: // [BOUND-2]
		s.reply("0 Shared Lock Full: ", name)
	default:
		s.mustWait(c, key{true, name}, bound, ms)
	}
}

// mustWait makes a connection wait for a lock that it cannot get now, if it may.
func (s *Server) mustWait(c *conn, l key, bound int, ms int64) {
	switch {
	case ms == 0: // [WAIT-4]
		s.reply("0 Wait Timeout: ", l.name)
	case c.finished || s.stopping: // [WAIT-6, WAIT-7]
		s.reply("0 Wait Cancelled: ", l.name)
	default:
		s.wait(c, l, bound, ms)
	}
}

// showToken answers t and st [TOKEN-2].
func (s *Server) showToken(h *holding, c *conn, name []byte) {
	if h == nil || h.conn != c {
		s.reply("0 Lock Not Held: ", string(name))
		return
	}
	s.reply(strconv.FormatUint(h.token, 10), " Lock Token: ", string(name))
}

// age is how long ago a stamp was made, in milliseconds, as far as it tells.
func (s *Server) age(stamp uint64) string {
	return strconv.FormatInt(max(0, s.Now/1e6-int64(stamp>>11)), 10)
}

// boundOf shows a bound.
func boundOf(l key, bound int) string {
	if !l.shared || bound == noBound {
		return "-"
	}
	return strconv.Itoa(bound)
}

// list answers l [LIST-1, LIST-2].
func (s *Server) list(prefix string) {
	var lines []string
	add := func(l key, h *holding) {
		waiters := 0
		for _, c := range s.queue {
			if c.waiting.lock == l {
				waiters++
			}
		}
		lines = append(lines, strings.Join([]string{
			tableOf(l), s.age(h.token), strconv.FormatUint(h.token, 10), strconv.Itoa(waiters), boundOf(l, h.bound),
			strconv.FormatUint(h.conn.id, 10), h.conn.addr, s.holder(h.conn), l.name,
		}, "\t"))
	}
	for _, name := range sortedNames(s.exclusive, "") {
		add(key{false, name}, s.exclusive[name])
	}
	for _, name := range sortedNames(s.shared, "") {
		for _, h := range s.shared[name] {
			add(key{true, name}, h)
		}
	}
	s.replyList("Locks", prefix, lines)
}

// listWaiters answers lw [LIST-3, LIST-4].
func (s *Server) listWaiters(prefix string) {
	queues := map[key][]*conn{}
	for _, c := range s.queue {
		queues[c.waiting.lock] = append(queues[c.waiting.lock], c)
	}
	var locks []key
	for l := range queues {
		locks = append(locks, l)
	}
	slices.SortFunc(locks, func(a, b key) int {
		if a.shared != b.shared {
			return b2i(a.shared) - b2i(b.shared)
		}
		return strings.Compare(a.name, b.name)
	})
	var lines []string
	for _, l := range locks {
		for i, c := range queues[l] {
			lines = append(lines, strings.Join([]string{
				tableOf(l), s.age(c.waiting.ticket), strconv.Itoa(i + 1), boundOf(l, c.waiting.bound),
				strconv.FormatUint(c.id, 10), c.addr, s.holder(c), l.name,
			}, "\t"))
		}
	}
	s.replyList("Waiters", prefix, lines)
}

func tableOf(l key) string {
	if l.shared {
		return "s"
	}
	return "x"
}

// replyList adds the lines whose name, the last field, begins with a prefix.
func (s *Server) replyList(of, prefix string, lines []string) {
	if !s.cfg.Dump { // [LIST-5]
		s.disabled()
		return
	}
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return !strings.HasPrefix(line[strings.LastIndexByte(line, '\t')+1:], prefix)
	})
	s.reply(strconv.Itoa(1+len(lines)), " ", of, ": ", prefix)
	for _, line := range lines {
		s.reply(line)
	}
}

// kill answers k.
func (s *Server) kill(c *conn, arguments string) {
	if arguments == "" { // [KILL-4]
		s.reply(strconv.FormatUint(c.id, 10), " This Connection")
		return
	}
	if !s.cfg.Kill { // [KILL-2]
		s.disabled()
		return
	}
	parts := killForm.FindStringSubmatch(arguments)
	if parts == nil || tooLarge(parts[1]) || tooLarge(parts[2]) {
		s.reply("0 Usage: k CONN TOKEN")
		return
	}
	victim := s.conns[atoi(parts[1])]
	if victim == nil || parts[2] != "" && !s.holds(victim, atoi(parts[2])) {
		s.reply("0 No Such Connection: ", parts[1])
		return
	}
	exclusive, shared := s.end(victim)
	s.spoils[victim.id] = [2]int{exclusive, shared}
	s.serve()
	if victim == c { // [KILL-3]
		c.ended = true
		s.suicide = c.id
	} else {
		s.killed = append(s.killed, victim.id)
	}
	s.reply("1 Killed: ", parts[1])
}

// tooLarge says whether a number is greater than 2^63-1.
func tooLarge(digits string) bool { return atoi(digits) > 1<<63-1 }

// holds says whether a connection holds the grant with a token.
func (s *Server) holds(c *conn, token uint64) bool {
	for _, h := range s.exclusive {
		if h.conn == c && h.token == token {
			return true
		}
	}
	for _, holders := range s.shared {
		if h := holderAmong(holders, c); h != nil && h.token == token {
			return true
		}
	}
	return false
}

// isList says whether a command is l or lw.
func isList(word []byte) bool {
	return bytes.Equal(word, []byte("l")) || bytes.Equal(word, []byte("lw"))
}
