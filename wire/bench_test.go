package wire

import "testing"

// BenchmarkRequest measures splitting and parsing one line.
func BenchmarkRequest(b *testing.B) {
	for name, line := range map[string]string{
		"plain":  "g a-job-of-20-letters\n",
		"crlf":   "g a-job-of-20-letters\r\n",
		"spaces": "g  a-job of 20  letters\n",
	} {
		b.Run(name, func(b *testing.B) {
			var s Splitter
			var p Parser
			data := []byte(line)
			b.ReportAllocs()
			for b.Loop() {
				line, _, _ := s.Next(data)
				if p.Parse(line).Command != Get {
					b.Fatal("not parsed")
				}
			}
		})
	}
}

// BenchmarkReply measures writing one reply.
func BenchmarkReply(b *testing.B) {
	name := []byte("a-job-of-20-letters")
	buf := make([]byte, 0, 128)
	for _, d := range []Dialect{Glockd, Classic} {
		b.Run(d.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.AppendLock(buf, Get, 1, name)
			}
		})
	}
}
