package hub

import (
	"fmt"
	"testing"
)

// TestAccount checks that clients that ask for dumps and do not read them are
// dropped, the one that has waited longest first.
func TestAccount(t *testing.T) {
	var a Account
	dropped := make([]bool, 5)
	debtors := make([]Debtor, 5)
	for i := range debtors {
		debtors[i] = debtor{&dropped[i]}
		a.Add(debtors[i], repliesLimit/4)
	}
	if fmt.Sprint(dropped) != "[true false false false false]" {
		t.Errorf("dropped %v", dropped)
	}
	a.Remove(debtors[0])
	a.Remove(debtors[2])
	a.Add(debtors[2], repliesLimit/4)
	a.Add(debtors[0], 2*repliesLimit)
	if fmt.Sprint(dropped) != "[true true true true true]" {
		t.Errorf("dropped %v", dropped)
	}
	for _, d := range debtors {
		a.Remove(d)
	}
	if a.bytes != 0 || len(a.debts) != 0 {
		t.Errorf("%d bytes are left", a.bytes)
	}
}

// debtor notes that it was dropped.
type debtor struct{ dropped *bool }

func (d debtor) Drop() { *d.dropped = true }
