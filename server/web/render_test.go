package web

import (
	"net/http/httptest"
	"testing"
	"time"

	"lockd/server"
)

// TestOnePageAtATime checks that a page waits for the one that is being made, as does an
// update.
func TestOnePageAtATime(t *testing.T) {
	s := server.New(server.Config{})
	defer s.Close()
	w := New(Options{Server: s})
	defer w.Close()
	r := httptest.NewRequest("GET", "/", nil)
	for what, ask := range map[string]func(){
		"page":   func() { w.page(httptest.NewRecorder(), r) },
		"update": func() { w.update(r, parseQuery(nil)) },
	} {
		w.rendering.Lock()
		made := make(chan struct{})
		go func() {
			ask()
			close(made)
		}()
		select {
		case <-made:
			t.Errorf("a second %s was made", what)
		case <-time.After(20 * time.Millisecond):
		}
		w.rendering.Unlock()
		<-made
	}
}
