package conformance_test

import (
	"context"
	"fmt"
	"net"

	"lockd/server"
	"lockd/server/core"
	"lockd/sim/conformance"
	"lockd/sim/conformance/protocol"
	"lockd/sim/transport"
)

// Test a server in this process with some cases of the suite.
func ExampleRun() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := server.New(server.Config{Core: core.Config{Registry: true, Dump: true}})
	go s.Serve(l)
	defer s.Close()

	found, err := conformance.Run(context.Background(), conformance.Options{
		Endpoints: []transport.Endpoint{{Transport: "tcp", Address: l.Addr().String()}},
		Level:     protocol.Family,
		Run:       []string{"get-*", "release-*"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.Verdict())
	fmt.Println(found.Conforms())
	// Output:
	// core: conforms; family: conforms
	// true
}
