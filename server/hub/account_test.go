package hub

import (
	"fmt"
	"testing"

	"lockd/server/core"
)

// debtor counts how often it was dropped.
type debtor struct {
	debt    Debt
	dropped int
}

func (d *debtor) Drop() { d.dropped++ }

func debtors(n int) (all []*debtor, dropped func() string) {
	for range n {
		all = append(all, new(debtor))
	}
	return all, func() string {
		var who []int
		for i, d := range all {
			for range d.dropped {
				who = append(who, i)
			}
		}
		return fmt.Sprint(who)
	}
}

// TestAccount checks that beyond the limit the debtors whose bytes have not moved for
// the longest time are dropped, once.
func TestAccount(t *testing.T) {
	var a Account
	all, dropped := debtors(5)
	set := func(i, bytes int, moved bool) { a.Set(&all[i].debt, all[i], 0, bytes, nil, moved) }
	for i := range 4 {
		set(i, waitingLimit/4, true)
	}
	set(0, waitingLimit/4, true) // has read
	set(1, waitingLimit/4, false)
	expect(t, "dropped at the limit", dropped(), "[]")
	set(4, SmallDebt, true)
	expect(t, "dropped beyond it", dropped(), "[1]")
	set(2, 0, true)
	set(4, waitingLimit/2+1, true)
	expect(t, "dropped then", dropped(), "[1 3]")
	set(4, 2*waitingLimit, false)
	expect(t, "dropped for one that is too large itself", dropped(), "[0 1 3]")
	for i := range all {
		set(i, SmallDebt-1, true)
	}
	if a.Bytes() != 0 || a.debts.Len() != 0 {
		t.Errorf("%d bytes are left, of %d", a.Bytes(), a.debts.Len())
	}
	expect(t, "dropped in the end", dropped(), "[0 1 3]")
}

// TestSharedReply checks that a reply that many connections wait for counts once.
func TestSharedReply(t *testing.T) {
	var a Account
	all, dropped := debtors(100)
	reply := make([]byte, waitingLimit/2)
	for _, d := range all {
		a.Set(&d.debt, d, 0, 10, reply, true)
	}
	if want := waitingLimit/2 + 1000; a.Bytes() != want {
		t.Errorf("%d bytes, want %d", a.Bytes(), want)
	}
	for _, d := range all[1:] {
		a.Set(&d.debt, d, 0, 0, nil, true)
		a.Set(&d.debt, d, 0, 0, nil, true)
	}
	if want := waitingLimit/2 + 10; a.Bytes() != want {
		t.Errorf("%d bytes, want %d", a.Bytes(), want)
	}
	a.Set(&all[0].debt, all[0], 0, 0, nil, true)
	if a.Bytes() != 0 || len(a.shared) != 0 || a.debts.Len() != 0 {
		t.Errorf("%d bytes are left", a.Bytes())
	}
	expect(t, "dropped", dropped(), "[]")
}

// TestRoom checks that only stalled debtors are dropped to make room for a dump.
func TestRoom(t *testing.T) {
	var a Account
	all, dropped := debtors(3)
	for i, moved := range []core.Time{0, 1, 2} {
		a.Set(&all[i].debt, all[i], moved*core.Second, waitingLimit/3, nil, true)
	}
	room := func(at core.Time, bytes int) bool { return a.Room(at*core.Second, bytes) }
	expect(t, "room for a little", room(100, 1), true)
	expect(t, "room for more", room(4, waitingLimit/3+1), false)
	expect(t, "dropped", dropped(), "[]")
	expect(t, "room when one has stalled", room(5, waitingLimit/3), true)
	expect(t, "dropped", dropped(), "[0]")
	expect(t, "room for all", room(6, waitingLimit), false)
	expect(t, "dropped", dropped(), "[0 1]")
}

// TestReplies checks what is left of replies while they are sent.
func TestReplies(t *testing.T) {
	var r Replies
	whole := []byte("a dump")
	r.Add(nil)
	r.Add([]byte("one"))
	r.AddShared(whole[1:], whole)
	r.Add([]byte("two"))
	own, shared := r.Memory()
	expect(t, "memory", fmt.Sprint(own >= 6, string(shared)), "truea dump")
	sent := ""
	for r.Some() {
		n := (len(r.Next()) + 1) / 2
		sent += string(r.Next()[:n])
		r.Sent(n)
	}
	expect(t, "sent", sent, "one dumptwo")
	own, shared = r.Memory()
	expect(t, "memory", fmt.Sprint(own, shared == nil), "0 true")
}
