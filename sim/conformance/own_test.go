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
	"lockd/wire"
)

// startOwn returns a Start that serves our own server in this process.
func startOwn(t *testing.T, config server.Config, transports ...string) func(context.Context) (*conformance.Instance, error) {
	dir, err := os.MkdirTemp("", "c") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return func(context.Context) (*conformance.Instance, error) {
		s := server.New(config)
		instance := &conformance.Instance{Stop: s.Shutdown, Exited: make(chan struct{})}
		for _, transport := range transports {
			network, address := "tcp", "127.0.0.1:0"
			if transport == "unix" {
				network, address = "unix", filepath.Join(dir, "s")
			}
			l, err := net.Listen(network, address)
			if err != nil {
				return nil, err
			}
			on := conformance.Endpoint{Transport: transport, Address: l.Addr().String()}
			if transport == "ws" {
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

// judge runs the suite and returns the report.
func judge(t *testing.T, opts conformance.Options) *conformance.Report {
	t.Helper()
	opts.Level = conformance.Strict
	report, err := conformance.Run(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func mustConform(t *testing.T, opts conformance.Options) {
	t.Helper()
	started := time.Now()
	report := judge(t, opts)
	var text strings.Builder
	report.WriteText(&text, false)
	if !report.Conforms() {
		t.Fatalf("%s", text.String())
	}
	t.Logf("%v: %s", time.Since(started), report.Verdict())
	for _, r := range report.Results {
		if r.Duration > 300*time.Millisecond {
			t.Log("slow:", r.ID, r.On.Transport, r.Duration)
		}
	}
}

// drivers are the numbers of loops that our server is tested with; 0 is goroutines.
func drivers() []int {
	if server.LoopsSupported {
		return []int{0, 1}
	}
	return []int{0}
}

func TestOwnServerConforms(t *testing.T) {
	for name, config := range map[string]core.Config{
		"glockd":          {Registry: true, Dump: true},
		"glockd bare":     {AnswerInvalid: true},
		"glockd registry": {Registry: true, MaxLine: 1000},
		"glockd dump":     {Dump: true},
		"classic":         {Dialect: wire.Classic, Dump: true},
		"classic bare":    {Dialect: wire.Classic, AnswerInvalid: true},
		"glockd limited":  {Registry: true, Dump: true, MaxConnections: 40, MaxLocks: 100},
		"classic limited": {Dialect: wire.Classic, Dump: true, MaxConnections: 40, MaxLocks: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transports := []string{"tcp"}
			if config.Dump && (config.MaxLocks == 0 && config.Registry || config.Dialect == wire.Classic) {
				transports = append(transports, "unix", "ws")
			}
			for _, loops := range drivers() {
				t.Run(fmt.Sprintf("loops=%d", loops), func(t *testing.T) {
					mustConform(t, conformance.Options{
						Start:          startOwn(t, server.Config{Core: config, Loops: loops}, transports...),
						Timeout:        10 * time.Second, // other tests may be busy
						MaxLine:        config.MaxLine,
						MaxConnections: config.MaxConnections,
						MaxLocks:       config.MaxLocks,
					})
				})
			}
		})
	}
}
