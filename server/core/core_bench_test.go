package core

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"lockd/wire"
)

// BenchmarkCore measures one command through Core: split, parsed, applied and
// answered. The names in use are stored before, so nothing allocates.
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
			core := New(Config{Dialect: wire.Glockd})
			var fx Effects
			other, _ := core.Open(0, Peer{Addr: "127.0.0.1:1"}, &fx)
			me, _ := core.Open(0, Peer{Addr: "127.0.0.1:2"}, &fx)
			core.Receive(0, other, []byte("g taken\nsg pool\nsg full\n"), &fx)
			core.Receive(0, me, []byte("g job\nsg pool\n"), &fx)
			benchmark(b, core, me, c.line)
		})
	}
}

// BenchmarkCorePipelined measures 16 commands that arrive together.
func BenchmarkCorePipelined(b *testing.B) {
	core := New(Config{})
	me, _ := core.Open(0, Peer{Addr: "127.0.0.1:2"}, new(Effects))
	benchmark(b, core, me, strings.Repeat("g a-job-of-20-letters\nsg a-pool-of-20-letters\n", 8))
}

// BenchmarkCoreNew measures 16 commands that arrive together and acquire and release
// names that no connection holds.
func BenchmarkCoreNew(b *testing.B) {
	core := New(Config{})
	var me ID
	for range 50 {
		me, _ = core.Open(0, Peer{Addr: "127.0.0.1:2"}, new(Effects))
	}
	lines := ""
	for i := range 8 {
		name := fmt.Sprintf("a-job-of-20-letter-%d\n", i)
		lines += "g " + name + "r " + name
	}
	benchmark(b, core, me, lines)
}

// BenchmarkCoreMany measures one command at a time of many connections in turn.
func BenchmarkCoreMany(b *testing.B) {
	for _, conns := range []int{50, 1000, 10_000} {
		b.Run(strconv.Itoa(conns), func(b *testing.B) {
			core := New(Config{})
			ids, lines := make([]ID, conns), make([][2][]byte, conns)
			var fx Effects
			for i := range ids {
				ids[i], _ = core.Open(0, Peer{Addr: "127.0.0.1:2"}, &fx)
				for at, command := range []string{"g", "r"} {
					lines[i][at] = fmt.Appendf(nil, "%s job-%d\n", command, i)
				}
			}
			b.ReportAllocs()
			i, at := 0, 0
			for b.Loop() {
				fx.Reset()
				core.Receive(0, ids[i], lines[i][at], &fx)
				if i++; i == conns {
					i, at = 0, 1-at
				}
			}
		})
	}
}

func benchmark(b *testing.B, core *Core, me ID, lines string) {
	commands := strings.Count(lines, "\n")
	data := []byte(lines)
	var fx Effects
	core.Receive(0, me, data, &fx)
	b.ReportAllocs()
	for b.Loop() {
		fx.Reset()
		core.Receive(0, me, data, &fx)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*commands), "ns/command")
}
