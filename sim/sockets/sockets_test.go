package sockets

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"lockd/sim/transport"
	"lockd/sim/workload"
)

// histories is how many seeds a plain go test plays with every driver, as Local and as
// Remote.
const histories = 60

func TestHistories(t *testing.T) {
	for _, driver := range Drivers() {
		t.Run(driver.String(), func(t *testing.T) {
			t.Parallel()
			server, err := Start(driver)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(histories) {
				o := Draw(seed, driver, 0, 0)
				h, _, err := server.Run(o)
				if err == nil {
					err = h.Check()
				}
				if err != nil {
					t.Fatalf("%+v\n%v", o, err)
				}
			}
			remote, err := Connect(server.endpoint)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(histories) {
				o := Draw(seed, driver, 0, 0)
				h, _, err := remote.Run(o)
				if err == nil {
					err = h.Check()
				}
				if h.Prefix == "" || !strings.HasPrefix(h.Ops[0].Name, h.Prefix) {
					t.Fatalf("the prefix of %q is %q", h.Ops[0].Name, h.Prefix)
				}
				if err != nil {
					t.Fatalf("%+v\n%v", o, err)
				}
			}
			if err := server.Stop(); err != nil {
				t.Fatal(err)
			}
			if _, _, err := remote.Run(Draw(1, driver, 0, 0)); !errors.Is(err, ErrUnreachable) {
				t.Errorf("the server has stopped, and the error is %v", err)
			}
		})
	}
}

// sameAnswer starts a server that gives the same answer to every line.
func sameAnswer(t *testing.T, answer string) transport.Endpoint {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 1000)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					replies := strings.Repeat(answer, strings.Count(string(buf[:n]), "\n"))
					if _, err := io.WriteString(c, replies); err != nil {
						return
					}
				}
			}()
		}
	}()
	return transport.Endpoint{Transport: transport.TCP, Address: l.Addr().String()}
}

func TestNoLockServer(t *testing.T) {
	_, err := Connect(sameAnswer(t, "HTTP/1.1 400 Bad Request\r\n\r\n"))
	if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "400 Bad Request") {
		t.Errorf("a web server: %v", err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if _, err := Connect(transport.Endpoint{Transport: transport.TCP, Address: closed.Addr().String()}); !errors.Is(err, ErrUnreachable) {
		t.Errorf("no server listens: %v", err)
	}
}

// A server that grants every request is caught.
func TestSameAnswer(t *testing.T) {
	endpoint := sameAnswer(t, "1 Lock Get Success: x\n")
	remote := &Remote{endpoint: endpoint}
	o := Draw(1, Driver{transport.TCP, UnknownLoops}, 2, 1)
	_, _, err := remote.Run(o)
	if !errors.As(err, new(*workload.ProtocolError)) && !strings.Contains(err.Error(), "is answered") {
		t.Errorf("a server that gives the same answer to everything: %v", err)
	}
}
