package soak

import (
	"fmt"
	"slices"
	"time"
)

const mib = 1 << 20

// Bounds are what a server must keep to.
type Bounds struct {
	P99     time.Duration // of 99% of the answers that need not wait, and of grants
	Longest time.Duration // of all of them
	// What the process has in the last quarter after the warm-up may be this percentage
	// of that in the second quarter, and Memory bytes, Descriptors and Goroutines more.
	Percent                         float64
	Memory, Descriptors, Goroutines float64
}

// DefaultBounds are wide enough for a busy machine.
var DefaultBounds = Bounds{P99: 250 * time.Millisecond, Longest: 5 * time.Second, Percent: 25, Memory: 64 * mib, Descriptors: 100, Goroutines: 200}

// What the process may have more, after all clients have left, than before they came. Not
// all tables of a server shrink, and what it has used once it may keep.
const (
	leftLive        = 32 * mib
	leftDescriptors = 4
	leftGoroutines  = 8
)

// minSamples is how many samples after the warm-up are enough to compare quarters.
const minSamples = 12

// comparison is one figure at two times.
type comparison struct {
	name          string
	before, after float64
	most          float64 // that it may be after
	unit          string
	scale         float64 // of the unit
}

func (c comparison) String() string {
	return fmt.Sprintf("%.1f, then %.1f of at most %.1f%s", c.before/c.scale, c.after/c.scale, c.most/c.scale, c.unit)
}

// judge fills in what is broken.
func (r *Report) judge() {
	say := func(format string, args ...any) { r.Broken = append(r.Broken, fmt.Sprintf(format, args...)) }
	for _, err := range r.Wrong {
		say("%v", err)
	}
	b := r.options.Bounds
	for _, t := range []struct {
		what string
		of   *Times
	}{{"answers", &r.Waits.Answers}, {"grants", &r.Waits.Grants}} {
		if p99 := t.of.Percentile(99); p99 > b.P99 {
			say("99%% of %s took up to %s, at most %s are allowed", t.what, ms(p99), ms(b.P99))
		}
		if most := t.of.Percentile(100); most > b.Longest {
			say("one of the %s took %s, at most %s are allowed", t.what, ms(most), ms(b.Longest))
		}
	}
	if len(r.Wrong) > 0 || r.Interrupted {
		return
	}
	for _, c := range r.growth() {
		if c.after > c.most {
			say("%s grew: %v", c.name, c)
		}
	}
	for _, c := range r.left() {
		say("%s did not come back when all clients had left: %v", c.name, c)
	}
}

// Unfit says why a soak without anything broken proves nothing, or is nil.
func (r *Report) Unfit() error {
	if n := len(r.counted()); n < minSamples {
		return fmt.Errorf("%d samples after the warm-up are not enough to see what grows, want %d (%d were missed); let it last longer", n, minSamples, r.Missed)
	}
	if median(r.counted(), func(s Sample) float64 { return s.Memory }) == 0 {
		return fmt.Errorf("the memory of the server cannot be measured on this system")
	}
	for _, times := range []*Times{&r.Waits.Answers, &r.Waits.Grants, &r.Waits.Lists} {
		if times.Count() == 0 {
			return fmt.Errorf("steady clients have not done everything; let it last longer")
		}
	}
	if r.Histories() == 0 {
		return fmt.Errorf("no history was played; let it last longer")
	}
	for _, k := range kinds {
		if t := r.Raids[k.name]; t != nil && t.Connections == 0 {
			return fmt.Errorf("%d raids of the kind %s have made no connection: %w", t.Raids, k.name, t.Failed)
		}
	}
	return nil
}

// counted returns the samples after the warm-up.
func (r *Report) counted() []Sample {
	at := slices.IndexFunc(r.Samples, func(s Sample) bool { return s.At >= r.options.WarmUp })
	if at < 0 {
		return nil
	}
	return r.Samples[at:]
}

// growth compares the second quarter of the samples with the last.
func (r *Report) growth() []comparison {
	all := r.counted()
	if len(all) < minSamples {
		return nil
	}
	second, last := all[len(all)/4:len(all)/2], all[len(all)*3/4:]
	b := r.options.Bounds
	compare := func(name string, of func(Sample) float64, more float64, unit string, scale float64) comparison {
		before := median(second, of)
		return comparison{name, before, median(last, of), before*(1+b.Percent/100) + more, unit, scale}
	}
	return []comparison{
		compare("memory", func(s Sample) float64 { return s.Memory }, b.Memory, " MiB", mib),
		compare("descriptors", func(s Sample) float64 { return s.Descriptors }, b.Descriptors, "", 1),
		compare("goroutines", func(s Sample) float64 { return s.Goroutines }, b.Goroutines, "", 1),
	}
}

func median(all []Sample, of func(Sample) float64) float64 {
	var values []float64
	for _, s := range all {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// ends compares the server before the first client with the server after the last.
func (r *Report) ends() []comparison {
	compare := func(name string, of func(Sample) float64, more float64, unit string, scale float64) comparison {
		return comparison{name, of(r.First), of(r.Last), of(r.First) + more, unit, scale}
	}
	return []comparison{
		compare("connections", func(s Sample) float64 { return s.Connections }, 0, "", 1),
		compare("holders of locks", func(s Sample) float64 { return s.Holders }, 0, "", 1),
		compare("waiters", func(s Sample) float64 { return s.Waiters }, 0, "", 1),
		compare("pending bytes", func(s Sample) float64 { return s.Pending }, 0, "", 1),
		compare("open descriptors", func(s Sample) float64 { return s.Descriptors }, leftDescriptors, "", 1),
		compare("running goroutines", func(s Sample) float64 { return s.Goroutines }, leftGoroutines, "", 1),
		compare("live memory", func(s Sample) float64 { return s.Live }, leftLive, " MiB", mib),
	}
}

// left returns what has not come back.
func (r *Report) left() []comparison {
	return slices.DeleteFunc(r.ends(), func(c comparison) bool { return c.after <= c.most })
}
