package world

import (
	"testing"
)

func TestRuns(t *testing.T) {
	var coverage Coverage
	for seed := range uint64(2000) {
		o := Draw(seed)
		result, err := Run(o)
		if err != nil {
			t.Fatalf("%+v\n%v", o, err)
		}
		coverage.Add(&result.Coverage)
	}
	for f, n := range coverage {
		t.Logf("%8d %v", n, Fault(f))
	}
}

func BenchmarkWorld(b *testing.B) {
	var commands, steps, bytes int64
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
	b.ReportMetric(float64(commands)/b.Elapsed().Seconds()/1e6, "Mcommands/s")
	b.ReportMetric(float64(steps)/b.Elapsed().Seconds()/1e6, "Msteps/s")
	b.ReportMetric(float64(bytes)/b.Elapsed().Seconds()/1e6, "MB/s")
}
