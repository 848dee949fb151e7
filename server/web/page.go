package web

import (
	"context"
	"embed"
	"html/template"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockd/server"
)

// assets are what the page consists of besides itself.
var assets = []string{"style.css", "live.js"}

//go:embed page.html style.css live.js
var files embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"age": func(now, then time.Time) string { return age(now.Sub(then)) }, "count": count[int], "total": count[uint64],
	"exact": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
}).ParseFS(files, "page.html"))

// asset returns a handler for a file.
func asset(name string) http.HandlerFunc {
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
		rw.Write(data)
	}
}

// status is what the templates show.
type status struct {
	Version string
	Up      string
	Now     time.Time
	Figures []figure
	Since   *server.Measures // since the start
	Lists   bool
	Table   *table
	Error   string // instead of the table
	Query   query
}

// querySorts are the orders of the views, the default first.
var querySorts = map[string][]string{
	viewLocks:       {"age", "name", "waiters"},
	viewWaiters:     {"age", "name", "waiters"},
	viewConnections: {"locks", "number"},
}

// mostSearch is the longest search in bytes.
const mostSearch = 1000

// parseQuery reads a query, and corrects what is not possible.
func parseQuery(values url.Values) query {
	q := query{View: values.Get("view"), Search: values.Get("q"), Sort: values.Get("sort")}
	sorts := querySorts[q.View]
	if sorts == nil {
		q.View = viewLocks
		sorts = querySorts[q.View]
	}
	if !slices.Contains(sorts, q.Sort) {
		q.Sort = sorts[0]
	}
	q.Search = q.Search[:min(len(q.Search), mostSearch)]
	page, _ := strconv.Atoi(values.Get("page"))
	q.Page = min(max(page, 1), mostPages)
	return q
}

// link returns the query of a link to another page of the table.
func (q query) link() string {
	values := url.Values{"view": {q.View}}
	if q.Search != "" {
		values.Set("q", q.Search)
	}
	if q.Sort != querySorts[q.View][0] {
		values.Set("sort", q.Sort)
	}
	if q.Page > 1 {
		values.Set("page", strconv.Itoa(q.Page))
	}
	return "?" + values.Encode()
}

// ToView returns the link to another view.
func (q query) ToView(view string) string {
	return query{View: view, Search: q.Search, Sort: querySorts[view][0], Page: 1}.link()
}

// Sorted returns the link to the table in another order.
func (q query) Sorted(by string) string {
	q.Sort, q.Page = by, 1
	return q.link()
}

// Numbered returns the link to another page.
func (q query) Numbered(page int) string {
	q.Page = page
	return q.link()
}

// Sorts returns the orders of the view.
func (q query) Sorts() []string { return querySorts[q.View] }

// look returns what the page shows for a query; update is as for tables.get.
func (w *Web) look(ctx context.Context, q query, update bool) *status {
	s := &status{Version: w.options.Version, Lists: w.options.Lists, Query: q}
	if s.Lists {
		t, err := w.tables.get(ctx, q, update)
		if err != nil {
			s.Error = err.Error()
		}
		s.Table = t
	}
	return s
}

// render executes templates with a status, to which it adds the figures. One page is made at
// a time, however many are asked for: an event loop has to wait for its turn behind all
// goroutines that are busy.
func (w *Web) render(s *status, names ...string) ([]string, error) {
	w.rendering.Lock()
	defer w.rendering.Unlock()
	m := w.options.Server.Measures()
	s.Now, s.Up, s.Figures, s.Since = time.Now(), age(time.Since(w.started)), w.history.figures(m), m
	made := make([]string, len(names))
	for i, name := range names {
		var text strings.Builder
		if err := templates.ExecuteTemplate(&text, name, s); err != nil {
			return nil, err
		}
		made[i] = text.String()
	}
	return made, nil
}

// pageWait is how long the page may wait for its table: less than an answer may take.
const pageWait = 7 * time.Second

// page answers with the page.
func (w *Web) page(rw http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), pageWait)
	defer cancel()
	page, err := w.render(w.look(ctx, parseQuery(r.URL.Query()), false), "page.html")
	if err != nil {
		http.Error(rw, err.Error(), http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(rw, page[0])
}
