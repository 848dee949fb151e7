package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"lockd/server/web"
)

type testMutex = sync.Mutex

// feed opens the feed; next returns its next update, figures and table, and false at its
// end.
func (s *site) feed(query string) (status int, next func() (figures, table string, ok bool), stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r, _ := http.NewRequestWithContext(ctx, "GET", s.url+"/feed"+query, nil)
	answer, err := s.client.Do(r)
	if err != nil {
		cancel()
		s.t.Fatal(err)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	next = func() (string, string, bool) {
		for lines.Scan() {
			data, found := strings.CutPrefix(lines.Text(), "data: ")
			if !found {
				continue
			}
			var update struct{ Figures, Table string }
			if err := json.Unmarshal([]byte(data), &update); err != nil {
				s.t.Fatal(err)
			}
			return update.Figures, update.Table, true
		}
		return "", "", false
	}
	return answer.StatusCode, next, func() { cancel(); answer.Body.Close() }
}

func (s *site) firstUpdate(query string) (figures, table string) {
	s.t.Helper()
	_, next, stop := s.feed(query)
	defer stop()
	figures, table, ok := next()
	if !ok {
		s.t.Fatal("the feed has ended")
	}
	return figures, table
}

func TestFeed(t *testing.T) {
	t.Parallel()
	s := start(t, all(), web.Options{})
	_, next, stop := s.feed("?q=nightly")
	defer stop()
	await := func(part string) {
		t.Helper()
		for {
			_, table, ok := next()
			if !ok {
				t.Fatalf("the feed has ended without %q", part)
			}
			if strings.Contains(text(table), part) {
				return
			}
		}
	}
	await("Nothing matches.")
	h := s.dial()
	h.ask("g nightly")
	await(h.LocalAddr().String())
	h.Close()
	await("Nothing matches.")
	s.web.Close()
	for {
		if _, _, ok := next(); !ok {
			return
		}
	}
}

// TestFeedOfMany watches more often than is served.
func TestFeedOfMany(t *testing.T) {
	s := start(t, all(), web.Options{})
	var stops []func()
	for n := 0; ; n++ {
		status, next, stop := s.feed("")
		stops = append(stops, stop)
		if status == http.StatusServiceUnavailable {
			if n != 50 {
				t.Errorf("%d were served", n)
			}
			break
		}
		if _, _, ok := next(); !ok {
			t.Fatalf("feed %d has ended", n)
		}
	}
	for _, stop := range stops {
		stop()
	}
	s.until("room for another", func() bool {
		status, _, stop := s.feed("")
		stop()
		return status == http.StatusOK
	})
}

// TestFeedOfShutdown checks that a shutdown does not wait for viewers.
func TestFeedOfShutdown(t *testing.T) {
	s := start(t, all(), web.Options{})
	_, next, stop := s.feed("")
	defer stop()
	next()
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	for {
		if _, _, ok := next(); !ok {
			return
		}
	}
}
