package model

import "testing"

var extended = Config{Registry: true, Dump: true, Version: "1.2", Kill: true, LastToken: 100}

// Waiting for exclusive locks [WAIT-1 to WAIT-8, END-9].
func TestWaiting(t *testing.T) {
	play(t, extended, `
		+1
		+2
		+3
		1 w 5 g x
		< 1 Lock Get Success: x
		1 w 5 g x
		< 1 Lock Get Success: x
		2 w 0 g x
		< 0 Wait Timeout: x
		2 w 50 g x
		3 w 20 g x
		@19
		@20
		<3 0 Wait Timeout: x
		3 g x
		< 0 Lock Get Failure: x
		1 r x
		< 1 Lock Release Success: x
		<2 1 Lock Get Success: x
		@100
		1 w 5 g x
		3 w 5 g x
		1/
		<1 0 Wait Cancelled: x
		1 w 5 g x
		< 0 Wait Cancelled: x
		1 w 0 g x
		< 0 Wait Timeout: x
		1 w 5 g y
		< 1 Lock Get Success: y
		-2
		<3 1 Lock Get Success: x
		2 r x
		!
		+4
		4 w 5 g x
		< 0 Wait Cancelled: x
		3 q
		< command_d: 0
		< command_dump: 0
		< command_g: 1
		< command_i: 0
		< command_q: 1
		< command_r: 1
		< command_sd: 0
		< command_sg: 0
		< command_si: 0
		< command_sr: 0
		< connections: 3
		< invalid_commands: 0
		< locks: 2
		< orphans: 1
		< shared_locks: 0
		< shared_orphans: 0`)
	play(t, extended, `
		+1
		+2
		+3
		1 g b
		< 1 Lock Get Success: b
		1 sg c
		< 1 Shared Lock Get Success: c
		1 g a
		< 1 Lock Get Success: a
		2 w 5 g a
		3 w 5 b 1 c
		+4
		4 w 5 g b
		-1
		<4 1 Lock Get Success: b
		<3 1 Shared Lock Get Success: c
		<2 1 Lock Get Success: a`)
	limited := extended
	limited.MaxLocks = 1
	play(t, limited, `
		+1
		+2
		+3
		1 g a
		< 1 Lock Get Success: a
		2 w 5 g b
		< 0 Lock Limit Reached: b
		2 w 5 g a
		3 w 9 g a
		1 r a
		< 1 Lock Release Success: a
		<2 1 Lock Get Success: a
		1 w 1 b 1 s
		< 0 Lock Limit Reached: s`)
}

// Bounded shared locks [BOUND-1 to BOUND-4].
func TestBounded(t *testing.T) {
	play(t, extended, `
		+1
		+2
		+3
		+4
		1 b 2 s
		< 1 Shared Lock Get Success: s
		1 b 2 s
		< 1 Shared Lock Get Success: s
		1 b 3 s
		< 0 Shared Lock Held: s
		1 w 9 b 0 s
		< 0 Shared Lock Held: s
		2 b 1 s
		< 0 Shared Lock Full: s
		2 b 0 s
		< 2 Shared Lock Get Success: s
		3 b 3 s
		< 0 Shared Lock Full: s
		3 sg s
		< 3 Shared Lock Get Success: s
		3 b 0 s
		< 0 Shared Lock Held: s
		3 sr s
		< 1 Shared Lock Release Success: s
		3 w 90 b 1 s
		4 b 5 s
		< 0 Shared Lock Full: s
		1 sr s
		< 1 Shared Lock Release Success: s
		4 w 90 b 0 s
		1 w 90 b 0 s
		2 sr s
		< 1 Shared Lock Release Success: s
		<3 1 Shared Lock Get Success: s
		-3
		<4 1 Shared Lock Get Success: s
		<1 2 Shared Lock Get Success: s
		2 b
		< 0 Usage: b N NAME
		2 b 1000000001 x
		< 0 Usage: b N NAME
		2 b 3
		< 1 Shared Lock Get Success: 
		2 w 5 b
		< 0 Usage: w MS b N NAME
		2 w 5 w 5 g a
		< 0 Usage: w MS g NAME`)
}

// Tokens, lists, ending a connection [TOKEN-1 to TOKEN-4, LIST-1 to LIST-4, KILL-1 to
// KILL-4, VERSION-1].
func TestTokensAndLists(t *testing.T) {
	play(t, extended, `
		+1
		+2
		+3
		1 v
		< 1 lockd 1.2 wait bound token list kill
		1 k
		< 1 This Connection
		1 g b
		< 1 Lock Get Success: b
		1 t b
		< 101 Lock Token: b
		2 t b
		< 0 Lock Not Held: b
		1 iam one
		< 1 ok
		@1
		1 sg a
		< 1 Shared Lock Get Success: a
		1 st a
		< 2048 Lock Token: a
		2 b 0 a
		< 2 Shared Lock Get Success: a
		2 g b2
		< 1 Lock Get Success: b2
		3 w 500 g b
		@7
		2 l
		< 5 Locks: 
		< x	7	101	1	-	1	a1	one	b
		< x	6	2050	0	-	2	a2	a2	b2
		< s	6	2048	0	-	1	a1	one	a
		< s	6	2049	0	0	2	a2	a2	a
		2 l b2
		< 2 Locks: b2
		< x	6	2050	0	-	2	a2	a2	b2
		2 lw
		< 2 Waiters: 
		< x	6	1	-	3	a3	a3	b
		2 lw c
		< 1 Waiters: c
		2 k 1 7
		< 0 No Such Connection: 1
		2 k 9
		< 0 No Such Connection: 9
		2 k x
		< 0 Usage: k CONN TOKEN
		2 k 1 2048
		< 1 Killed: 1
		<3 1 Lock Get Success: b
		<1 x
		2 k 2
		< 1 Killed: 2
		2 g z
		3 q full
		< command_d: 0
		< command_dump: 0
		< command_g: 2
		< command_i: 0
		< command_iam: 1
		< command_q: 1
		< command_r: 0
		< command_sd: 0
		< command_sg: 1
		< command_si: 0
		< command_sr: 0
		< connections: 1
		< invalid_commands: 0
		< locks: 1
		< orphans: 2
		< shared_locks: 0
		< shared_orphans: 2
		< map[b:a3]
		< map[]`)
	play(t, Config{Version: "1"}, `
		+1
		1 v
		< 1 lockd 1 wait bound token
		1 l
		< 0 disabled
		1 lw
		< 0 disabled
		1 k 1
		< 0 disabled`)
	play(t, Config{Classic: true, AnswerInvalid: true}, `
		+1
		1 v
		< 0 Invalid Command: v
		1 w 5 g a
		< 0 Invalid Command: w`)
}

// What a step leaves is done by Tick [WAIT-3].
func TestAllow(t *testing.T) {
	s := New(extended)
	for range 5 {
		s.Open("a")
	}
	receive(t, s, 1, "g x\n")
	for id := uint64(2); id <= 5; id++ {
		receive(t, s, id, "w 9 b 0 x\n")
		s.Close(id)
	}
	for range 4 {
		s.Open("a")
	}
	receive(t, s, 1, "b 1 s\n")
	for id := uint64(6); id <= 9; id++ {
		receive(t, s, id, "w 9 b 0 s\n")
	}
	s.Allow(2)
	receive(t, s, 1, "sr s\n")
	if len(s.Answers()) != 2 || !s.Unserved() {
		t.Fatalf("%d answers, some left: %v", len(s.Answers()), s.Unserved())
	}
	s.Allow(9)
	if replies, _ := s.Receive(1, []byte("b 0 s\n")); string(replies) != "0 Shared Lock Full: s\n" || len(s.Answers()) > 0 {
		t.Errorf("before it is served to its end, the queue gives %q, and %d answers", replies, len(s.Answers()))
	}
	s.Now = 9e6
	s.Allow(1)
	if s.Tick(); len(s.Answers()) != 1 || s.Answers()[0].To != 8 {
		t.Errorf("the first Tick gives %+v", s.Answers())
	}
	s.Allow(9)
	if s.Tick(); len(s.Answers()) != 1 || string(s.Answers()[0].Reply) != "4 Shared Lock Get Success: s\n" || s.Unserved() {
		t.Errorf("the second Tick gives %+v", s.Answers())
	}
	if _, left := s.Receive(1, []byte("w 9 b 0 s\nw 9 b 2 s\ng z\n")); left != 0 {
		t.Errorf("%d bytes are left by a connection that does not wait", left)
	}
	if _, left := s.Receive(2, []byte("g late")); left != 0 {
		t.Error("a connection that has ended leaves input")
	}
	s.Open("b")
	if _, left := s.Receive(10, []byte("w 9 g x\ng z\n")); left != 4 {
		t.Errorf("%d bytes are left behind a wait", left)
	}
}
