package server

import (
	"testing"

	"lockd/wire"
)

// BenchmarkCore measures one command through Core: split, parsed, applied and
// answered. The names in use are stored before, so that nothing allocates.
func BenchmarkCore(b *testing.B) {
	for _, c := range []struct{ name, line string }{
		{"get_again", "g job\n"},
		{"get_refused", "g taken\n"},
		{"inspect", "i taken\n"},
		{"release_refused", "r taken\n"},
		{"shared_get_again", "sg pool\n"},
		{"shared_get_release", "sg full\nsr full\n"},
		{"shared_inspect", "si pool\n"},
		{"spaces", " i  taken\r\n"},
		{"unknown", "nonsense\n"},
		{"stats", "q\n"},
		{"get_release_new_name", "g new\nr new\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			core := NewCore(CoreConfig{Dialect: wire.Glockd})
			other, _ := core.Open("127.0.0.1:1")
			me, _ := core.Open("127.0.0.1:2")
			core.Receive(other, []byte("g taken\nsg pool\nsg full\n"), nil)
			core.Receive(me, []byte("g job\nsg pool\n"), nil)
			commands := 0
			for _, r := range c.line {
				if r == '\n' {
					commands++
				}
			}
			line, out := []byte(c.line), make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				core.Receive(me, line, out[:0])
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*commands), "ns/command")
		})
	}
}

// BenchmarkCorePipelined measures 16 commands that arrive together.
func BenchmarkCorePipelined(b *testing.B) {
	core := NewCore(CoreConfig{})
	me, _ := core.Open("127.0.0.1:2")
	var batch []byte
	for range 8 {
		batch = append(batch, "g a-job-of-20-letters\nsg a-pool-of-20-letters\n"...)
	}
	out := core.Receive(me, batch, make([]byte, 0, 4096)).Out
	b.ReportAllocs()
	for b.Loop() {
		core.Receive(me, batch, out[:0])
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*16), "ns/command")
}
