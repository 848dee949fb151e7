package property

import (
	"bytes"
	"testing"

	"lockd/server/core"
	"lockd/sim/judge"
	"lockd/wire"
)

// corpus covers the grammar: every command with and without a name, white space
// wherever it may stand, bytes of every kind, lines at the limit, nonsense.
var corpus = []string{
	"g\n", "g a\n", "r a\n", "i a\n", "sg a\n", "sr a\n", "si a\n", "q\n", "q full\n", "q x\n",
	"d\n", "d a\n", "sd\n", "sd a\n", "dump\n", "dump shared\n", "me\n", "iam a b\n", "iam\n", "who\n", "who a b\n",
	" g a\n", "g  a\n", "g a \n", "\tg\t\ta\v\fb\r\n", "g a\r\n", "g a\r\r\n", "g\ra\n", "\r\n", " \t \n", "\n",
	"g \x00\n", "g \xff\xfe\n", "g \u00a0a\u00a0\n", "\x00g a\n", "g:a\n",
	"g 123456789012345678\n", "g 1234567890123456789\n", "g 12345678901234567890123\n", "g 1234567890123456 \r\n",
	"G a\n", "nonsense\n", "gg a\n", "GET / HTTP/1.1\r\n", "\x16\x03\x01\x02\n",
}

// TestEverySplit sends every line of the corpus, between two others, cut at
// every pair of places: the replies are those of the whole (LINE-6, BAD-3).
func TestEverySplit(t *testing.T) {
	for _, dialect := range []wire.Dialect{wire.Glockd, wire.Classic} {
		config := core.Config{Dialect: dialect, Registry: true, Dump: true, AnswerInvalid: true, MaxLine: 20}
		for _, line := range corpus {
			data := []byte("g a\n" + line + "i a\nq\n")
			whole := judge.New(config)
			whole.Open(0, judge.Addr(0))
			want := bytes.Clone(whole.Send(0, data))
			if err := whole.Err(); err != nil {
				t.Fatal(err)
			}
			for first := range data {
				for second := first; second < len(data); second++ {
					j := judge.New(config)
					j.Open(0, judge.Addr(0))
					var got []byte
					for _, piece := range [][]byte{data[:first], data[first:second], data[second:]} {
						got = append(got, j.Send(0, piece)...)
						j.Valid()
					}
					if err := j.Err(); err != nil {
						t.Fatalf("%q cut at %d and %d: %v", data, first, second, err)
					}
					if !bytes.Equal(got, want) {
						t.Fatalf("%q cut at %d and %d is answered %q, want %q", data, first, second, got, want)
					}
				}
			}
		}
	}
}
