package fuzz

import (
	"hash/fnv"
	"math/rand/v2"
)

// fragments are what variants put into a schedule: whole commands, pieces of
// them, and the steps of package pair.
var fragments = []string{
	"g a\n", "r a\n", "i a\n", "sg a\n", "sr a\n", "si a\n", "g b\n", "sg b\n", "sr b\n", "g\n", "sg\n",
	"q\n", "q full\n", "d\n", "sd\n", "d a\n", "sd a\n", "dump\n", "dump shared\n", "me\n", "iam x\n", "iam y\n", "iam\n", "who\n", "who x\n",
	"\n", "\r", " ", "\t", "\v", "\x00", "a", "12345678901", "full", "\xf0", "\xf1", "\xf2", "\xf3", "\xf4", "\xf5", "\xf6",
}

// variant returns the n-th variant of a schedule in its configuration: up to four
// fragments are put in, or take the place of some bytes, and for most variants a
// bit of the configuration is flipped. It depends on the schedule and n alone, so
// that an input fails again when it is replayed. buf is used for the result.
func variant(draw byte, schedule []byte, n int, buf []byte) (byte, []byte) {
	hash := fnv.New64a()
	hash.Write(schedule)
	r := rand.New(rand.NewPCG(hash.Sum64(), uint64(n)))
	buf = append(buf[:0], schedule...)
	for range 1 + r.IntN(4) {
		fragment := fragments[r.IntN(len(fragments))]
		at := r.IntN(len(buf) + 1)
		cut := min(r.IntN(4), len(buf)-at)
		tail := append([]byte(nil), buf[at+cut:]...)
		buf = append(append(buf[:at], fragment...), tail...)
	}
	return draw ^ 1<<r.IntN(8), buf
}
