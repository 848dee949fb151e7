package conformance_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"lockd/sim/conformance"
	"lockd/sim/model"
)

func after(ms int) <-chan time.Time { return time.After(time.Duration(ms) * time.Millisecond) }

var full = model.Config{Registry: true, Dump: true}

func TestLiars(t *testing.T) {
	for name, l := range map[string]liar{"honest": {config: full}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			started := time.Now()
			report := judge(t, conformance.Options{Start: l.start(t, "tcp")})
			var ids []string
			for _, r := range report.Of(conformance.Failed) {
				ids = append(ids, r.ID)
			}
			slices.Sort(ids)
			var text strings.Builder
			report.WriteText(&text, false)
			t.Log(time.Since(started), ids, text.String())
		})
	}
}
