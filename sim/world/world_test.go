package world

import (
	"runtime/debug"
	"testing"
)

func TestRuns(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		o := Draw(seed)
		if _, err := Run(o); err != nil {
			t.Fatalf("%+v\n%v", o, err)
		}
	}
}

// Recorded runs are linearizable.
func TestRecordedRuns(t *testing.T) {
	r := newRandom(1, 1)
	for seed := range uint64(300) {
		o := Draw(seed)
		o.record(&r)
		result, err := Run(o)
		if err != nil {
			t.Fatalf("%+v\n%v", o, err)
		}
		if len(result.History.Ops) < 10 {
			t.Errorf("seed %d recorded only %d operations", seed, len(result.History.Ops))
		}
	}
}

// BenchmarkWorld plays worlds as lockcheck sim does.
func BenchmarkWorld(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(500))
	var commands, steps, bytes int64
	before := processorTime()
	for seed := range uint64(b.N) {
		o := Draw(seed)
		result, err := Run(o)
		if err != nil {
			b.Fatalf("%+v\n%v", o, err)
		}
		commands += result.Commands
		steps += result.Steps
		bytes += result.Bytes
	}
	// Processor time, of all threads: on a busy machine the clock tells little.
	seconds := (processorTime() - before).Seconds()
	b.ReportMetric(float64(commands)/seconds/1e6, "Mcommands/cpu-s")
	b.ReportMetric(float64(steps)/seconds/1e6, "Mevents/cpu-s")
	b.ReportMetric(float64(bytes)/seconds/1e6, "Mbytes/cpu-s")
}
