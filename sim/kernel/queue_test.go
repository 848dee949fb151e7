package kernel

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// TestQueue compares a queue, and one that bytes are moved to, with plain slices.
func TestQueue(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var a, b queue
	var wantA, wantB []byte
	next := byte(0)
	buffer := make([]byte, 100)
	for range 10_000 {
		switch n := r.IntN(60); r.IntN(4) {
		case 0, 1:
			if a.n > 500 {
				continue
			}
			for i := range n {
				buffer[i] = next
				next++
			}
			a.put(buffer[:n])
			wantA = append(wantA, buffer[:n]...)
		case 2:
			n = min(n, a.n)
			a.move(&b, n)
			wantB = append(wantB, wantA[:n]...)
			wantA = wantA[n:]
		case 3:
			got := buffer[:b.take(buffer[:n])]
			if want := wantB[:min(n, len(wantB))]; !bytes.Equal(got, want) {
				t.Fatalf("took %v, want %v", got, want)
			}
			wantB = wantB[len(got):]
		}
		if a.n != len(wantA) || b.n != len(wantB) {
			t.Fatalf("%d and %d bytes, want %d and %d", a.n, b.n, len(wantA), len(wantB))
		}
	}
}
