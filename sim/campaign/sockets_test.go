package campaign

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockd/sim/history"
	"lockd/sim/sockets"
	"lockd/sim/transport"
)

// The driver of a seed does not depend on the worker, nor on what was played before.
func TestDriverFollowsSeed(t *testing.T) {
	player, err := Sockets(2, 1).Open(2)
	if err != nil {
		t.Fatal(err)
	}
	defer player.Close()
	drivers := map[string]bool{}
	for seed := range uint64(len(sockets.Drivers())) {
		want := sockets.DriverOf(seed).String()
		drivers[want] = true
		for _, worker := range []int{0, 1, 0} {
			_, coverage, err := player.Play(worker, seed)
			if err != nil {
				t.Fatal(err)
			}
			if coverage[want] != 1 {
				t.Errorf("seed %d on worker %d was not played with driver %s: %v", seed, worker, want, coverage)
			}
		}
	}
	if len(drivers) != len(sockets.Drivers()) {
		t.Errorf("seeds use %d drivers of %d", len(drivers), len(sockets.Drivers()))
	}
}

// stuck is a server whose runs pass and that cannot be stopped.
type stuck struct{ stopped *int }

func (stuck) Run(o sockets.Options) (*history.History, map[string]int64, error) {
	return &history.History{}, nil, nil
}

func (s stuck) Stop() error { *s.stopped++; return errors.New("a lock is left") }

// If a server cannot be stopped, in the middle of a campaign or at its end, the failure
// has the seed of its last run.
func TestStopFails(t *testing.T) {
	drivers := uint64(len(sockets.Drivers()))
	for _, runs := range []uint64{3, runsPerServer, runsPerServer + 1} {
		stopped := 0
		p := &socketPlayer{servers: []map[sockets.Driver]*socketServer{{sockets.DriverOf(5): {local: stuck{&stopped}}}}}
		layer := Layer{Name: "sockets", Open: func(int) (Player, error) { return p, nil }}
		var err error
		for run := range runs {
			if _, _, err = p.Play(0, 5+run*drivers); err != nil {
				break
			}
		}
		if (err != nil) != (runs > runsPerServer) {
			t.Fatalf("%d runs: %v", runs, err)
		}
		if err == nil {
			err = p.Close()
		}
		var failure *Failure
		want := 5 + (min(runs, runsPerServer)-1)*drivers
		if !errors.As(err, &failure) || failure.Seed != want || stopped != 1 {
			t.Fatalf("%d runs: stopped %d times, %+v, want seed %d", runs, stopped, err, want)
		}
		dir, _, err := WriteEvidence(t.TempDir(), Report{Layer: layer.Name, Failure: failure})
		if err != nil {
			t.Fatal(err)
		}
		var options sockets.Options
		text, err := os.ReadFile(filepath.Join(dir, "options.json"))
		if err != nil || json.Unmarshal(text, &options) != nil || options.Driver != sockets.DriverOf(5) || options.Crowd.Seed != want {
			t.Errorf("the options are %s, %v", text, err)
		}
	}
}

// The parameters of a layer are written with a failure, and give the same layer when
// they are read.
func TestGiven(t *testing.T) {
	for _, c := range []struct {
		layer   Layer
		command string
	}{
		{World(), "sim -layer world"},
		{Sockets(0, 0), "sim -layer sockets"},
		{Sockets(3, 2), "soak -clients 3 -names 2"},
		{Remote(transport.Endpoint{Transport: transport.Unix, Address: "/run/it's here"}, 0, 2), `soak -addr 'unix:/run/it'\''s here' -names 2`},
	} {
		r := Report{Layer: c.layer.Name, Given: c.layer.Given, Failure: &Failure{Seed: 7, Err: errors.New("wrong")}}
		want := "go run ./cmd/lockcheck " + c.command + " -seed 7 -runs 1"
		if r.Replay() != want {
			t.Errorf("the command is %s, want %s", r.Replay(), want)
		}
		dir, _, err := WriteEvidence(t.TempDir(), r)
		if err != nil {
			t.Fatal(err)
		}
		saved, err := ReadSaved(dir)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := saved.summary.layer(); err != nil || again.Name != r.Layer || again.Given != r.Given || saved.summary.Replay != want {
			t.Errorf("read back as %+v, %v, want %+v", saved.summary, err, r)
		}
		text, err := os.ReadFile(filepath.Join(dir, "summary.txt"))
		if err != nil || !strings.Contains(string(text), "replay: "+want+"\n") {
			t.Errorf("the summary is %s, %v", text, err)
		}
	}
}

// A campaign uses all drivers.
func TestAllDrivers(t *testing.T) {
	report, err := Run(context.Background(), Sockets(2, 1), Config{Seed: 3, Runs: int64(len(sockets.Drivers())), Workers: 2})
	if err != nil || report.Failure != nil {
		t.Fatal(err, report.Failure)
	}
	for _, driver := range sockets.Drivers() {
		if report.Coverage[driver.String()] != 1 {
			t.Errorf("%v was played %d times: %v", driver, report.Coverage[driver.String()], report.Coverage)
		}
	}
}
