package model

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

func (s *Server) disabled() { s.reply("0 disabled") } // [DUMP-9]

// holders answers d [DUMP-1, DUMP-2].
func (s *Server) holders(name []byte) {
	if !s.cfg.Dump {
		s.disabled()
		return
	}
	for _, n := range sortedNames(s.exclusive, string(name)) {
		s.reply(n, ": ", s.holder(s.exclusive[n].conn))
	}
}

// sharedHolders answers sd [DUMP-3, DUMP-4].
func (s *Server) sharedHolders(name []byte) {
	if !s.cfg.Dump {
		s.disabled()
		return
	}
	for _, n := range sortedNames(s.shared, string(name)) {
		for _, h := range s.shared[n] {
			s.reply(n, ": ", s.holder(h.conn))
		}
	}
}

// sortedNames lists the names of a table in bytewise order: all of them, or
// only the one asked for.
func sortedNames[V any](table map[string]V, only string) []string {
	if only == "" {
		return slices.Sorted(maps.Keys(table))
	}
	if _, ok := table[only]; !ok {
		return nil
	}
	return []string{only}
}

// dump answers dump and dump shared [DUMP-5, DUMP-6, DUMP-7].
func (s *Server) dump(shared bool) {
	if !s.cfg.Dump {
		s.disabled()
		return
	}
	var entries []string
	if shared {
		for _, name := range sortedNames(s.shared, "") {
			entries = append(entries, name+":["+strings.Join(addrs(s.shared[name]), " ")+"]")
		}
	} else {
		for _, name := range sortedNames(s.exclusive, "") {
			entries = append(entries, name+":"+s.exclusive[name].conn.addr)
		}
	}
	s.reply("map[", strings.Join(entries, " "), "]")
}

func addrs(holders []*holding) []string {
	var list []string
	for _, h := range holders {
		list = append(list, h.conn.addr)
	}
	return list
}

// who answers who [WHO-1, WHO-2, WHO-3].
func (s *Server) who(name []byte) {
	if !s.cfg.Dump || !s.cfg.Registry {
		s.disabled()
		return
	}
	for _, c := range s.named {
		if len(name) == 0 || c.name == string(name) {
			s.reply(c.addr, ": ", c.name)
		}
	}
}

// statistics answers q and q full [STATS-1 to STATS-9, CLASSIC-4].
func (s *Server) statistics(full bool) {
	if s.cfg.Classic {
		s.classicStatistics(full)
		return
	}
	for i, command := range commands { // sorted
		optional := command == "iam" || command == "me" || command == "who"
		if s.counts[i] > 0 || !optional { // [STATS-2]
			s.figure("command_"+command, s.counts[i])
		}
	}
	s.figure("connections", len(s.conns))
	s.figure("invalid_commands", s.invalid)
	s.figure("locks", len(s.exclusive))
	s.figure("orphans", s.orphans)
	s.figure("shared_locks", len(s.shared))
	s.figure("shared_orphans", s.sharedOrphan)
	if full { // [STATS-9]
		s.dump(false)
		s.dump(true)
	}
}

func (s *Server) figure(key string, n int) { s.reply(key, ": ", strconv.Itoa(n)) }

// count returns how often a command was executed.
func (s *Server) count(command string) int {
	return s.counts[slices.Index(commands[:], command)]
}

// classicStatistics answers q and q full in the classic dialect [CLASSIC-4,
// CLASSIC-5]. The tables of q full are part of the dialect: CLASSIC-5 mentions no
// feature that could be off, and replaces STATS-9 and DUMP-9.
func (s *Server) classicStatistics(full bool) {
	total := 0
	for _, n := range s.counts {
		total += n
	}
	s.reply("Array")
	s.reply("(")
	figure := func(key string, n int) { s.reply("    [", key, "] => ", strconv.Itoa(n)) }
	figure("pid", s.cfg.PID)
	figure("conns", len(s.conns))
	figure("locks", len(s.exclusive)+len(s.shared))
	figure("orphans", s.orphans+s.sharedOrphan)
	figure("commands", total)
	for _, command := range []string{"g", "r", "i", "sg", "sr", "si", "q"} {
		figure("command_"+command, s.count(command))
	}
	s.reply(")")
	if !full {
		return
	}
	s.reply("Array")
	s.reply("(")
	s.reply("    [locks] => Array")
	s.reply("        (")
	for _, name := range sortedNames(s.exclusive, "") {
		s.reply("            [", name, "] => ", s.exclusive[name].conn.addr)
	}
	s.reply("        )")
	s.reply()
	s.reply("    [shares] => Array")
	s.reply("        (")
	for _, name := range sortedNames(s.shared, "") {
		s.reply("            [", name, "] => Array")
		s.reply("                (")
		for i, h := range s.shared[name] {
			s.reply("                    [", strconv.Itoa(i), "] => ", h.conn.addr)
		}
		s.reply("                )")
		s.reply()
	}
	s.reply("        )")
	s.reply()
	s.reply(")")
}

// Holdings returns how many locks are held, each holder of a shared one counted.
func (s *Server) Holdings() int { return len(s.exclusive) + s.sharedHoldings() }

// Commands returns how many commands were executed since the start, including invalid
// ones.
func (s *Server) Commands() int {
	total := s.invalid + s.extended
	for _, n := range s.counts {
		total += n
	}
	return total
}
