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
	Stop      func(context.Context) error // ends it in order, and waits for it; see End
	Exited    <-chan struct{}             // closed when it has ended, for whatever reason; nil if nobody can tell
	Output    func() string               // the last of what it wrote; may be nil

	once sync.Once
}

// stopTime is how long a server may take to end in order.
const stopTime = 5 * time.Second

// End calls Stop, once, and waits for the end, however many call it.
func (i *Instance) End(ctx context.Context) {
	i.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		i.Stop(ctx)
	})
}

// HasExited says whether the server has ended within some time. On no instance it is
// false.
func (i *Instance) HasExited(within time.Duration) bool {
	if i == nil || i.Exited == nil {
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

// LastWords are what the server wrote at its end, or last, if anything is known of that.
func (i *Instance) LastWords() string {
	if i == nil || i.Output == nil {
		return ""
	}
	return lastWords(i.Output())
}
