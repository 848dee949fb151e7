package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockd/cmd/lockcheck/load"
)

// kind is a server that Compare starts.
type kind struct {
	name    string                     // also of its protocol
	program string                     // that is looked for
	flags   func(port string) []string // to listen on 127.0.0.1
	version []string                   // flags that print the version
}

// kinds are all servers, with settings under which none keeps anything on disk, refuses
// connections, or forgets.
var kinds = []kind{
	{"lockd", "lockd", func(port string) []string {
		return []string{"-port", port, "-ws", "0", "-max-connections", "20000"}
	}, []string{"-version"}},
	{"memcached", "memcached", func(port string) []string {
		return []string{"-l", "127.0.0.1", "-p", port, "-U", "0", "-t", "1", "-m", "4096", "-c", "20000", "-u", "root"}
	}, []string{"-V"}},
	{"redis", "redis-server", func(port string) []string {
		return []string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--maxclients", "20000", "--daemonize", "no"}
	}, []string{"--version"}},
	{"dflockd", "dflockd", func(port string) []string {
		return []string{"--host", "127.0.0.1", "--port", port, "--max-locks", "5000000"}
	}, []string{"--version"}},
}

// Server is a server that is measured.
type Server struct {
	Version
	Protocol load.Protocol
	Addr     string
	process  int       // 0 if it was not started here
	cmd      *exec.Cmd // nil if it was not started here
	said     *beginning
	ended    chan struct{}
	another  func() (*Server, error) // starts one more
}

// startTime is how long a server may take until it accepts connections.
const startTime = 10 * time.Second

// start starts a program on a processor, or on any if that is below 0, and waits until it
// accepts connections.
func start(ctx context.Context, name, program string, flags func(port string) []string, processor int) (*Server, error) {
	protocol, err := load.Named(name)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	addr := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(addr)
	s := &Server{Version: Version{Name: name}, Protocol: protocol, Addr: addr, said: &beginning{}, ended: make(chan struct{})}
	s.cmd = exec.Command(program, flags(port)...)
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Dir, s.cmd.WaitDelay = s.said, s.said, os.TempDir(), time.Second
	if name == "lockd" { // its flags may be in the environment
		s.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "LOCKD_") })
	}
	if err := startOn(s.cmd, processor); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", program, err)
	}
	s.process = s.cmd.Process.Pid
	s.another = func() (*Server, error) { return start(ctx, name, program, flags, processor) }
	go func() {
		s.cmd.Wait()
		close(s.ended)
	}()
	for deadline := time.Now().Add(startTime); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			conn.Close()
			err = errors.New("somebody else has taken its port")
		}
		select {
		case <-s.ended: // whoever accepts connections is somebody else
			if conn == nil {
				err = errors.New("it has ended")
			}
		case <-ctx.Done():
			err = ctx.Err()
		default:
			if conn != nil {
				return s, nil
			}
			if time.Now().Before(deadline) {
				continue
			}
		}
		s.End()
		return nil, fmt.Errorf("%s does not accept connections: %w\n%s", program, err, s.said)
	}
}

// End ends a server that was started here, and waits for that.
func (s *Server) End() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(os.Interrupt)
	select {
	case <-s.ended:
	case <-time.After(5 * time.Second):
		s.cmd.Process.Kill()
		<-s.ended
	}
}

// beginning keeps the first bytes that a program prints.
type beginning struct{ text []byte }

func (b *beginning) Write(p []byte) (int, error) {
	b.text = append(b.text, p[:min(len(p), 4096-len(b.text))]...)
	return len(p), nil
}

func (b *beginning) String() string { return string(b.text) }

// find finds the program of a kind: lockd beside this program, or else where others are.
func (k kind) find(lockd string) (string, error) {
	if k.name == "lockd" {
		if lockd != "" {
			path, err := exec.LookPath(lockd)
			if err != nil {
				return "", err
			}
			return filepath.Abs(path) // it is started in another folder
		}
		if self, err := os.Executable(); err == nil {
			if path, err := exec.LookPath(filepath.Join(filepath.Dir(self), k.program)); err == nil {
				return path, nil
			}
		}
	}
	return exec.LookPath(k.program)
}

// versionOf returns what a program says of its version, the first line.
func versionOf(program string, flags []string) string {
	out, err := exec.Command(program, flags...).Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	words := strings.Fields(line)
	if err != nil || len(words) == 0 {
		return ""
	}
	for _, word := range words { // "redis-server v=7.0.15 sha=…", "memcached 1.6.18"
		if word = strings.TrimPrefix(word, "v="); word != "" && word[0] >= '0' && word[0] <= '9' {
			return word
		}
	}
	return strings.TrimPrefix(line, words[0]+" ") // "lockd (devel) go1.26"
}

// started starts lockd and those of the others that are installed, and the echo.
func started(ctx context.Context, c Config, processor int) (servers []*Server, notes []string, err error) {
	defer func() {
		if err != nil {
			for _, s := range servers {
				s.End()
			}
		}
	}()
	for _, k := range kinds {
		program, err := k.find(c.Lockd)
		if err != nil {
			if k.name == "lockd" {
				return servers, nil, fmt.Errorf("cannot find lockd: %w; -lockd says where it is", err)
			}
			if errors.Is(err, exec.ErrNotFound) {
				notes = append(notes, k.name+" is not installed")
				continue
			}
			return servers, nil, err
		}
		s, err := start(ctx, k.name, program, k.flags, processor)
		if err != nil {
			return servers, nil, err
		}
		s.Version.Version = versionOf(program, k.version)
		servers = append(servers, s)
	}
	s, err := start(ctx, "echo", c.Self, func(port string) []string { return []string{"echo", "-port", port} }, processor)
	if err != nil {
		return servers, nil, err
	}
	s.Version.Version = "(the requests come back)"
	return append(servers, s), notes, nil
}

// processor returns the processor time that the process of a server has taken; 0 if it was
// not started here or the system does not say.
func (s *Server) processor() (sum time.Duration) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.process))
	for _, path := range threads {
		text, _ := os.ReadFile(path) // a thread may just have ended
		ran, _, _ := strings.Cut(string(text), " ")
		n, _ := strconv.ParseInt(ran, 10, 64)
		sum += time.Duration(n)
	}
	return sum
}
