package soak

import (
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/coder/websocket"
)

// The raids on the HTTP port.

func tornRequests(r *raid) {
	texts := []string{"", "GET / HTTP/1.1\r\nHost: ", "GET /metrics HTTP/1.1\r\n", "POST /feed HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nx", clientHello, "g job\nr job\n"}
	for i := range 30 {
		if c := r.dial(r.target.Web); c != nil {
			io.WriteString(c, texts[i%len(texts)])
		}
		if !r.pause(20 * time.Millisecond) {
			return
		}
	}
}

// request sends a request on a connection of its own, which the server is to close.
func (r *raid) request(path string) net.Conn {
	c := r.dial(r.target.Web)
	if c != nil {
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, r.target.Web)
	}
	return c
}

func scrapes(r *raid) {
	for i := range 10 {
		random := r.random(i)
		r.done.Go(func() {
			for r.pause(200 * time.Millisecond) {
				if c := r.request("/metrics"); c != nil {
					io.Copy(io.Discard, io.LimitReader(c, int64(random.IntN(200_000)))) // some leave in the middle
					r.drop(c)
				}
			}
		})
	}
}

func viewers(r *raid) {
	random := r.random(0)
	for i := range 12 {
		view := []string{"locks", "waiters", "connections"}[i%3]
		query := fmt.Sprintf("view=%s&q=%s&page=%d", view, strings.Repeat("raid", random.IntN(200)), random.IntN(3))
		r.done.Go(func() {
			if c := r.request("/?" + query); c != nil {
				io.Copy(io.Discard, c)
				r.drop(c)
			}
			if c := r.request("/feed?" + query); c != nil && i%2 == 0 {
				io.Copy(io.Discard, c)
			}
		})
	}
}

func webSockets(r *raid) {
	for i := range 20 {
		m := r.webSocket()
		if m == nil {
			return
		}
		text, kind := []byte(strings.Repeat("g "+r.name+"\nr "+r.name+"\n", 100)), websocket.MessageText
		switch i % 4 {
		case 0:
			text = []byte(strings.Repeat("i "+r.name+strings.Repeat("n", 30_000)+"\n", 10))
		case 1:
			text, kind = noise(r.random(i), 2000), websocket.MessageBinary
		}
		r.done.Go(func() {
			for m.Write(r.ctx, kind, text) == nil && r.pause(50*time.Millisecond) {
			}
		})
		if i%4 != 0 { // the others do not read
			r.done.Go(func() {
				defer m.CloseNow()
				for {
					if _, _, err := m.Read(r.ctx); err != nil {
						return
					}
				}
			})
		}
	}
}
