package soak

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"lockd/sim/attack"
)

// Sample is what the process of the server has at one moment; 0 is also what is not known.
type Sample struct {
	At          time.Duration // since the first client
	Memory      float64       // bytes of the resident set
	Descriptors float64
	Goroutines  float64
	// Live is the bytes in use by Go's heap. It says something only after a collection
	// of garbage.
	Live float64
	// What the server has of its clients.
	Connections, Holders, Waiters, Pending float64
}

// meter measures a server by its metrics if it has an HTTP port, and else its process.
type meter struct {
	target   *attack.Target
	collects bool // garbage, when asked through /debug/pprof
}

// atRest returns a sample after a collection of garbage, if the server makes one when
// asked.
func (m *meter) atRest(ctx context.Context) (Sample, error) {
	if m.target.Web != "" {
		body, err := m.get(ctx, "/debug/pprof/heap?gc=1")
		if err == nil {
			_, err = io.Copy(io.Discard, body)
			body.Close()
		}
		m.collects = err == nil
	}
	s, err := m.sample(ctx)
	if !m.collects {
		s.Live = 0
	}
	return s, err
}

// sample measures. Scrapers that are too many are refused, and ask again.
func (m *meter) sample(ctx context.Context) (s Sample, err error) {
	for range 20 {
		if m.target.Web == "" {
			break
		}
		if s, err = m.scrape(ctx); err == nil || ctx.Err() != nil {
			return s, err
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.Memory = float64(attack.Memory(m.target.PID))
	s.Descriptors = float64(attack.Descriptors(m.target.PID))
	if s.Memory == 0 && err == nil {
		err = fmt.Errorf("nothing is known of process %d", m.target.PID)
	}
	return s, err
}

// scrape reads the metrics.
func (m *meter) scrape(ctx context.Context) (s Sample, err error) {
	body, err := m.get(ctx, "/metrics")
	if err != nil {
		return s, err
	}
	defer body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(body)
	if err != nil {
		return s, err
	}
	for name, to := range map[string]*float64{
		"process_resident_memory_bytes": &s.Memory, "process_open_fds": &s.Descriptors, "go_goroutines": &s.Goroutines,
		"go_memstats_heap_alloc_bytes": &s.Live, "lockd_connections": &s.Connections, "lockd_holders": &s.Holders,
		"lockd_waiters": &s.Waiters, "lockd_pending_bytes": &s.Pending,
	} {
		*to = sum(families[name])
	}
	if s.Memory == 0 { // not every system tells
		s.Memory, s.Descriptors = float64(attack.Memory(m.target.PID)), float64(attack.Descriptors(m.target.PID))
	}
	return s, nil
}

// sum adds up a gauge, over all its labels.
func sum(f *dto.MetricFamily) (total float64) {
	for _, metric := range f.GetMetric() {
		total += metric.GetGauge().GetValue()
	}
	return total
}

// get returns the body of an answer.
func (m *meter) get(ctx context.Context, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, "GET", "http://"+m.target.Web+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := httpClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("%s is answered %s", path, response.Status)
	}
	return response.Body, nil
}

// Profile writes a profile of the server to a file, if it has an HTTP port that makes
// profiles; query is what follows /debug/pprof/.
func Profile(t *attack.Target, query, path string) error {
	body, err := (&meter{target: t}).get(context.Background(), "/debug/pprof/"+query)
	if err != nil {
		return err
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
