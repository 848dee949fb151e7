package schedule

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The encoding does not change: the corpora depend on it.
func TestSteps(t *testing.T) {
	var got []Step
	for s := range Steps([]byte("\xf0g a\n\xf6\xf9i a\xf5\xf4\xf3\xef\xf7\xf8")) {
		got = append(got, s)
	}
	want := []Step{
		{What: SelectFirst}, {Data: []byte("g a\n")}, {What: EndPacket}, {Data: []byte("\xf9i a")},
		{What: EndMessage}, {What: CloseConn}, {What: SelectLast}, {Data: []byte("\xef")}, {What: EndStream}, {What: PassTime},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (- want, + got):\n%s", diff)
	}
}

func TestPlay(t *testing.T) {
	for coded, want := range map[string]bool{"": false, "g a\n": true, "i a\n": false, "\xf4g a\n": false, "g a\xf5": true, "\xf4\xf1g a\n": true} {
		if granted, err := Play('0', []byte(coded)); err != nil || granted != want {
			t.Errorf("%q: granted %v, want %v; %v", coded, granted, want, err)
		}
	}
}
