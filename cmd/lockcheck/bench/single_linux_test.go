package bench

import (
	"strings"
	"testing"
	"time"

	"lockd/cmd/lockcheck/load"
	"lockd/server"
)

// logger calls a function for each line that is logged.
type logger func(line string)

func (l logger) Write(p []byte) (int, error) {
	l(string(p))
	return len(p), nil
}

// TestHeld checks that others hold as many locks as were asked for while loads are
// measured, and none afterwards.
func TestHeld(t *testing.T) {
	l, err := server.ListenTCP("127.0.0.1", 0, time.Minute, 0)
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Config{})
	go s.Serve(l)
	defer s.Close()
	protocol, err := load.Named("lockd")
	if err != nil {
		t.Fatal(err)
	}
	const locks = 1003
	loads := 0
	single := Single{
		Server:  Running(protocol, l.Addr().String()),
		Options: load.Options{Addr: l.Addr().String(), Names: 1, Mix: load.Mix{load.Exclusive: 1}, Duration: 300 * time.Millisecond},
		Matrix:  Matrix{Connections: []int{1, 2}, Depths: []int{1}, NameBytes: []int{15}, Rates: []float64{0}},
		Held:    locks, Rounds: 1,
		Log: logger(func(line string) {
			if !strings.Contains(line, "connection") || strings.HasPrefix(line, "other") {
				return
			}
			loads++
			// The load before may not be seen to have ended: it holds one lock for each connection.
			if _, held := s.Held(); held < locks || held > locks+2 {
				t.Errorf("%d locks are held, want %d", held, locks)
			}
		}),
	}
	report, err := single.Measure(t.Context())
	if err != nil || len(report.Cells) != 2 || loads != 2 {
		t.Errorf("%d loads, %d cells, %v", loads, len(report.Cells), err)
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) {
		if _, held := s.Held(); held == 0 {
			return
		} else if time.Since(began) > 10*time.Second {
			t.Fatalf("%d locks are held afterwards", held)
		}
	}
}
