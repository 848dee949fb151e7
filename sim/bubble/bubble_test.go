package bubble

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// histories is how many seeds a plain go test plays.
const histories = 500

func TestHistories(t *testing.T) {
	for seed := range uint64(histories) {
		o := Draw(seed)
		outcome, err := Run(o)
		if err == nil {
			err = outcome.History.Check()
		}
		if err != nil {
			t.Fatalf("%+v\n%v", o, err)
		}
	}
}

// The seed decides everything, including the order of the goroutines.
func TestSameSeedSameHistory(t *testing.T) {
	play := func(o Options) string {
		outcome, err := Run(o)
		if err != nil {
			t.Fatalf("%+v\n%v", o, err)
		}
		text, err := json.MarshalIndent(outcome, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for seed := range uint64(200) {
		o := Draw(1_000_000 + seed)
		if diff := cmp.Diff(play(o), play(o)); diff != "" {
			t.Errorf("two runs of %+v differ:\n%s", o, diff)
		}
	}
}
