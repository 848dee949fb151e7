package model

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// play runs a transcript against a new server and compares the replies. In a
// transcript "+1" opens the next connection, "-1" closes
// connection 1, "1 g x" sends a line, "1. g x" sends a websocket message
// without LF, "1/" ends the stream of its client, "@5" is the time in milliseconds, "!"
// stops the server; lines that start with "<" are the replies, with "<2" an answer to
// connection 2, which has waited, "<2 x" if it was killed.
func play(t *testing.T, cfg Config, transcript string) {
	t.Helper()
	s := New(cfg)
	var got []string
	for _, line := range strings.Split(strings.TrimSpace(transcript), "\n") {
		line = strings.TrimLeft(line, "\t")
		if strings.HasPrefix(line, "<") {
			continue
		}
		got = append(got, line)
		var out []byte
		s.Allow(1000)
		switch who, text, _ := strings.Cut(line, " "); {
		case who[0] == '+':
			if _, ok := s.Open("a" + who[1:]); !ok {
				out = s.Refusal()
			}
		case who[0] == '-':
			s.Close(uint64(who[1] - '0'))
		case who[0] == '@':
			ms, _ := strconv.Atoi(who[1:])
			s.Now = int64(ms) * 1e6
			s.Tick()
		case who[0] == '!':
			s.Stop()
		case strings.HasSuffix(who, "/"):
			s.EndOfStream(uint64(who[0] - '0'))
		case strings.HasSuffix(who, "."):
			out = append(out, receive(t, s, uint64(who[0]-'0'), text)...)
			out = append(out, s.EndMessage(uint64(who[0]-'0'))...)
		default:
			out = receive(t, s, uint64(who[0]-'0'), text+"\n")
		}
		end := "\n"
		if cfg.Classic {
			end = "\r\n"
		}
		for reply := range strings.SplitSeq(strings.TrimSuffix(string(out), end), end) {
			if len(out) > 0 {
				got = append(got, "< "+reply)
			}
		}
		for _, a := range s.Answers() {
			got = append(got, fmt.Sprintf("<%d %s", a.To, strings.TrimSuffix(string(a.Reply), end)))
		}
		for _, id := range s.Killed() {
			got = append(got, fmt.Sprintf("<%d x", id))
		}
	}
	var want []string
	for line := range strings.SplitSeq(strings.TrimSpace(transcript), "\n") {
		want = append(want, strings.TrimLeft(line, "\t"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("transcript (- protocol, + model):\n%s", diff)
	}
}

// receive passes input to a server, which must take all of it.
func receive(t *testing.T, s *Server, id uint64, text string) []byte {
	t.Helper()
	replies, left := s.Receive(id, []byte(text))
	if left > 0 {
		t.Errorf("connection %d waits, and %d bytes of %q are left", id, left, text)
	}
	return replies
}

var everything = Config{Registry: true, Dump: true}

func TestLocks(t *testing.T) {
	play(t, everything, `
	+1
	+2
	1 i x
	< 0 Lock Not Locked: x
	1 g x
	< 1 Lock Get Success: x
	1 g x
	< 1 Lock Get Success: x
	2 g x
	< 0 Lock Get Failure: x
	2 r x
	< 0 Lock Release Failure: x
	2 i x
	< 1 Lock Is Locked: x
	2 sg x
	< 1 Shared Lock Get Success: x
	1 sg x
	< 2 Shared Lock Get Success: x
	1 sg x
	< 2 Shared Lock Get Success: x
	1 r x
	< 1 Lock Release Success: x
	1 r x
	< 0 Lock Release Failure: x
	1 si x
	< 2 Shared Lock Is Locked: x
	2 sr x
	< 1 Shared Lock Release Success: x
	2 sr x
	< 0 Shared Lock Release Failure: x
	2 g x
	< 1 Lock Get Success: x
	-2
	1 i x
	< 0 Lock Not Locked: x
	1 g
	< 1 Lock Get Success: 
	1  g   two	words 
	< 1 Lock Get Success: two words
	1 dump
	< map[:a1 two words:a1]
	`)
}

func TestTables(t *testing.T) {
	play(t, everything, `
	+1
	+2
	1 who
	1 me
	< 1 a1 a1
	1 iam worker
	< 1 ok
	2 iam worker
	< 1 ok
	1 iam worker
	< 1 ok
	1 who
	< a2: worker
	< a1: worker
	1 who nobody
	1 g b
	< 1 Lock Get Success: b
	1 g a
	< 1 Lock Get Success: a
	2 sg s
	< 1 Shared Lock Get Success: s
	1 sg s
	< 2 Shared Lock Get Success: s
	2 iam
	< 1 ok
	1 d
	< a: worker
	< b: worker
	1 d nothing
	1 sd s
	< s: a2
	< s: worker
	1 dump
	< map[a:a1 b:a1]
	1 dump shared
	< map[s:[a2 a1]]
	-1
	2 q full
	< command_d: 2
	< command_dump: 2
	< command_g: 2
	< command_i: 0
	< command_iam: 4
	< command_me: 1
	< command_q: 1
	< command_r: 0
	< command_sd: 1
	< command_sg: 2
	< command_si: 0
	< command_sr: 0
	< command_who: 3
	< connections: 1
	< invalid_commands: 0
	< locks: 0
	< orphans: 2
	< shared_locks: 1
	< shared_orphans: 1
	< map[]
	< map[s:[a2]]
	`)
}

func TestLimitsAndBadInput(t *testing.T) {
	play(t, Config{MaxLine: 8, MaxConnections: 2, MaxLocks: 2, AnswerInvalid: true}, `
	+1
	+2
	+3
	< 0 Too Many Connections
	1  
	1 nonsense
	< 0 Invalid Command: nonsense
	1 G x
	< 0 Invalid Command: G
	1 g 34567890
	< 0 Line Too Long
	1. g 345678
	< 1 Lock Get Success: 345678
	1 sg a
	< 1 Shared Lock Get Success: a
	2 sg a
	< 0 Lock Limit Reached: a
	2 g b
	< 0 Lock Limit Reached: b
	1 sg a
	< 1 Shared Lock Get Success: a
	2 g 345678
	< 0 Lock Get Failure: 345678
	2 iam x
	< 0 disabled
	2 who
	< 0 disabled
	2 d
	< 0 disabled
	2 me
	< 1 a2 a2
	-1
	2 q full
	< command_d: 1
	< command_dump: 0
	< command_g: 3
	< command_i: 0
	< command_iam: 1
	< command_me: 1
	< command_q: 1
	< command_r: 0
	< command_sd: 0
	< command_sg: 3
	< command_si: 0
	< command_sr: 0
	< command_who: 1
	< connections: 1
	< invalid_commands: 3
	< locks: 0
	< orphans: 1
	< shared_locks: 0
	< shared_orphans: 1
	< 0 disabled
	< 0 disabled
	`)
}

func TestClassic(t *testing.T) {
	play(t, Config{Classic: true, PID: 7}, `
	+1
	+2
	1 g a
	< 1 Got Lock
	1 g a
	< 0 Cannot Get Lock
	2 r a
	< 0 Cannot Release Lock
	1 sg b
	< 1 Got Lock
	2 sg b
	< 2 Got Lock
	1 me
	1 q full
	< Array
	< (
	<     [pid] => 7
	<     [conns] => 2
	<     [locks] => 2
	<     [orphans] => 0
	<     [commands] => 6
	<     [command_g] => 2
	<     [command_r] => 1
	<     [command_i] => 0
	<     [command_sg] => 2
	<     [command_sr] => 0
	<     [command_si] => 0
	<     [command_q] => 1
	< )
	< Array
	< (
	<     [locks] => Array
	<         (
	<             [a] => a1
	<         )
	< 
	<     [shares] => Array
	<         (
	<             [b] => Array
	<                 (
	<                     [0] => a1
	<                     [1] => a2
	<                 )
	< 
	<         )
	< 
	< )
	`)
}

// TestTornLines checks that a line in any pieces is executed when its LF arrives, and
// that a line without LF is dropped [LINE-6, LINE-7].
func TestTornLines(t *testing.T) {
	s := New(Config{})
	id, _ := s.Open("unix")
	for _, b := range []byte("\rg\t\x00\xff\r") {
		if out := receive(t, s, id, string([]byte{b})); len(out) != 0 {
			t.Fatalf("answered %q before the LF", out)
		}
	}
	if got, want := string(receive(t, s, id, "\nme\ng y")), "1 Lock Get Success: \x00\xff\n1 unix:1 unix:1\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Close(id)
	s.Close(id)
	other, _ := s.Open("unix")
	if got, want := string(receive(t, s, other, "i y\n")), "0 Lock Not Locked: y\n"; other != 2 || got != want {
		t.Errorf("connection %d got %q, want %q", other, got, want)
	}
}
