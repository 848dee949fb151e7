package conformance

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// startTime is how long a server may take to listen. It may have to be compiled first.
const startTime = 30 * time.Second

// restart ends the server that runs, if any, and starts another.
func (s *suite) restart() error {
	if s.opts.Start == nil {
		return nil
	}
	s.stop()
	instance, err := s.opts.Start(s.ctx)
	if err != nil {
		return err
	}
	s.instance = instance
	s.server.Endpoints = instance.Endpoints
	s.server.Stop = instance.End
	for _, on := range instance.Endpoints {
		if err := s.await(on); err != nil {
			return err
		}
	}
	return nil
}

// await waits until a server that was just started accepts connections.
func (s *suite) await(on transport.Endpoint) error {
	deadline := time.Now().Add(startTime)
	for {
		raw, err := client.DialOnce(s.ctx, on, s.opts.Timeout)
		if err == nil {
			client.New("await", on, raw, transcript.New(), s.opts.Timeout).Leave()
			return nil
		}
		if errors.As(err, new(*transport.HTTPError)) {
			return &ErrUnreachable{on, err}
		}
		if s.instance.HasExited(20 * time.Millisecond) {
			err := errors.New("the server ended right after its start")
			if s.instance.Output != nil {
				err = fmt.Errorf("%w; its output:\n%s", err, strings.TrimSuffix(s.instance.Output(), "\n"))
			}
			return &ErrUnreachable{on, err}
		}
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if time.Now().After(deadline) {
			return &ErrUnreachable{on, fmt.Errorf("it does not listen %v after its start: %w", startTime, err)}
		}
	}
}

// stop ends the server that the suite started, if any, and waits for it.
func (s *suite) stop() {
	if s.instance != nil {
		s.instance.End(s.ctx)
		s.instance = nil
	}
}
