package web

import (
	"io"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lockd/server"
)

// Options configure a Web.
type Options struct {
	Server  *server.Server
	Version string // of the daemon, for people and metrics
	// Lists says that names of locks and clients may be shown: the dump feature.
	Lists bool
	// Profiles says that /debug/pprof/ answers.
	Profiles bool
	// Metrics are added to those of the server.
	Metrics []prometheus.Collector
}

// Web answers HTTP requests. Make one with New; its methods are safe for concurrent use.
type Web struct {
	options Options
	mux     *http.ServeMux
	started time.Time
	ready   atomic.Bool
	over    chan struct{} // closed by Close
	once    sync.Once
	done    sync.WaitGroup
	history history
	tables  *tables
	viewers chan struct{} // has one for each open feed
	// rendering is held while a page is made.
	rendering sync.Mutex
}

// New returns a Web, and begins to record the history of rates.
func New(o Options) *Web {
	w := &Web{
		options: o, mux: http.NewServeMux(), started: time.Now(), over: make(chan struct{}),
		tables: newTables(o.Server), viewers: make(chan struct{}, mostViewers),
	}
	w.mux.Handle("GET /metrics", w.metrics())
	w.mux.HandleFunc("GET /healthz", w.healthz)
	w.mux.HandleFunc("GET /readyz", w.readyz)
	w.mux.HandleFunc("GET /{$}", w.page)
	w.mux.HandleFunc("GET /feed", w.feed)
	for _, name := range assets {
		w.mux.HandleFunc("GET /"+name, asset(name))
	}
	if o.Profiles {
		w.mux.HandleFunc("GET /debug/pprof/", longer(pprof.Index))
		w.mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		w.mux.HandleFunc("GET /debug/pprof/profile", longer(pprof.Profile))
		w.mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		w.mux.HandleFunc("GET /debug/pprof/trace", longer(pprof.Trace))
	}
	w.history.record(time.Now(), o.Server.Measures())
	w.done.Go(w.record)
	return w
}

// Close ends the recording, and all feeds.
func (w *Web) Close() {
	w.once.Do(func() { close(w.over) })
	w.done.Wait()
}

// SetReady says that all listeners are open, so that /readyz answers yes.
func (w *Web) SetReady() { w.ready.Store(true) }

// ServeHTTP implements http.Handler.
func (w *Web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	h := rw.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.mux.ServeHTTP(rw, r)
}

// record records the history until Close.
func (w *Web) record() {
	ticker := time.NewTicker(historyStep)
	defer ticker.Stop()
	for {
		select {
		case <-w.over:
			return
		case now := <-ticker.C:
			w.history.record(now, w.options.Server.Measures())
		}
	}
}

// healthLimit is how long the server may take for one small question to be healthy.
const healthLimit = 2 * time.Second

// healthz answers whether the server answers.
func (w *Web) healthz(rw http.ResponseWriter, r *http.Request) {
	answered := make(chan struct{})
	go func() {
		w.options.Server.Held()
		close(answered)
	}()
	select {
	case <-answered:
		io.WriteString(rw, "ok\n")
	case <-time.After(healthLimit):
		http.Error(rw, "the lock table has not answered for "+healthLimit.String(), http.StatusServiceUnavailable)
	}
}

// readyz answers whether clients can connect.
func (w *Web) readyz(rw http.ResponseWriter, r *http.Request) {
	if !w.ready.Load() {
		http.Error(rw, "not all listeners are open yet", http.StatusServiceUnavailable)
		return
	}
	w.healthz(rw, r)
}

// longer lets a handler take longer than other requests: some profiles last for seconds.
func longer(h http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		http.NewResponseController(rw).SetWriteDeadline(time.Now().Add(longestProfile))
		if strings.HasSuffix(r.URL.Path, "/") { // the index is a page with styles and links
			rw.Header().Del("Content-Security-Policy")
		}
		h(rw, r)
	}
}

const longestProfile = 5 * time.Minute
