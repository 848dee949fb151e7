package model

import (
	"bytes"
	"slices"
	"strconv"
)

// commands are the command words below the extended level, sorted, with the index of
// their count.
var commands = [...]string{"d", "dump", "g", "i", "iam", "me", "q", "r", "sd", "sg", "si", "sr", "who"}

// classicCommands are those that exist in the classic dialect [CLASSIC-3].
const classicCommands = " g r i sg sr si q "

// execute runs one line, stripped of superfluous white space.
func (s *Server) execute(c *conn, line []byte) {
	if len(line) == 0 { // [LINE-8]
		return
	}
	word, name, _ := bytes.Cut(line, []byte{' '})
	if !s.cfg.Classic && slices.Contains(extendedCommands, string(word)) { // [CLASSIC-3]
		s.extended++ // and in no figure [EXT-2]
		s.performExtended(c, string(word), name)
		return
	}
	index := s.lookup(word)
	if index < 0 { // [BAD-1, BAD-2]
		s.invalid++
		if s.cfg.AnswerInvalid {
			s.reply("0 Invalid Command: ", string(word))
		}
		return
	}
	s.counts[index]++
	s.perform(c, commands[index], name)
}

// perform answers a command.
func (s *Server) perform(c *conn, command string, name []byte) {
	switch command {
	case "g":
		s.get(c, name)
	case "r":
		s.release(c, name)
	case "i":
		_, held := s.exclusive[string(name)]
		s.answer(b2i(held), inspectReply, name)
	case "sg":
		s.sharedGet(c, name)
	case "sr":
		left := s.leave(c, string(name))
		s.serve()
		s.answer(b2i(left), sharedReleaseReply, name)
	case "si":
		s.answer(len(s.shared[string(name)]), sharedInspectReply, name)
	case "q":
		s.statistics(string(name) == "full")
	case "d":
		s.holders(name)
	case "sd":
		s.sharedHolders(name)
	case "dump":
		s.dump(string(name) == "shared")
	case "me":
		s.reply("1 ", c.addr, " ", s.holder(c))
	case "iam":
		s.iam(c, string(name))
	case "who":
		s.who(name)
	default:
		s.performExtended(c, command, name)
	}
}

func (s *Server) lookup(word []byte) int {
	for i, command := range commands {
		if len(word) == len(command) && string(word) == command {
			if s.cfg.Classic && !bytes.Contains([]byte(classicCommands), []byte(" "+command+" ")) {
				return -1
			}
			return i
		}
	}
	return -1
}

func (s *Server) get(c *conn, name []byte) {
	switch h := s.exclusive[string(name)]; {
	case h != nil && h.conn == c: // [GET-3, CLASSIC-2]
		s.answer(b2i(!s.cfg.Classic), getReply, name)
	case h != nil || s.first(key{false, string(name)}) != nil: // [GET-2, WAIT-3]
		s.answer(0, getReply, name)
	case s.full(c, key{false, string(name)}):
		s.limited(name)
	default: // [GET-1]
		s.exclusive[string(name)] = &holding{c, s.token(), 0}
		s.answer(1, getReply, name)
	}
}

func (s *Server) release(c *conn, name []byte) {
	if h := s.exclusive[string(name)]; h == nil || h.conn != c { // [REL-2, REL-3]
		s.answer(0, releaseReply, name)
		return
	}
	delete(s.exclusive, string(name)) // [REL-1]
	s.touch(key{false, string(name)})
	s.serve()
	s.answer(1, releaseReply, name)
}

func (s *Server) sharedGet(c *conn, name []byte) {
	holders := s.shared[string(name)]
	if holderAmong(holders, c) == nil { // [SGET-2]
		if s.full(c, key{true, string(name)}) {
			s.limited(name)
			return
		}
		holders = append(holders, &holding{c, s.token(), noBound}) // [SGET-1, BOUND-2]
		s.shared[string(name)] = holders
	}
	s.answer(len(holders), sharedGetReply, name)
}

func (s *Server) limited(name []byte) { s.reply("0 Lock Limit Reached: ", string(name)) }

// holderAmong returns the holding of c among those of a shared lock, nil if it has none.
func holderAmong(holders []*holding, c *conn) *holding {
	for _, h := range holders {
		if h.conn == c {
			return h
		}
	}
	return nil
}

// leave removes c from the holders of a shared lock and says whether it was one
// of them [SREL-1, SREL-2]. A lock without holders is removed [SREL-3].
func (s *Server) leave(c *conn, name string) bool {
	holders := s.shared[name]
	h := holderAmong(holders, c)
	if h == nil {
		return false
	}
	if len(holders) == 1 {
		delete(s.shared, name)
	} else {
		at := slices.Index(holders, h)
		s.shared[name] = slices.Delete(holders, at, at+1)
	}
	s.touch(key{true, name})
	return true
}

// full says whether one more holding would exceed a limit [BAD-5].
func (s *Server) full(c *conn, lock key) bool {
	if s.cfg.MaxLocks == 0 && s.cfg.MaxPerConn == 0 && s.cfg.MaxNameBytes == 0 {
		return false
	}
	own, bytes := 0, len(lock.name)
	for name, h := range s.exclusive {
		own += b2i(h.conn == c)
		bytes += len(name)
	}
	for name, holders := range s.shared {
		own += b2i(holderAmong(holders, c) != nil)
		bytes += len(name)
	}
	if lock.shared && len(s.shared[lock.name]) > 0 {
		bytes = 0 // the name is there already
	}
	return s.cfg.MaxLocks > 0 && s.Holdings() >= s.cfg.MaxLocks ||
		s.cfg.MaxPerConn > 0 && own >= s.cfg.MaxPerConn ||
		s.cfg.MaxNameBytes > 0 && len(lock.name) > 0 && bytes > s.cfg.MaxNameBytes
}

func (s *Server) sharedHoldings() int {
	n := 0
	for _, holders := range s.shared {
		n += len(holders)
	}
	return n
}

func (s *Server) iam(c *conn, name string) {
	if !s.cfg.Registry { // [IAM-3]
		s.reply("0 disabled")
		return
	}
	s.unname(c)
	if name != "" { // [IAM-1, IAM-2]
		c.name = name
		s.named = append(s.named, c) // [WHO-1]
	}
	s.reply("1 ok")
}

func (s *Server) unname(c *conn) {
	s.named = slices.DeleteFunc(s.named, func(other *conn) bool { return other == c })
}

// holder returns how c is shown where registered names are shown: by its name, or else
// by its address [DUMP-1, ME-1].
func (s *Server) holder(c *conn) string {
	if slices.Contains(s.named, c) {
		return c.name
	}
	return c.addr
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// reply adds one reply line, with the dialect's line end [REPLY-3].
func (s *Server) reply(parts ...string) {
	for _, part := range parts {
		s.out = append(s.out, part...)
	}
	s.endReply()
}

func (s *Server) endReply() {
	if s.cfg.Classic {
		s.out = append(s.out, '\r')
	}
	s.out = append(s.out, '\n')
}

// answer adds the reply to a lock command: INT SP TEXT [REPLY-2].
func (s *Server) answer(n int, texts lockReply, name []byte) {
	s.out = strconv.AppendInt(s.out, int64(n), 10)
	s.out = append(s.out, ' ')
	switch {
	case s.cfg.Classic && n > 0:
		s.out = append(s.out, texts.classicYes...)
	case s.cfg.Classic:
		s.out = append(s.out, texts.classicNo...)
	case n > 0:
		s.out = append(append(s.out, texts.yes...), name...)
	default:
		s.out = append(append(s.out, texts.no...), name...)
	}
	s.endReply()
}
