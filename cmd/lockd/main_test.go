package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// patience is how long a script waits for something that must happen.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	flag.Set("test.parallel", "64") // most of them wait, if only for their turn
	testscript.Main(m, map[string]func(){"lockd": main})
}

// TestScripts runs the real binary. Its commands besides testscript's:
//
//	daemon NAME [flags]        start lockd and wait until it is ready; $NAME_tcp,
//	                           $NAME_port, $NAME_ws and $NAME_pid are set, and its
//	                           log is the file NAME.log
//	signal NAME TERM|INT|HUP|KILL
//	exits NAME CODE            wait for its end
//	logged NAME TEXT           wait until it has logged the text
//	fails CODE [flags]         run lockd, which must exit with that code
//	talk tcp|unix ADDR LINE... send the lines, half-close, print the replies
//	hold tcp|unix ADDR LINE    send a line, print its reply, keep the connection
//	refused tcp ADDR           connect, which must be refused
//	flood tcp|unix ADDR        send q and never read, in the background
//	drained                    wait for the end of the stream of hold
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Values[stateKey{}] = &state{daemons: map[string]*daemon{}}
			env.Defer(func() { env.Values[stateKey{}].(*state).end() })
			return nil
		},
		Condition: func(name string) (bool, error) {
			if name != "ipv6" {
				return false, fmt.Errorf("unknown condition %q", name)
			}
			l, err := net.Listen("tcp", "[::1]:0")
			if err == nil {
				l.Close()
			}
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon":  startDaemon,
			"signal":  signalDaemon,
			"exits":   awaitExit,
			"fails":   failToStart,
			"talk":    talk,
			"hold":    hold,
			"drained": drained,
			"refused": refused,
			"flood":   flood,
			"logged":  awaitLog,
		},
	})
}

type stateKey struct{}

// state is the daemons and connections of a script.
type state struct {
	daemons map[string]*daemon
	held    []net.Conn
}

func (s *state) end() {
	for _, d := range s.daemons {
		d.cmd.Process.Kill()
		<-d.exited
	}
	for _, c := range s.held {
		c.Close()
	}
}

func scriptState(ts *testscript.TestScript) *state { return ts.Value(stateKey{}).(*state) }

type daemon struct {
	cmd    *exec.Cmd
	log    *logFile
	exited chan struct{}
}

// logFile collects the log of a daemon, and signals when it is ready.
type logFile struct {
	mu    sync.Mutex
	text  bytes.Buffer
	file  *os.File
	ready chan struct{}
	once  sync.Once
}

func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(p)
	if bytes.Contains(l.text.Bytes(), []byte("lockd is ready")) {
		l.once.Do(func() { close(l.ready) })
	}
	return l.file.Write(p)
}

var addressIn = regexp.MustCompile(`"?(tcp|ws|unix)"?[=:]"?([^\s",}]+)`)

func startDaemon(ts *testscript.TestScript, _ bool, args []string) {
	name := args[0]
	file, err := os.Create(ts.MkAbs(name + ".log"))
	ts.Check(err)
	d := &daemon{
		cmd:    exec.Command("lockd", args[1:]...),
		log:    &logFile{file: file, ready: make(chan struct{})},
		exited: make(chan struct{}),
	}
	path, err := exec.LookPath("lockd")
	ts.Check(err)
	d.cmd.Path = path
	d.cmd.Dir = ts.MkAbs(".")
	for _, key := range []string{"PATH", "HOME", "LOCKD_PORT", "LOCKD_DUMP", "LOCKD_REGISTRY", "LOCKD_WS_ORIGIN"} {
		if value := ts.Getenv(key); value != "" {
			d.cmd.Env = append(d.cmd.Env, key+"="+value)
		}
	}
	d.cmd.Stderr = d.log
	ts.Check(d.cmd.Start())
	scriptState(ts).daemons[name] = d
	go func() {
		d.cmd.Wait()
		file.Close()
		close(d.exited)
	}()
	select {
	case <-d.log.ready:
	case <-d.exited:
		ts.Fatalf("%s ended: %s", name, d.log.text.String())
	case <-time.After(patience):
		ts.Fatalf("%s is not ready", name)
	}
	d.log.mu.Lock()
	defer d.log.mu.Unlock()
	for _, m := range addressIn.FindAllStringSubmatch(d.log.text.String(), -1) {
		ts.Setenv(name+"_"+m[1], m[2])
		if _, port, err := net.SplitHostPort(m[2]); err == nil && m[1] == "tcp" {
			ts.Setenv(name+"_port", port)
		}
	}
	ts.Setenv(name+"_pid", strconv.Itoa(d.cmd.Process.Pid))
}

func signalDaemon(ts *testscript.TestScript, _ bool, args []string) {
	sig := map[string]syscall.Signal{
		"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL,
	}[args[1]]
	ts.Check(scriptState(ts).daemons[args[0]].cmd.Process.Signal(sig))
}

func awaitExit(ts *testscript.TestScript, _ bool, args []string) {
	d := scriptState(ts).daemons[args[0]]
	select {
	case <-d.exited:
	case <-time.After(patience):
		ts.Fatalf("%s does not end", args[0])
	}
	if code := strconv.Itoa(d.cmd.ProcessState.ExitCode()); code != args[1] {
		ts.Fatalf("%s ended with %s: %s", args[0], code, d.log.text.String())
	}
}

func awaitLog(ts *testscript.TestScript, _ bool, args []string) {
	d := scriptState(ts).daemons[args[0]]
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		d.log.mu.Lock()
		found := strings.Contains(d.log.text.String(), args[1])
		d.log.mu.Unlock()
		if found {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s has not logged %q", args[0], args[1])
		}
	}
}

func failToStart(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec("lockd", args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("lockd ended with %v, not with exit code %s", err, args[0])
	}
	if lines := strings.Count(ts.ReadFile("stderr"), "\n"); lines != 1 {
		ts.Fatalf("it printed %d lines on standard error, not one", lines)
	}
}

func dial(ts *testscript.TestScript, args []string) net.Conn {
	network, addr := args[0], args[1]
	if network == "unix" {
		addr = ts.MkAbs(addr)
	}
	c, err := net.DialTimeout(network, addr, patience)
	ts.Check(err)
	c.SetDeadline(time.Now().Add(patience))
	return c
}

func talk(ts *testscript.TestScript, _ bool, args []string) {
	c := dial(ts, args)
	defer c.Close()
	_, err := io.WriteString(c, strings.Join(args[2:], "\n")+"\n")
	ts.Check(err)
	ts.Check(c.(interface{ CloseWrite() error }).CloseWrite())
	_, err = io.Copy(ts.Stdout(), c)
	ts.Check(err)
}

func refused(ts *testscript.TestScript, _ bool, args []string) {
	c, err := net.DialTimeout(args[0], args[1], patience)
	if err == nil {
		c.Close()
		ts.Fatalf("%s accepts connections", args[1])
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		ts.Fatalf("%s: %v", args[1], err)
	}
}

func hold(ts *testscript.TestScript, _ bool, args []string) {
	c := dial(ts, args)
	s := scriptState(ts)
	s.held = append(s.held, c)
	_, err := io.WriteString(c, args[2]+"\n")
	ts.Check(err)
	buf := make([]byte, 1000)
	n, err := c.Read(buf)
	ts.Check(err)
	ts.Stdout().Write(buf[:n])
}

func flood(ts *testscript.TestScript, _ bool, args []string) {
	c := dial(ts, args)
	s := scriptState(ts)
	s.held = append(s.held, c)
	lots := strings.Repeat("q\n", 10_000)
	blocked := make(chan struct{})
	go func() {
		for range 1000 {
			c.SetWriteDeadline(time.Now().Add(200 * time.Millisecond))
			if _, err := io.WriteString(c, lots); err != nil {
				break
			}
		}
		close(blocked)
	}()
	<-blocked
}

func drained(ts *testscript.TestScript, _ bool, _ []string) {
	s := scriptState(ts)
	for _, c := range s.held {
		rest, err := io.ReadAll(c)
		if err != nil || len(rest) > 0 {
			ts.Fatalf("the stream ended with %q, %v", rest, err)
		}
		c.Close()
	}
	s.held = nil
}

// TestScriptsExist guards against an empty folder of scripts.
func TestScriptsExist(t *testing.T) {
	files, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(files) < 6 {
		t.Fatalf("found %d scripts: %v", len(files), err)
	}
}
