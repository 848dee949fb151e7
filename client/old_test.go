package client

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
)

// old is a server as those of 2013: it executes the first line of what arrives together
// and loses the rest, is silent about what it does not know, and ends some of its lines
// in CR LF. It says in no way where a list ends.
type old struct {
	addr   string
	silent bool // about iam

	mu     sync.Mutex
	locks  map[string]net.Conn
	shared map[string][]net.Conn
	names  map[net.Conn]string
	asked  map[string]int // commands
	open   int
}

func startOld(t testing.TB) *old {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	o := &old{
		addr: l.Addr().String(), locks: map[string]net.Conn{}, shared: map[string][]net.Conn{},
		names: map[net.Conn]string{}, asked: map[string]int{},
	}
	var wait sync.WaitGroup
	var conns []net.Conn
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.mu.Lock()
			conns = append(conns, c)
			o.mu.Unlock()
			wait.Go(func() { o.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		o.mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		o.mu.Unlock()
		wait.Wait()
	})
	return o
}

func (o *old) serve(c net.Conn) {
	o.mu.Lock()
	o.open++
	o.mu.Unlock()
	buf := make([]byte, 128<<10)
	for have := 0; ; {
		n, err := c.Read(buf[have:])
		if err != nil {
			break
		}
		if have += n; bytes.IndexByte(buf[:have], '\n') < 0 {
			continue
		}
		line, _, _ := strings.Cut(string(buf[:have]), "\n")
		have = 0
		word, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		c.Write([]byte(o.execute(c, word, name)))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open--
	delete(o.names, c)
	for name, holder := range o.locks {
		if holder == c {
			delete(o.locks, name)
		}
	}
	for name := range o.shared {
		o.leave(c, name)
	}
	c.Close()
}

// leave takes a shared lock away.
func (o *old) leave(c net.Conn, name string) bool {
	i := slices.Index(o.shared[name], c)
	if i >= 0 {
		o.shared[name] = slices.Delete(o.shared[name], i, i+1)
	}
	return i >= 0
}

func (o *old) execute(c net.Conn, word, name string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[word]++
	shown := func(c net.Conn) string {
		if name := o.names[c]; name != "" {
			return name
		}
		return c.RemoteAddr().String()
	}
	switch word {
	case "g":
		if holder := o.locks[name]; holder != nil && holder != c {
			return "0 Lock Get Failure: " + name + "\r\n"
		}
		o.locks[name] = c
		return "1 Lock Get Success: " + name + "\r\n"
	case "r":
		if o.locks[name] != c {
			return "0 Lock Release Failure: " + name + "\n"
		}
		delete(o.locks, name)
		return "1 Lock Release Success: " + name + "\n"
	case "i":
		if o.locks[name] == nil {
			return "0 Lock Not Locked: " + name + "\r\n"
		}
		return "1 Lock Is Locked: " + name + "\r\n"
	case "sg":
		if !slices.Contains(o.shared[name], c) {
			o.shared[name] = append(o.shared[name], c)
		}
		return fmt.Sprintf("%d Shared Lock Get Success: %s\r\n", len(o.shared[name]), name)
	case "sr":
		if !o.leave(c, name) {
			return "0 Shared Lock Release Failure: " + name + "\r\n"
		}
		return "1 Shared Lock Release Success: " + name + "\r\n"
	case "si":
		if n := len(o.shared[name]); n > 0 {
			return fmt.Sprintf("%d Shared Lock Is Locked: %s\r\n", n, name)
		}
		return "0 Shared Lock Not Locked: " + name + "\r\n"
	case "iam":
		if o.silent {
			return ""
		}
		o.names[c] = name
		return "1 ok\n"
	case "d":
		var lines string
		for name, holder := range o.locks {
			lines += name + ": " + shown(holder) + "\n"
		}
		return lines
	case "sd":
		var lines string
		for name, holders := range o.shared {
			for _, holder := range holders {
				lines += name + ": " + shown(holder) + "\n"
			}
		}
		return lines
	case "who":
		var lines string
		for c, name := range o.names {
			lines += c.RemoteAddr().String() + ": " + name + "\n"
		}
		return lines
	case "q":
		return fmt.Sprintf("command_g: %d\nconnections: %d\ninvalid_commands: 0\nlocks: %d\norphans: 7\nshared_locks: %d\nshared_orphans: 2\n",
			o.asked["g"], o.open, len(o.locks), len(o.shared))
	}
	return ""
}
