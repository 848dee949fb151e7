package load

import (
	"math"
	"strings"
	"testing"
	"time"
)

// TestParseMix reads mixes.
func TestParseMix(t *testing.T) {
	mix, err := ParseMix("exclusive:8,shared,inspect:2")
	if err != nil || len(mix) != 3 || mix[Exclusive] != 8 || mix[Shared] != 1 || mix[Inspect] != 2 {
		t.Errorf("got %v, %v", mix, err)
	}
	for _, text := range []string{"", "exclusive:0", "exclusive:x", "release", "exclusive,", "exclusive:1001", "wait:-1"} {
		if _, err := ParseMix(text); err == nil || !strings.Contains(err.Error(), "want exclusive, wait, shared or inspect") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// TestCheck checks what is refused before anything is sent.
func TestCheck(t *testing.T) {
	good := Options{Addr: "x", Connections: 1, Depth: 1, Names: 1, Mix: Mix{Exclusive: 1}, Duration: time.Second}
	for _, c := range []struct {
		change func(*Options)
		want   string // "" is good
	}{
		{func(*Options) {}, ""},
		{func(o *Options) { o.Connections = 0 }, "connections: want 1 to 20000, got 0"},
		{func(o *Options) { o.Depth = 1001 }, "depth: want 1 to 1000, got 1001"},
		{func(o *Options) { o.Names = 0 }, "names: want 1"},
		{func(o *Options) { o.NameBytes = 1001 }, "name bytes: want 0 to 1000"},
		{func(o *Options) { o.Contention = 1.5 }, "a share from 0 to 1, got 1.5"},
		{func(o *Options) { o.Rate = -1 }, "a rate is 0"},
		{func(o *Options) { o.Rate = math.NaN() }, "a rate is 0"},
		{func(o *Options) { o.Rate = 1e-10 }, "a rate is 0"},
		{func(o *Options) { o.Contention = math.NaN() }, "a share from 0 to 1"},
		{func(o *Options) { o.Warmup = -1 }, "want a warm-up of 0 to an hour"},
		{func(o *Options) { o.Duration = 0 }, "want a duration above 0"},
		{func(o *Options) { o.Mix = nil }, "the mix is empty"},
		{func(o *Options) { o.Connections, o.Names, o.NameBytes = 20_000, 100_000, 1000 }, "MiB, more than 1024"},
	} {
		o := good
		c.change(&o)
		err := o.Check(protocols[0])
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	p, err := Named("memcached")
	if err != nil {
		t.Fatal(err)
	}
	good.Mix = Mix{Wait: 1}
	if err := good.Check(p); err == nil || err.Error() != `memcached has no command "wait"; change the mix` {
		t.Errorf("got %v", err)
	}
	if _, err := Named("etcd"); err == nil || !strings.Contains(err.Error(), "lockd, memcached, redis, dflockd, echo") {
		t.Errorf("got %v", err)
	}
}

// TestWork checks that the same seed gives the same requests, whole batches, and names of
// the length that was asked for.
func TestWork(t *testing.T) {
	o := Options{Depth: 5, Names: 12, NameBytes: 30, Mix: Mix{Exclusive: 2, Inspect: 1}, Contention: 0.5, Seed: 7}
	a, b := newWork(protocols[0], o, "p", 3), newWork(protocols[0], o, "p", 3)
	other := newWork(protocols[0], o, "p", 4)
	differs := false
	for i := range a.batches {
		if string(a.batches[i]) != string(b.batches[i]) {
			t.Errorf("batch %d is another the second time", i)
		}
		differs = differs || string(a.batches[i]) != string(other.batches[i])
		lines := strings.Split(strings.TrimSuffix(string(a.batches[i]), "\n"), "\n")
		if len(lines) != o.Depth {
			t.Errorf("batch %d has %d commands", i, len(lines))
		}
		for _, line := range lines {
			if len(line) != len("g ")+o.NameBytes {
				t.Errorf("%q has not a name of %d bytes", line, o.NameBytes)
			}
		}
	}
	if !differs {
		t.Error("all connections send the same")
	}
}
