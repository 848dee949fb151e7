package server_test

import (
	"crypto/tls"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"lockd/server"
	"lockd/sim/tlstest"
)

// BenchmarkTLS compares commands over TCP with commands over TLS, from 16 clients that send
// some at a time. The clients take their part of the processors.
func BenchmarkTLS(b *testing.B) {
	const clients = 16
	ca := tlstest.NewAuthority(b)
	own := &tls.Config{Certificates: []tls.Certificate{ca.Issue(24*time.Hour, "127.0.0.1")}}
	config := features()
	if server.LoopsSupported {
		config.Loops = 1
	}
	for _, depth := range []int{1, 16, 64} {
		for _, over := range []string{"tcp", "tls"} {
			b.Run(over+"/depth="+strconv.Itoa(depth), func(b *testing.B) {
				s := server.New(config)
				defer s.Close()
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					b.Fatal(err)
				}
				if over == "tls" {
					go s.ServeTLS(l, own)
				} else {
					go s.Serve(l)
				}
				batch := []byte(strings.Repeat("i a-name-of-15b\n", depth))
				want := len("0 Lock Not Locked: a-name-of-15b\n") * depth
				var running sync.WaitGroup
				for range clients {
					c, err := net.Dial("tcp", l.Addr().String())
					if err == nil && over == "tls" {
						c = tls.Client(c, &tls.Config{RootCAs: ca.Pool(), ServerName: "127.0.0.1"})
						err = c.(*tls.Conn).Handshake()
					}
					if err != nil {
						b.Fatal(err)
					}
					defer c.Close()
					running.Go(func() {
						answer := make([]byte, want)
						for range b.N/depth/clients + 1 {
							c.Write(batch)
							if _, err := io.ReadFull(c, answer); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				running.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
			})
		}
	}
}
