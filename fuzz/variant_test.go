package fuzz

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// fragments are what variants put into a schedule: whole commands, pieces of
// them, and the steps of package schedule.
var fragments = bytesOf(
	"g a\n", "r a\n", "i a\n", "sg a\n", "sr a\n", "si a\n", "g b\n", "sg b\n", "sr b\n", "g\n", "sg\n",
	"q\n", "q full\n", "d\n", "sd\n", "d a\n", "sd a\n", "dump\n", "dump shared\n", "me\n", "iam x\n", "iam y\n", "iam\n", "who\n", "who x\n",
	"\n", "\r", " ", "\t", "\v", "\x00", "a", "12345678901", "full", "\xf0", "\xf1", "\xf2", "\xf3", "\xf4", "\xf5", "\xf6",
)

func bytesOf(texts ...string) (all [][]byte) {
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all
}

// variants makes variants of one schedule. They depend on the schedule alone, so
// that an input that fails fails again when it is replayed.
type variants struct {
	draw     byte
	schedule []byte
	random   *rand.Rand
	buf      []byte
}

func newVariants(draw byte, schedule []byte) *variants {
	hash := fnv.New64a()
	hash.Write(schedule)
	return &variants{draw: draw, schedule: schedule, random: rand.New(rand.NewPCG(hash.Sum64(), uint64(draw)))}
}

// next returns the next variant, valid until the one after: up to four fragments
// are put in, or take the place of some bytes, and a bit of what draws the
// configuration is flipped, which for one in four means nothing.
func (v *variants) next() (draw byte, schedule []byte) {
	v.buf = append(v.buf[:0], v.schedule...)
	for range 1 + v.random.IntN(4) {
		at := v.random.IntN(len(v.buf) + 1)
		cut := min(v.random.IntN(4), len(v.buf)-at)
		v.buf = slices.Replace(v.buf, at, at+cut, fragments[v.random.IntN(len(fragments))]...)
	}
	return v.draw ^ 1<<v.random.IntN(8), v.buf
}
