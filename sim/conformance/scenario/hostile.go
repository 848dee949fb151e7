package scenario

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/report"
)

// garbage sends input that is not the lockd protocol, and checks after each that another
// connection is still served.
func garbage(r *engine.Run) error {
	b, err := r.Conn("b")
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 64<<10)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for i, input := range [][]byte{
		noise,
		[]byte("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n"),
		{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03}, // TLS
		[]byte(strings.Repeat("\x00", 10000)),
		[]byte(strings.Repeat("\n", 10000)),
		[]byte(strings.Repeat("%s%n", 1000) + "\n"),
		[]byte(strings.Repeat("a ", 20000)),
		[]byte("g"), []byte("s"), []byte("\r"), []byte(" "),
	} {
		name := fmt.Sprintf("noise%d", i+1)
		c, err := r.Conn(name)
		if err != nil {
			return err
		}
		c.Send(input, client.Packet) // the server may close at any time
		if i%2 == 0 {
			c.Reset()
		} else {
			c.Close()
		}
		if err := r.WantInt(b, "g "+r.Name(name), 1); err != nil {
			return err
		}
	}
	return nil
}

// comeAndGo opens and closes many connections, some in the middle of a line.
func comeAndGo(r *engine.Run) error {
	b, err := r.Conn("b")
	if err != nil {
		return err
	}
	const many = 100
	err = engine.Each(4, func(i int) error {
		for n := range many / 4 {
			c, err := r.Conn(fmt.Sprintf("c%dx%d", i+1, n+1))
			if err != nil {
				return err
			}
			if err := r.WantInt(c, "g "+r.Name(c.Name), 1); err != nil {
				return err
			}
			if n%2 == 0 {
				c.Reset()
			} else if err := r.Send(c, "i "); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.WantInt(b, "g "+r.Name("x"), 1)
}

// slowReader sends commands whose replies fill all buffers and reads none of the replies.
// The server must serve another connection meanwhile.
func slowReader(r *engine.Run) error {
	raw, err := client.DialRaw(r.Ctx, r.On, r.Subject.Timeout)
	if err != nil {
		return report.Failf(err.Error(), "a connection to %s", r.On)
	}
	r.Log.Note("a", "connects, sends commands for some MiB of replies, and reads none")
	defer raw.Reset()
	flood := []byte(strings.Repeat("i "+r.Name("flood")+strings.Repeat("x", 200)+"\n", 200))
	sent := make(chan struct{})
	var progress atomic.Int64
	go func() {
		defer close(sent)
		for range 1000 { // 45 MiB, more than kernels buffer, or until the server stops reading
			if raw.Write(flood, client.Packet) != nil {
				return
			}
			progress.Add(1)
		}
	}()
	for before := int64(-1); progress.Load() != before; time.Sleep(150 * time.Millisecond) {
		before = progress.Load()
	}
	b, err := r.Conn("b")
	if err != nil {
		return err
	}
	for range 20 {
		if err := r.WantInt(b, "g "+r.Name("other"), 1); err != nil {
			return err
		}
		if err := r.WantInt(b, "r "+r.Name("other"), 1); err != nil {
			return err
		}
	}
	raw.Reset()
	<-sent
	return nil
}
