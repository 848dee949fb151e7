package conformance

import (
	"time"

	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/script"
	"lockd/sim/transport"
)

// settle waits until what ended cases held is released, so that figures and tables do
// not change, and returns how many names are still held; -1 if the server does not
// answer statistics.
func (s *suite) settle(on transport.Endpoint) int {
	r := s.newRun(&script.Case{ID: "settle"}, on)
	defer r.Leave()
	c, err := r.Open("settle", on)
	if err != nil {
		return -1
	}
	var last *engine.Statistics
	deadline := time.Now().Add(min(s.opts.Timeout, time.Second))
	for {
		now, err := r.Statistics(c)
		if err != nil {
			return -1
		}
		still := last != nil && now.Held() == last.Held() && now.Connections() == last.Connections()
		if now.Held() == 0 && now.Connections() == 1 || still || time.Now().After(deadline) {
			return now.Held()
		}
		last = now
		time.Sleep(20 * time.Millisecond)
	}
}
