package web

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

const (
	// mostViewers is how many pages are kept up to date at a time.
	mostViewers = 50
	// feedStep is the time between two updates, if they are cheap.
	feedStep = time.Second
	// feedWait is how long an update may wait for its table.
	feedWait = time.Minute
	// feedWrite is how long a viewer may take for an update.
	feedWrite = 10 * time.Second
)

// update is what live.js puts into the page: two parts as HTML.
type update struct {
	Figures string `json:"figures"`
	Table   string `json:"table"`
}

// feed sends updates of the page as server-sent events.
func (w *Web) feed(rw http.ResponseWriter, r *http.Request) {
	select {
	case w.viewers <- struct{}{}:
		defer func() { <-w.viewers }()
	default:
		http.Error(rw, "too many watch this page; reload it to see what is new", http.StatusServiceUnavailable)
		return
	}
	control := http.NewResponseController(rw)
	control.SetReadDeadline(time.Time{})
	rw.Header().Set("Content-Type", "text/event-stream")
	q := parseQuery(r.URL.Query())
	ticker := time.NewTicker(feedStep)
	defer ticker.Stop()
	for {
		data, err := w.update(r, q)
		if err != nil {
			return
		}
		control.SetWriteDeadline(time.Now().Add(feedWrite))
		if _, err := rw.Write(data); err != nil {
			return
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-r.Context().Done():
			return
		case <-w.over:
			return
		}
	}
}

// update returns an update as an event.
func (w *Web) update(r *http.Request, q query) ([]byte, error) {
	ctx, cancel := context.WithTimeout(r.Context(), feedWait)
	defer cancel()
	parts, err := w.render(w.look(ctx, q, true), "figures", "table")
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(update{parts[0], parts[1]})
	return append(append([]byte("data: "), data...), "\n\n"...), err
}
