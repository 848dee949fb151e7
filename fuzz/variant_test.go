package fuzz

import (
	"hash/fnv"
	"math/rand/v2"
	"slices"
)

// fragments are what variants insert into a schedule: whole commands, pieces of
// commands, and the steps of package schedule.
var fragments = bytesOf(
	"g a\n", "r a\n", "i a\n", "sg a\n", "sr a\n", "si a\n", "g b\n", "sg b\n", "sr b\n", "g\n", "sg\n",
	"q\n", "q full\n", "d\n", "sd\n", "d a\n", "sd a\n", "dump\n", "dump shared\n", "me\n", "iam x\n", "iam y\n", "iam\n", "who\n", "who x\n",
	"\n", "\r", " ", "\t", "\v", "\x00", "a", "12345678901", "full", "\xf0", "\xf1", "\xf2", "\xf3", "\xf4", "\xf5", "\xf6",
	"v\n", "w 5 g a\n", "w 5 g a\n", "w 60000 g a\n", "w 60000 g b\n", "w 60000 b 1 a\n", "w 60000 b 0 a\n", "w 5 b 2 a\n", "w 0 g a\n", "w x g a\n", "w ", "b 1 a\n", "b 0 a\n",
	"b 2 a\n", "b x\n", "b ", "t a\n", "st a\n", "l\n", "l a\n", "lw\n", "k\n", "k 1\n", "k 2\n", "k 3 1\n", "\xf7", "\xf8", "\xf8",
)

func bytesOf(texts ...string) (all [][]byte) {
	for _, text := range texts {
		all = append(all, []byte(text))
	}
	return all
}

// variants makes variants of one schedule. They depend on the schedule and its draw
// alone, so that a failing input fails again when it is replayed.
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

// next returns the next variant, valid until the next call: up to four fragments are
// inserted or replace some bytes, and one bit of the byte that draws the configuration is
// flipped.
func (v *variants) next() (draw byte, schedule []byte) {
	v.buf = append(v.buf[:0], v.schedule...)
	for range 1 + v.random.IntN(4) {
		at := v.random.IntN(len(v.buf) + 1)
		cut := min(v.random.IntN(4), len(v.buf)-at)
		v.buf = slices.Replace(v.buf, at, at+cut, fragments[v.random.IntN(len(fragments))]...)
	}
	return v.draw ^ 1<<v.random.IntN(8), v.buf
}
