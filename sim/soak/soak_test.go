package soak

import (
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"lockd/sim/attack"
)

// wide are bounds for tests on any machine.
var wide = Bounds{P99: time.Hour, Longest: time.Hour, Percent: 1000, Memory: 500 * mib, Descriptors: 1000, Goroutines: 1000}

func options(b Bounds) Options {
	return Options{Seed: 1, Duration: 3 * time.Second, Sample: 50 * time.Millisecond, Pause: time.Minute, Steady: 4, Hostile: 3, Bounds: b}
}

// TestSound soaks a server without a defect.
func TestSound(t *testing.T) {
	t.Parallel()
	r, err := Run(t.Context(), start(t, "none"), options(wide))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Broken) > 0 {
		t.Errorf("%q\n%v", r.Broken, r)
	}
	if err := r.Unfit(); err != nil {
		t.Error(err)
	}
	if raids, connections := r.raids(); raids < 3 || connections < 3 || r.Waits.Checker.Count() == 0 || r.Last.Live == 0 {
		t.Errorf("%d raids, %d connections, %+v", raids, connections, r.Last)
	}
}

// TestDefects checks what a soak says of servers with defects.
func TestDefects(t *testing.T) {
	t.Parallel()
	tight := wide
	tight.P99, tight.Longest = 20*time.Millisecond, 40*time.Millisecond
	leak := Bounds{P99: time.Hour, Longest: time.Hour, Percent: 5, Memory: mib, Descriptors: 5, Goroutines: 5}
	for _, c := range []struct {
		defect string
		bounds Bounds
		want   []string
	}{
		{"slow", tight, []string{"99% of answers took up to ", "one of the answers took "}},
		{"leak", leak, []string{
			"memory grew: ", "descriptors grew: ", "goroutines grew: ",
			"open descriptors did not come back", "running goroutines did not come back", "live memory did not come back",
		}},
		{"lie to steady clients", wide, []string{`steady client 0 over tcp: "g steady-`}},
		{"lie to clients that contend", wide, []string{"contending clients over tcp: "}},
		{"crash", wide, []string{"steady client "}},
	} {
		t.Run(c.defect, func(t *testing.T) {
			t.Parallel()
			o := options(c.bounds)
			o.Pause = 100 * time.Millisecond
			o.Steady = 1 // over TCP
			if c.defect == "leak" {
				o.Duration = 4 * time.Second
			}
			r, err := Run(t.Context(), start(t, c.defect), o)
			if err != nil {
				t.Fatal(err)
			}
			all := strings.Join(r.Broken, "\n")
			for _, want := range c.want {
				if !strings.Contains(all, want) {
					t.Errorf("nothing is said of %q:\n%s\n%v", want, all, r)
				}
			}
			if wrong := strings.Contains(c.defect, "contend"); wrong != (len(r.Crowd) > 0) {
				t.Errorf("%d histories are wrong", len(r.Crowd))
			}
		})
	}
}

// TestNoServer checks that a soak does not begin without a server that it can measure.
func TestNoServer(t *testing.T) {
	t.Parallel()
	target := start(t, "none")
	for _, c := range []struct {
		target attack.Target
		want   string
	}{
		{attack.Target{Addr: target.Addr}, "the server cannot be measured: nothing is known of process 0"},
		{attack.Target{Addr: "127.0.0.1:1", Web: target.Web}, "no server answers at 127.0.0.1:1"},
		{attack.Target{Addr: target.Web, Web: target.Web}, "honest clients need the extended level"},
	} {
		if _, err := Run(t.Context(), &c.target, options(wide)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.target, err, c.want)
		}
	}
}

// TestRaids makes every raid for a moment: each reaches the server, and ends.
func TestRaids(t *testing.T) {
	t.Parallel()
	target := start(t, "none")
	var all sync.WaitGroup
	for i := range kinds {
		all.Go(func() {
			r := newRaid(t.Context(), plan{&kinds[i], time.Second, 7}, target)
			kinds[i].do(r)
			r.end()
			if r.tally.Connections == 0 || r.tally.Failed != nil {
				t.Errorf("%s: %+v", kinds[i].name, r.tally)
			}
		})
	}
	all.Wait()
}

// TestPlans checks that the seed decides about raids, and that all are made.
func TestPlans(t *testing.T) {
	draw := func(seed uint64, number int, web bool) (all []plan) {
		next := plans(seed, number, web)
		for range 3 * len(kinds) {
			all = append(all, next())
		}
		return all
	}
	if !reflect.DeepEqual(draw(1, 2, true), draw(1, 2, true)) {
		t.Error("one seed has two lists of raids")
	}
	if reflect.DeepEqual(draw(1, 2, true), draw(2, 2, true)) || reflect.DeepEqual(draw(1, 2, true), draw(1, 3, true)) {
		t.Error("two seeds, or clients, have one list of raids")
	}
	made := map[string]int{}
	for _, p := range draw(1, 2, true) {
		made[p.kind.name]++
	}
	for _, k := range kinds {
		if made[k.name] != 3 {
			t.Errorf("%d of 3 lists have %s", made[k.name], k.name)
		}
	}
	for _, p := range draw(1, 2, false) {
		if p.kind.web {
			t.Errorf("%s is made without an HTTP port", p.kind.name)
		}
	}
}
