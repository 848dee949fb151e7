package web

import (
	"bytes"
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"lockd/server"
	"lockd/server/core"
	"lockd/server/life"
	"lockd/wire"
)

// metrics returns the handler of /metrics. No label has a value that a client chooses.
func (w *Web) metrics() http.Handler {
	r := prometheus.NewRegistry()
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "lockd_build_info", Help: "The version of lockd and of Go, as labels; always 1.",
		ConstLabels: prometheus.Labels{"version": w.options.Version, "goversion": runtime.Version(), "revision": revision()},
	})
	info.Set(1)
	r.MustRegister(
		info, measured{w.options.Server},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	r.MustRegister(w.options.Metrics...)
	return whole(promhttp.HandlerFor(r, promhttp.HandlerOpts{MaxRequestsInFlight: mostScrapes}))
}

// whole returns a handler that sends an answer when it is complete: who reads it slowly does
// not take the place of others meanwhile.
func whole(h http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		a := answer{ResponseWriter: rw, status: http.StatusOK}
		h.ServeHTTP(&a, r)
		rw.WriteHeader(a.status)
		rw.Write(a.body.Bytes())
	})
}

// answer keeps an answer.
type answer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// mostScrapes is how many scrapes are answered at a time.
const mostScrapes = 8

// revision returns the commit that the program was built from, "" if it is not known.
func revision() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value
		}
	}
	return ""
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("lockd_"+name, help, labels, nil)
}

var (
	connections  = describe("connections", "Open connections.", "transport")
	accepted     = describe("connections_accepted_total", "Connections that were admitted.", "transport")
	refused      = describe("connections_refused_total", "Connections that were refused, since there were too many.", "transport")
	ended        = describe("connections_ended_total", "Connections that have ended, by how: the client finished, the connection failed, the client timed out, or the server dropped it.", "end")
	notAccepted  = describe("accept_errors_total", "Failed attempts to accept a connection, for lack of file descriptors for example.")
	unsecured    = describe("tls_handshake_errors_total", "Handshakes of TLS that failed.")
	names        = describe("names", "Names that are held.", "table")
	holders      = describe("holders", "Holders of all names: as many as names for exclusive locks.", "table")
	grants       = describe("grants_total", "Locks that were granted, at once or after a wait.", "table")
	orphans      = describe("orphans_total", "Locks that were released by the end of their holder's connection.", "table")
	commands     = describe("commands_total", "Commands by outcome; one that waits is counted when its wait ends.", "command", "outcome")
	invalid      = describe("invalid_commands_total", "Lines that were no command.")
	long         = describe("long_lines_total", "Lines over the limit of -max-line.")
	foreign      = describe("foreign_connections_total", "Connections that spoke HTTP or TLS to a port of the protocol.")
	waiters      = describe("waiters", "Connections that wait for a lock.", "table")
	queues       = describe("queues", "Locks that somebody waits for.")
	places       = describe("queue_length", "Length of the queue when a wait began, the new waiter included.")
	waits        = describe("wait_seconds", "Time waited for a lock, by how the wait ended.", "outcome")
	received     = describe("received_bytes_total", "Bytes of commands, without the frames of WebSockets and TLS.")
	sent         = describe("sent_bytes_total", "Bytes of answers, without the frames of WebSockets and TLS.")
	pending      = describe("pending_bytes", "Bytes that wait for clients: answers that they have not taken, and input that is not executed.")
	batches      = describe("batch_seconds", "Time that the lock table was busy with the input of one read; a sample.")
	turns        = describe("loop_delay_seconds", "Time that an event loop was busy before it looked for new input; a sample.")
	descriptions = []*prometheus.Desc{
		connections, accepted, refused, ended, notAccepted, unsecured, names, holders, grants, orphans, commands, invalid, long, foreign,
		waiters, queues, places, waits, received, sent, pending, batches, turns,
	}
)

// measured collects the measures of a server.
type measured struct{ server *server.Server }

// Describe implements prometheus.Collector.
func (m measured) Describe(to chan<- *prometheus.Desc) {
	for _, d := range descriptions {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m measured) Collect(to chan<- prometheus.Metric) {
	now := m.server.Measures()
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	for t := range core.NumTransports {
		gauge(connections, now.Open[t], t.String())
		counter(accepted, now.Accepted[t], t.String())
		counter(refused, now.Refused[t], t.String())
	}
	for end := life.Finished; end < life.NumEnds; end++ {
		counter(ended, now.Ended[end], label(end.String()))
	}
	for name, table := range map[string]core.TableMeasures{"exclusive": now.Exclusive, "shared": now.Shared} {
		gauge(names, table.Names, name)
		gauge(holders, table.Holders, name)
		gauge(waiters, table.Waiters, name)
		counter(grants, table.Grants, name)
		counter(orphans, table.Orphans, name)
	}
	for command := range wire.NumCommands {
		for _, o := range core.Outcomes(command) {
			counter(commands, now.Commands[command][o], command.String(), o.String())
		}
	}
	for _, o := range core.WaitOutcomes {
		to <- histogram(waits, now.Waits[o], 1e3, o.String())
	}
	counter(notAccepted, now.NotAccepted)
	counter(unsecured, now.Unsecured)
	counter(invalid, now.Invalid)
	counter(long, now.Long)
	counter(foreign, now.Foreign)
	counter(received, now.Bytes.Received)
	counter(sent, now.Bytes.Answered)
	gauge(queues, now.Queues)
	gauge(pending, now.Pending)
	to <- histogram(places, now.Places, 1)
	to <- histogram(batches, now.Batches, 1e9)
	to <- histogram(turns, now.Turns, 1e9)
}

// histogram converts a histogram of values of which so many are one unit of the metric.
func histogram(d *prometheus.Desc, h core.Histogram, unit float64, labels ...string) prometheus.Metric {
	buckets := make(map[float64]uint64, len(h.Bounds))
	total := uint64(0)
	for i, bound := range h.Bounds {
		total += h.Counts[i]
		buckets[float64(bound)/unit] = total
	}
	return prometheus.MustNewConstHistogram(d, h.Count(), float64(h.Sum)/unit, buckets, labels...)
}
