package core

import "testing"

// TestIdentity checks ADDR-2: connections are identified by their number, whatever
// their addresses and names.
func TestIdentity(t *testing.T) {
	core := New(Config{Registry: true})
	seen := make(map[ID]bool)
	expect := func(id ID, lines, want string) {
		t.Helper()
		if got, _ := ask(core, id, lines); got != want {
			t.Errorf("%q is answered %q, want %q", lines, got, want)
		}
	}
	for range 10 {
		a, b := open(core, "127.0.0.1:5000"), open(core, "127.0.0.1:5000")
		if seen[a] || seen[b] || a == b {
			t.Fatalf("a number was reused: %d, %d", a, b)
		}
		seen[a], seen[b] = true, true
		expect(a, "iam x\ng job\n", "1 ok\n1 Lock Get Success: job\n")
		expect(b, "iam x\ng job\nr job\n", "1 ok\n0 Lock Get Failure: job\n0 Lock Release Failure: job\n")
		core.Close(0, b, new(Effects))
		expect(a, "r job\n", "1 Lock Release Success: job\n")
		core.Close(0, a, new(Effects))
		expect(a, "g late\n", "")
		if core.Locks() != 0 {
			t.Error("a closed connection has got a lock")
		}
	}
}
