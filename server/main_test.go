package server

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "24") // what is parallel waits, also on few processors
	goleak.VerifyTestMain(m)
}
