package process

import (
	"context"
	"sync"
	"time"

	"lockd/sim/transport"
)

// Instance is a server that was started for the suite.
type Instance struct {
	Endpoints []transport.Endpoint
	Stop      func(context.Context) error // stops it gracefully, and waits for its end; see End
	Exited    <-chan struct{}             // closed when it has ended, for any reason; nil if that is unknown
	Output    func() string               // the end of its output; may be nil

	once sync.Once
}

// stopTime is how long a server may take to stop gracefully.
const stopTime = 5 * time.Second

// End calls Stop, once, and waits for it to return. It may be called concurrently.
func (i *Instance) End(ctx context.Context) {
	i.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		i.Stop(ctx)
	})
}

// HasExited reports whether the server ends within a time. It returns false for a nil
// Instance.
func (i *Instance) HasExited(within time.Duration) bool {
	if i == nil {
		return false
	}
	select {
	case <-i.Exited:
		return true
	default:
	}
	select {
	case <-i.Exited:
		return true
	case <-time.After(within):
		return false
	}
}

// LastWords returns the part of the server's output that explains a crash, or its last
// lines; empty if its output is not known.
func (i *Instance) LastWords() string {
	if i == nil || i.Output == nil {
		return ""
	}
	return lastWords(i.Output())
}
