package fuzz

import (
	"testing"

	"lockd/fuzz/schedule"
	"lockd/sim/judge"
)

// coreSeeds are schedules that cover the grammar; testdata has more.
var coreSeeds = []string{
	"0\xf0g a\n\xf1g a\nr a\n\xf0r a\n\xf1g a\ni a\n",
	"0\xf0sg a\nsg a\n\xf1sg a\nsi a\nsr a\n\xf2si a\nsr a\n\xf0sr a\n\xf0sr a\n",
	"0\xf0g a\nsg a\nsg b\ng b\n\xf4\xf1g a\nsi a\ng b\nq\n",
	"0\xf0iam x\nme\nwho\n\xf1iam x\nwho x\ng a\nd\nsd\nd a\nsd a\ndump\ndump shared\nq full\n\xf4\xf0who\n",
	"0\xf0 g  a \t b\r\n\n \r\ng\ni\nr\n G a\nnonsense\ng \x00\xff\n",
	"8\xf0g 1234567890\ng 12345678901\ng 1\xf62\xf63\ni 123\n",
	"8\xf0g 123456789012345\xf6678\xf6\ni 1\xf5g 12345678901\xf5g 2\n",
	"@\xf0g a\xf5g a\n\xf5g b\ng c\xf5\xf5",
	"1\xf0g a\ng a\nq full\ndump\nme\niam x\n\xf1sg a\nsi a\nq\n",
	"P\xf0g a\nsg a\nsg b\nsg c\ng d\ng a\n\xf1g a\nsg a\n",
	"`\xf0g a\n\xf1g b\n\xf2g c\n\xf4\xf1\xf4\xf2g c\n",
	"\"\xf0d\nsd\ndump\nwho\niam x\nme\nq full\n",
	"4\xf0nonsense word\nG\nme\n",
	"0\xf0g a\n\xf1w 60000 g a\ni a\nr a\n\xf2w 5 g a\n\xf8\xf0r a\n\xf1",
	"0\xf0b 1 a\n\xf1w 60000 b 1 a\n\xf2w 60000 b 0 a\n\xf3w 60000 b 0 a\n\xf1\xf7\xf0l\nlw\nsr a\n",
	"\xb0\xf0g a\nt a\n\xf1w 60000 g a\nk\n\xf2k 1\nk 2 2\nk 3\ng b\n",
	"\xf0\xf0b 2 a\n\xf1b 2 a\n\xf2w 60000 b 2 a\n\xf3w 60000 b 0 a\n\xf0\xf4\xf8\xf1\xf4\xf8\xf8",
}

// FuzzCore compares Core with the model, reply by reply, on several connections
// that open, close and send bytes in any pieces. It plays every schedule and also
// variants of it, since a play costs only a tenth of what the fuzzer spends on an input.
func FuzzCore(f *testing.F) {
	for _, seed := range coreSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) == 0 {
			return
		}
		draw, coded := input[0], input[1:]
		others := newVariants(draw, coded)
		for n := range playsPerInput {
			if n > 0 {
				draw, coded = others.next()
			}
			granted, err := schedule.Play(draw, coded)
			if err != nil {
				t.Fatalf("variant %d, %q in configuration %+v: %v", n, coded, schedule.Config(draw), err)
			}
			reached(f, granted)
		}
	})
}

// playsPerInput is how many schedules FuzzCore plays for one input: the schedule itself
// and its variants.
const playsPerInput = 24

// FuzzLines sends any bytes on one connection while another holds a lock, first
// at once and then byte by byte. How the bytes are split must change nothing, and the
// other connection must keep its lock (LINE-6, BAD-6).
func FuzzLines(f *testing.F) {
	for _, seed := range coreSeeds {
		f.Add([]byte(seed))
	}
	f.Add([]byte("0GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("0\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		c := schedule.Config(data[0] &^ schedule.BitFewConnections)
		whole, bytewise := judge.New(c), judge.New(c)
		for _, j := range []*judge.Judge{whole, bytewise} {
			for n := range 2 {
				j.Open(n, judge.Addr(n))
			}
			j.Send(1, []byte("g mine\n"))
		}
		whole.Send(0, data[1:])
		for i := range data[1:] {
			bytewise.Send(0, data[1+i:2+i])
			bytewise.Valid()
		}
		for _, j := range []*judge.Judge{whole, bytewise} {
			j.Valid()
			j.Send(1, []byte("i mine\nr mine\nq full\n"))
			j.CloseAll()
			if err := j.Err(); err != nil {
				t.Fatal(err)
			}
		}
		reached(f, whole.Granted())
	})
}
