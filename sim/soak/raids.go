package soak

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// kind is a kind of raid: an attack of sim/attack, but small enough to leave the server
// time for others.
type kind struct {
	name, about string
	web         bool // it needs the HTTP port
	do          func(*raid)
}

// kinds are all kinds of raids.
var kinds = []kind{
	{"garbage", "20 clients send random bytes", false, garbage},
	{"torn lines", "40 clients send 60 KB of a line and never its end", false, tornLines},
	{"huge names", "a client holds locks with names of 60 KB, and others send lines that are too long", false, hugeNames},
	{"slow readers", "20 clients ask for much and read 2 KB a second, or nothing", false, slowReaders},
	{"connections", "100 connections a second come and go", false, connections},
	{"resets", "50 connections a second take locks, and are reset before they are answered", false, resets},
	{"pipelines", "4 clients send 500 commands at once, 50 times a second", false, pipelines},
	{"dumps", "4 clients ask again and again for all tables of 10,000 locks, and one does not read", false, dumps},
	{"hoard", "a client takes 50,000 locks and leaves", false, hoard},
	{"waits", "100 clients wait for one lock, which is handed on among them; some are reset", false, waits},
	{"time-outs", "50 clients wait for a lock for some milliseconds, again and again", false, timeOuts},
	{"foreign", "50 connections a second speak HTTP or TLS, or half of it", false, foreign},
	{"torn requests", "30 clients of the HTTP port send half a request, or rubbish", true, tornRequests},
	{"scrapes", "10 clients read /metrics, 5 times a second each", true, scrapes},
	{"viewers", "12 pages are open, of which some do not read their feed", true, viewers},
	{"websockets", "20 WebSockets send commands, rubbish and large messages, and vanish", true, webSockets},
}

func garbage(r *raid) {
	r.each(20, func(c *intruder) {
		c.drain(c)
		for !r.over() {
			if _, err := c.Write(noise(c.random, 1+c.random.IntN(4096))); err != nil || !r.pause(50*time.Millisecond) {
				return
			}
		}
	})
}

func noise(random *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return data
}

func tornLines(r *raid) {
	r.each(40, func(c *intruder) { io.WriteString(c, "g "+strings.Repeat("x", 60_000)) })
}

func hugeNames(r *raid) {
	r.each(6, func(c *intruder) {
		c.drain(c)
		if c.number > 0 {
			r.again(c, 100*time.Millisecond, "g "+strings.Repeat("x", 100_000)+"\n")
			return
		}
		for n := range 200 {
			verb := []string{"g", "sg"}[n%2]
			fmt.Fprintf(c, "%s %s%d-%s\n", verb, r.name, n/2, strings.Repeat("n", 60_000))
		}
	})
}

func slowReaders(r *raid) {
	ask := strings.Repeat("i "+r.name+strings.Repeat("n", 20_000)+"\n", 20)
	r.each(20, func(c *intruder) {
		r.done.Go(func() { r.again(c, 50*time.Millisecond, ask) })
		buf := make([]byte, 200)
		for c.number%2 == 0 && r.pause(100*time.Millisecond) {
			if _, err := c.Read(buf); err != nil {
				return
			}
		}
	})
}

func connections(r *raid) {
	random := r.random(0)
	for r.pause(10 * time.Millisecond) {
		if c := r.dial(r.target.Addr); c != nil {
			if random.IntN(2) == 0 {
				io.WriteString(c, "g "+r.name+"\n")
			}
			if random.IntN(2) == 0 {
				c.Close()
			}
			r.drop(c)
		}
	}
}

func resets(r *raid) {
	random := r.random(0)
	ask := ""
	for i := range 100 {
		ask += fmt.Sprintf("g %s%d\nsg %s%d\n", r.name, i, r.name, i)
	}
	for r.pause(20 * time.Millisecond) {
		if c := r.dial(r.target.Addr); c != nil {
			io.WriteString(c, ask[:random.IntN(len(ask))])
			if random.IntN(2) == 0 {
				r.pause(time.Duration(random.IntN(5)) * time.Millisecond)
			}
			r.drop(c)
		}
	}
}

func pipelines(r *raid) {
	ask := strings.Repeat(fmt.Sprintf("g %s\ni %s\nr %s\nsg %s\nsr %s\n", r.name, r.name, r.name, r.name, r.name), 100)
	r.each(4, func(c *intruder) {
		c.drain(c)
		r.again(c, 20*time.Millisecond, ask)
	})
}

func dumps(r *raid) {
	hold := r.dial(r.target.Addr)
	if hold == nil {
		return
	}
	r.drain(hold)
	var text strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&text, "g %s%d\nsg %s%d\n", r.name, i, r.name, i)
	}
	io.WriteString(hold, text.String())
	r.each(5, func(c *intruder) {
		if c.number > 0 {
			c.drain(c)
		}
		r.again(c, 100*time.Millisecond, []string{"dump\n", "d\n", "sd\nwho\n", "q full\ndump shared\n", "l " + r.name + "\nlw\n"}[c.number])
	})
}

func hoard(r *raid) {
	r.each(1, func(c *intruder) {
		c.drain(c)
		for i := 0; i < 50_000 && !r.over(); {
			var text strings.Builder
			for range 2500 {
				fmt.Fprintf(&text, "g %s%d\n", r.name, i)
				i++
			}
			if _, err := io.WriteString(c, text.String()); err != nil || !r.pause(20*time.Millisecond) {
				return
			}
		}
		if c.random.IntN(2) == 0 {
			r.drop(c.Conn)
		}
	})
}

func waits(r *raid) {
	hold := r.dial(r.target.Addr)
	if hold == nil {
		return
	}
	r.drain(hold)
	fmt.Fprintf(hold, "g %slock\n", r.name)
	r.each(100, func(c *intruder) {
		c.drain(c)
		// Much stands behind the wait, which the server may read in part only.
		fmt.Fprintf(c, "w 600000 g %slock\nr %slock\n%s", r.name, r.name, strings.Repeat("i job\n", 3000))
		if c.number%3 == 0 {
			r.pause(time.Duration(c.random.IntN(2000)) * time.Millisecond)
			r.drop(c.Conn)
		}
	})
	r.pause(time.Second)
	fmt.Fprintf(hold, "r %slock\n", r.name)
}

func timeOuts(r *raid) {
	hold := r.dial(r.target.Addr)
	if hold == nil {
		return
	}
	r.drain(hold)
	fmt.Fprintf(hold, "g %slock\nb 1 %slock\n", r.name, r.name)
	r.each(50, func(c *intruder) {
		c.drain(c)
		r.again(c, 50*time.Millisecond, fmt.Sprintf("w %d g %slock\nw 0 b 0 %slock\nw 9 b 2 %slock\n", c.random.IntN(40), r.name, r.name, r.name))
	})
}

// clientHello is the beginning of a TLS handshake.
const clientHello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

func foreign(r *raid) {
	random := r.random(0)
	texts := []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\ng a\nr a\n",
		clientHello, clientHello[:2], "GET / HTTP/1.1\r\nHo", "\xef\xbb\xbfq\n",
	}
	for r.pause(20 * time.Millisecond) {
		if c := r.dial(r.target.Addr); c != nil {
			io.WriteString(c, texts[random.IntN(len(texts))])
			if random.IntN(3) > 0 { // the others stay
				r.drop(c)
			}
		}
	}
}
