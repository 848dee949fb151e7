package soak

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lockd/sim/campaign"
	"lockd/sim/transport"
)

// sound is a report in which every bound is just kept.
func sound() *Report {
	r := &Report{options: Options{WarmUp: time.Minute, Bounds: Bounds{P99: 10 * time.Millisecond, Longest: time.Second, Percent: 50, Memory: 10 * mib, Descriptors: 10, Goroutines: 20}}}
	r.Samples = append(r.Samples, Sample{At: 59 * time.Second, Memory: 1000 * mib, Descriptors: 1000, Goroutines: 1000})
	for i := range 40 {
		s := Sample{At: time.Minute + time.Duration(i)*time.Second, Memory: 20 * mib, Descriptors: 20, Goroutines: 40}
		if i >= 30 {
			s.Memory, s.Descriptors, s.Goroutines = 40*mib, 40, 80
		}
		if i%10 == 0 { // a median does not see that
			s.Memory = 500 * mib
		}
		r.Samples = append(r.Samples, s)
	}
	r.First = Sample{Descriptors: 10, Goroutines: 10, Live: 2 * mib, Connections: 3, Holders: 4, Waiters: 5, Pending: 6}
	r.Last = r.First
	r.Last.Descriptors, r.Last.Goroutines, r.Last.Live = 14, 18, 34*mib
	for _, t := range []*Times{&r.Waits.Answers, &r.Waits.Grants, &r.Waits.Lists} {
		for range 990 {
			t.add(9 * time.Millisecond)
		}
		for range 5 {
			t.add(990 * time.Millisecond)
		}
	}
	r.progress(transport.Endpoint{}, campaign.Report{Work: campaign.Work{Histories: 7}})
	return r
}

// TestJudge checks every bound.
func TestJudge(t *testing.T) {
	last := func(change func(*Sample)) func(*Report) {
		return func(r *Report) {
			for i := range r.Samples[31:] {
				change(&r.Samples[31+i])
			}
		}
	}
	for _, c := range []struct {
		want   string
		change func(*Report)
	}{
		{"", func(*Report) {}},
		{"a lie", func(r *Report) { r.Wrong = []error{errors.New("a lie")} }},
		{"99% of answers took up to", func(r *Report) { add(&r.Waits.Answers, 20, 11*time.Millisecond) }},
		{"99% of grants took up to", func(r *Report) { add(&r.Waits.Grants, 20, 11*time.Millisecond) }},
		{"one of the answers took 1100.", func(r *Report) { add(&r.Waits.Answers, 1, 1100*time.Millisecond) }},
		{"one of the grants took 1100.", func(r *Report) { add(&r.Waits.Grants, 1, 1100*time.Millisecond) }},
		{"", func(r *Report) { add(&r.Waits.Lists, 1, time.Minute) }},
		{"memory grew: 20.0, then 41.0 of at most 40.0 MiB", last(func(s *Sample) { s.Memory += mib })},
		{"descriptors grew: 20.0, then 41.0 of at most 40.0", last(func(s *Sample) { s.Descriptors++ })},
		{"goroutines grew: 40.0, then 81.0 of at most 80.0", last(func(s *Sample) { s.Goroutines++ })},
		{"connections did not come back when all clients had left: 3.0, then 4.0", func(r *Report) { r.Last.Connections++ }},
		{"holders of locks did not come back", func(r *Report) { r.Last.Holders++ }},
		{"waiters did not come back", func(r *Report) { r.Last.Waiters++ }},
		{"pending bytes did not come back", func(r *Report) { r.Last.Pending++ }},
		{"open descriptors did not come back", func(r *Report) { r.Last.Descriptors++ }},
		{"running goroutines did not come back", func(r *Report) { r.Last.Goroutines++ }},
		{"live memory did not come back", func(r *Report) { r.Last.Live += mib }},
		{"", func(r *Report) { r.Last.Live, r.Interrupted = 1000*mib, true }},
	} {
		r := sound()
		c.change(r)
		r.judge()
		if got := strings.Join(r.Broken, "; "); !strings.HasPrefix(got, c.want) || (got == "") != (c.want == "") || len(r.Broken) > 1 {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func add(t *Times, n int, d time.Duration) {
	for range n {
		t.add(d)
	}
}

// TestUnfit checks that a soak that has seen too little is no proof.
func TestUnfit(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(*Report)
	}{
		{"", func(*Report) {}},
		{"11 samples after the warm-up are not enough", func(r *Report) { r.Samples = r.Samples[:12] }},
		{"0 samples after the warm-up", func(r *Report) { r.options.WarmUp = time.Hour }},
		{"the memory of the server cannot be measured", func(r *Report) {
			for i := range r.Samples {
				r.Samples[i].Memory = 0
			}
		}},
		{"steady clients have not done everything", func(r *Report) { r.Waits.Lists = Times{} }},
		{"no history was played", func(r *Report) { r.crowds = nil }},
		{"2 raids of the kind dumps have made no connection: refused", func(r *Report) {
			r.Raids = map[string]*Tally{}
			r.count("dumps", &Tally{Failed: errors.New("refused")})
			r.count("dumps", &Tally{})
		}},
		{"", func(r *Report) {
			r.Raids = map[string]*Tally{}
			r.count("dumps", &Tally{Failed: errors.New("refused")})
			r.count("dumps", &Tally{Connections: 1})
		}},
	} {
		r := sound()
		c.change(r)
		err := r.Unfit()
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
