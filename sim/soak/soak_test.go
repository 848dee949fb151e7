package soak

import (
	"testing"
)

// histories is how many seeds plain go test plays over every transport.
const histories = 100

func TestHistories(t *testing.T) {
	for _, transport := range []string{TCP, Unix, WebSocket} {
		t.Run(transport, func(t *testing.T) {
			coverage := map[string]int64{}
			server, err := Start(transport)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(histories) {
				o := Draw(seed, transport, 0, 0)
				h, covered, err := server.Run(o)
				if err == nil {
					err = h.Check()
				}
				if err != nil {
					t.Fatalf("%+v\n%v", o, err)
				}
				for what, n := range covered {
					coverage[what] += n
				}
			}
			t.Log(coverage)
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
