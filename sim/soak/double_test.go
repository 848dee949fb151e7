package soak

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lockd/server"
	"lockd/server/core"
	"lockd/server/web"
	"lockd/sim/attack"
)

// doubleFlag is the last flag that makes this program a server: a real one, with the defect
// that follows. It is no variable of the environment, which tests at the same time share.
const doubleFlag = "-soak-double="

// TestMain is the server if start starts this program for that.
func TestMain(m *testing.M) {
	if defect, is := strings.CutPrefix(os.Args[len(os.Args)-1], doubleFlag); is {
		double(defect)
		return
	}
	goleak.VerifyTestMain(m)
}

// start starts a server with a defect, or none if that is "none".
func start(t *testing.T, defect string) *attack.Target {
	t.Helper()
	target, err := attack.Start(t.Context(), os.Args[0], 1, doubleFlag+defect)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { target.Stop() })
	return target
}

// double serves until a signal.
func double(defect string) {
	config := server.Config{Core: core.Config{Dump: true, Registry: true}, WriteTimeout: 30 * time.Second}
	if defect == "slow" {
		config.Mutex = new(slowMutex)
	}
	s := server.New(config)
	w := web.New(web.Options{Server: s, Lists: true, Profiles: true})
	s.Handle(w)
	var listeners []net.Listener
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		listeners = append(listeners, l)
	}
	go s.Serve(defective{listeners[0], defect})
	go s.ServeWebSocket(listeners[1])
	if defect == "crash" {
		time.AfterFunc(time.Second, func() { os.Exit(3) })
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	fmt.Fprintf(os.Stderr, "lockd is ready: tcp=%s ws=%s\n", listeners[0].Addr(), listeners[1].Addr())
	select {
	case <-stop:
	case <-time.After(5 * time.Minute):
	}
	s.Close()
	w.Close()
}

// slowMutex is slow from time to time.
type slowMutex struct {
	sync.Mutex
	calls int
}

func (m *slowMutex) Lock() {
	m.Mutex.Lock()
	if m.calls++; m.calls%20 == 0 {
		time.Sleep(50 * time.Millisecond)
	}
}

// defective makes connections that have a defect.
type defective struct {
	net.Listener
	defect string
}

var (
	kept   [][]byte
	opened []*os.File
)

func (l defective) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	switch l.defect {
	case "leak":
		kept = append(kept, bytes.Repeat([]byte{1}, 1<<20))
		if file, err := os.Open(os.DevNull); err == nil {
			opened = append(opened, file)
		}
		go func() { select {} }()
	case "lie to steady clients":
		return liar{c.(*net.TCPConn), " steady-"}, nil
	case "lie to clients that contend":
		return liar{c.(*net.TCPConn), " lockcheck-"}, nil
	}
	return c, nil
}

// liar says yes for no to gets of a lock whose name contains a text.
type liar struct {
	*net.TCPConn
	name string
}

func (l liar) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(l.name)) {
		p = bytes.ReplaceAll(p, []byte("0 Lock Get Failure"), []byte("1 Lock Get Success"))
	}
	return l.TCPConn.Write(p)
}
