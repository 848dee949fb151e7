package web_test

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"lockd/server/web"
)

// scrape reads /metrics with the parser of Prometheus.
func (s *site) scrape() map[string]*dto.MetricFamily {
	s.t.Helper()
	status, text := s.get("/metrics")
	if status != 200 {
		s.t.Fatalf("status %d: %s", status, text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	return families
}

// values returns the values of a family by the values of its labels; of a histogram, the
// number and the sum.
func values(f *dto.MetricFamily) map[string]float64 {
	all := map[string]float64{}
	for _, m := range f.GetMetric() {
		var labels []string
		for _, l := range m.GetLabel() {
			labels = append(labels, l.GetValue())
		}
		key := strings.Join(labels, " ")
		if h := m.GetHistogram(); h != nil {
			all[key+" count"], all[key+" sum"] = float64(h.GetSampleCount()), h.GetSampleSum()
			continue
		}
		all[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return all
}

// TestMetrics compares metrics with what clients have done.
func TestMetrics(t *testing.T) {
	s := start(t, all(), web.Options{Version: "1.2.3"})
	a, b := s.dial(), s.dial()
	a.ask("g x", "g y", "sg s", "b 2 t", "r y", "i x", "i z")
	b.ask("g x", "sg s", "w 1 g x")
	c := s.dial()
	s.wait(c, "g x", 1)
	waiter := s.dial()
	s.wait(waiter, "b 1 t", 2)
	c.Conn.(*net.TCPConn).SetLinger(0) // a reset
	c.Close()
	s.until("the end of the connection", func() bool { return s.server.Measures().Exclusive.Waiters == 0 })
	fmt.Fprintf(b, "no command\n%s\n", strings.Repeat("x", 70_000))
	b.ask("i z")
	gone := s.dial()
	gone.ask("g orphan")
	gone.Close()
	s.until("the orphan", func() bool { return s.server.Measures().Exclusive.Orphans == 1 })

	found := s.scrape()
	for family, want := range map[string]map[string]float64{
		"lockd_connections":                {"tcp": 3},
		"lockd_connections_accepted_total": {"tcp": 5},
		"lockd_names":                      {"exclusive": 1, "shared": 2},
		"lockd_holders":                    {"exclusive": 1, "shared": 3},
		"lockd_grants_total":               {"exclusive": 3, "shared": 3},
		"lockd_orphans_total":              {"exclusive": 1},
		"lockd_waiters":                    {"exclusive": 0, "shared": 1},
		"lockd_queues":                     {"": 1},
		"lockd_commands_total": {
			"g granted": 3, "g refused": 1, "sg granted": 2, "b granted": 1, "r released": 1, "i held": 1, "i free": 2,
			"w timed_out": 1, "w disconnected": 1,
		},
		"lockd_invalid_commands_total": {"": 1},
		"lockd_long_lines_total":       {"": 1},
		"lockd_queue_length":           {" count": 3, " sum": 3},
		"lockd_accept_errors_total":    {"": 0},
	} {
		got := values(found[family])
		for labels, value := range want {
			if got[labels] != value {
				t.Errorf("%s{%s} is %v, want %v", family, labels, got[labels], value)
			}
		}
		for labels, value := range got { // what is not named is 0
			if _, named := want[labels]; !named && value != 0 {
				t.Errorf("%s{%s} is %v, want 0", family, labels, value)
			}
		}
	}
	for family, least := range map[string]float64{"lockd_received_bytes_total": 70_000, "lockd_sent_bytes_total": 300, "go_goroutines": 1, "process_open_fds": 3} {
		if got := values(found[family])[""]; got < least {
			t.Errorf("%s is %v, want at least %v", family, got, least)
		}
	}
	if got := values(found["lockd_build_info"]); len(got) != 1 || !strings.Contains(fmt.Sprint(got), "1.2.3") {
		t.Errorf("lockd_build_info is %v", got)
	}
	if w := values(found["lockd_wait_seconds"]); w["timed_out count"] != 1 || w["timed_out sum"] < 0.001 || w["disconnected count"] != 1 {
		t.Errorf("lockd_wait_seconds is %v", w)
	}
}

// TestMetricsLint checks the habits of Prometheus, and that clients choose no label.
func TestMetricsLint(t *testing.T) {
	s := start(t, all(), web.Options{})
	h := s.dial()
	fmt.Fprintln(h, "client-chosen")
	h.ask("iam client-chosen", "g client-chosen", "sg client-chosen")
	_, text := s.get("/metrics")
	mustNotContain(t, text, "client-chosen")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "lockd_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	series := 0
	for _, f := range s.scrape() {
		series += len(f.GetMetric())
	}
	if series > 300 {
		t.Errorf("%d series", series)
	}
}

// TestMetricsOfTime checks that batches and turns are measured, and that the buckets of
// histograms grow.
func TestMetricsOfTime(t *testing.T) {
	s := start(t, all(), web.Options{})
	h := s.dial()
	for range 200 {
		h.ask("i x")
	}
	found := s.scrape()
	families := []string{"lockd_batch_seconds"}
	if loops() > 0 {
		families = append(families, "lockd_loop_delay_seconds")
	}
	for _, family := range families {
		v := values(found[family])
		if n := v[" count"]; n < 10 || n > 200 || v[" sum"] <= 0 {
			t.Errorf("%s is %v", family, v)
		}
		buckets := found[family].GetMetric()[0].GetHistogram().GetBucket()
		if !slices.IsSortedFunc(buckets, func(a, b *dto.Bucket) int { return int(a.GetCumulativeCount()) - int(b.GetCumulativeCount()) }) {
			t.Errorf("buckets of %s: %v", family, buckets)
		}
	}
	if t.Failed() {
		t.Log(slices.Sorted(maps.Keys(found)))
	}
}

// stuck is an answer whose client does not read.
type stuck struct {
	*httptest.ResponseRecorder
	writing chan<- struct{}
	over    <-chan struct{}
}

// Write implements http.ResponseWriter.
func (s stuck) Write(p []byte) (int, error) {
	s.writing <- struct{}{}
	<-s.over
	return len(p), nil
}

// TestSlowScrapes checks that clients that do not read their metrics keep nobody from
// getting some.
func TestSlowScrapes(t *testing.T) {
	s := start(t, all(), web.Options{})
	writing, over := make(chan struct{}), make(chan struct{})
	defer close(over)
	for range 20 {
		go s.web.ServeHTTP(stuck{httptest.NewRecorder(), writing, over}, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		<-writing
	}
	s.scrape()
}
