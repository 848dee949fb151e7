package conformance_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/conformance"
	"lockd/sim/conformance/process"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
	"lockd/sim/transport"
	"lockd/wire"
)

// startOwn returns a function for Options.Start that runs our own server in this process.
func startOwn(t *testing.T, config server.Config, transports ...string) func(context.Context) (*process.Instance, error) {
	dir, err := os.MkdirTemp("", "c") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return func(context.Context) (*process.Instance, error) {
		s := server.New(config)
		instance := &process.Instance{Stop: s.Shutdown, Exited: make(chan struct{})}
		for _, name := range transports {
			network, address := "tcp", "127.0.0.1:0"
			if name == "unix" {
				network, address = "unix", filepath.Join(dir, "s")
			}
			l, err := net.Listen(network, address)
			if err != nil {
				return nil, err
			}
			on := transport.Endpoint{Transport: name, Address: l.Addr().String()}
			if name == "ws" {
				on.Address = "ws://" + on.Address + "/"
				go s.ServeWebSocket(l)
			} else {
				go s.Serve(l)
			}
			instance.Endpoints = append(instance.Endpoints, on)
		}
		return instance, nil
	}
}

// judge runs the suite up to the strict level, or a higher one, and returns the report.
func judge(t *testing.T, opts conformance.Options) *report.Report {
	t.Helper()
	opts.Level = max(opts.Level, protocol.Strict)
	found, err := conformance.Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func mustConform(t *testing.T, opts conformance.Options) {
	t.Helper()
	started := time.Now()
	found := judge(t, opts)
	var text strings.Builder
	found.WriteText(&text, false)
	if !found.Conforms() {
		t.Fatalf("%s", text.String())
	}
	t.Logf("%v: %s", time.Since(started), found.Verdict())
	for _, r := range found.Results {
		if r.Duration > 300*time.Millisecond {
			t.Log("slow:", r.ID, r.On.Transport, r.Duration)
		}
	}
}

// drivers returns the numbers of loops with which our server is tested; 0 is goroutines.
func drivers() []int {
	if server.LoopsSupported {
		return []int{0, 1}
	}
	return []int{0}
}

func TestOwnServerConforms(t *testing.T) {
	const everywhere = "glockd" // only with -exhaustive are the others tested on goroutines as well
	for name, config := range map[string]core.Config{
		"glockd":          {Registry: true, Dump: true, Kill: true},
		"glockd bare":     {AnswerInvalid: true},
		"glockd registry": {Registry: true, MaxLine: 1000},
		"glockd dump":     {Dump: true},
		"classic":         {Dialect: wire.Classic, Dump: true},
		"classic bare":    {Dialect: wire.Classic, AnswerInvalid: true},
		"glockd limited":  {Registry: true, Dump: true, Kill: true, MaxConnections: 40, MaxLocks: 100},
		"classic limited": {Dialect: wire.Classic, Dump: true, MaxConnections: 40, MaxLocks: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transports := []string{"tcp"}
			if config.Dump && (config.MaxLocks == 0 && config.Registry || config.Dialect == wire.Classic) {
				transports = append(transports, "unix", "ws")
			}
			for _, loops := range drivers() {
				if loops == 0 && server.LoopsSupported && !*exhaustive && name != everywhere {
					continue
				}
				t.Run(fmt.Sprintf("loops=%d", loops), func(t *testing.T) {
					mustConform(t, conformance.Options{
						Start:          startOwn(t, server.Config{Core: config, Loops: loops}, transports...),
						Timeout:        10 * time.Second, // other tests may be busy
						Level:          protocol.Extended,
						MaxLine:        config.MaxLine,
						MaxConnections: config.MaxConnections,
						MaxLocks:       config.MaxLocks,
					})
				})
			}
		})
	}
}
