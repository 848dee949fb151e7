package web_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"lockd/server"
	"lockd/server/core"
	"lockd/server/web"
)

var tags = regexp.MustCompile(`(?s)<[^>]*>|\s+`)

// text returns what a page says, without tags.
func text(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(page, " "))), " ")
}

func TestPage(t *testing.T) {
	s := start(t, all(), web.Options{Version: "1.2.3"})
	mustContain(t, text(s.page("")), "lockd 1.2.3, up 0s", "0 locks held", "No lock is held.")
	a := s.dial()
	a.ask("iam reporter", "g nightly", "b 3 mirror")
	b := s.dial()
	s.wait(b, "g nightly", 1)
	addr, waits := a.LocalAddr().String(), b.LocalAddr().String()

	s.until("a table that is new", func() bool { return !strings.Contains(s.page(""), "No lock is held.") })
	page := text(s.page(""))
	mustContain(t, page, "2 locks held", "2 connections", "1 waiting", "nightly : 1 waiting", "2 holdings", "mirror shared at most 3")
	if !regexp.MustCompile(`nightly \d+s 1 reporter ` + addr + " 1 mirror").MatchString(page) {
		t.Errorf("the oldest lock is not first:\n%s", page)
	}
	if page := text(s.page("?view=waiters")); !regexp.MustCompile(`nightly \d+s 1 ` + waits + ` 2`).MatchString(page) {
		t.Errorf("nobody waits:\n%s", page)
	}
	mustContain(t, text(s.page("?view=connections")), "1 reporter "+addr+" tcp 2", "2 "+waits+" tcp 0 nightly")
	mustContain(t, text(s.page("?q=mirr")), "1 of 2 locks match", "mirror shared")
	mustContain(t, text(s.page("?q=reporter")), "2 of 2 locks match")
	mustContain(t, text(s.page("?q=nothing")), "Nothing matches.")
	mustContain(t, text(s.page("?view=nonsense&sort=nonsense&page=-7&q=")), "2 holdings")
}

func TestPageOfFigures(t *testing.T) {
	s := start(t, server.Config{Core: core.Config{Registry: true}}, web.Options{})
	s.dial().ask("iam secret-client", "g secret-name")
	page := s.page("?q=x")
	mustContain(t, text(page), "1 locks held", "the dump feature is off")
	mustNotContain(t, page, "secret", "127.0.0.1")
	_, feed := s.firstUpdate("")
	mustNotContain(t, feed, "secret", "127.0.0.1")
}

// hostile are names that want to be more than text.
var hostile = map[string]string{
	`<script>document.title="owned"</script>`: `&lt;script&gt;document.title=&#34;owned&#34;&lt;/script&gt;`,
	`"><img src=x onerror=alert(1)>`:          `&#34;&gt;&lt;img src=x onerror=alert(1)&gt;`,
	"\x00\x1b[31mred\x7f":                     `\x00\x1b[31mred\x7f`,
	"\xff\xfe\xc3(":                           `\xff\xfe\xc3(`,
	"\u202egnp.evil":                          `\u202egnp.evil`,
	"zero\u200bwidth":                         `zero\u200bwidth`,
	"Z" + strings.Repeat("\u0301", 5):         "Z\u0301\u0301" + `\u0301\u0301\u0301`,
	`back\slash`:                              `back\\slash`,
	"日本語 🔒 हिन्दी":                            "日本語 🔒 हिन्दी",
	"{{.Version}} ${x} %s":                    "{{.Version}} ${x} %s",
	strings.Repeat("A", 60_000):               strings.Repeat("A", 200) + "... (60000 bytes)",
	strings.Repeat("日", 1000):                 strings.Repeat("日", 66) + "... (3000 bytes)",
	strings.Repeat("\x01", 1000):              "... (1000 bytes)",
	"":                                        "the empty name",
}

func TestHostileNames(t *testing.T) {
	s := start(t, all(), web.Options{})
	h := s.dial()
	h.ask(`iam <b onclick="alert(2)">&`)
	for name := range hostile {
		h.ask("g " + name)
	}
	page := s.page("")
	_, feed := s.firstUpdate("")
	for name, want := range hostile {
		for where, got := range map[string]string{"page": page, "feed": feed} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %.40q is not shown as %.60q", where, name, want)
			}
		}
	}
	for _, got := range []string{page, feed} {
		mustNotContain(t, got, "<script>document", "<img", "<b onclick", strings.Repeat("A", 1000))
		if len(got) > 40_000 {
			t.Errorf("%d bytes", len(got))
		}
	}
	mustContain(t, s.page("?q=%3Cscript%3E"), `<q class="name">&lt;script&gt;</q>`, `value="&lt;script&gt;"`)
}

// TestPages holds many locks: all pages together show each of them once.
func TestPages(t *testing.T) {
	s := start(t, all(), web.Options{})
	const locks = 250
	for n := range 5 {
		h := s.dial()
		for i := range locks / 5 {
			h.ask(fmt.Sprintf("g lock-%03d", 5*i+n))
		}
	}
	for _, sort := range []string{"age", "name", "waiters"} {
		seen := map[string]int{}
		var last string
		for n := range 3 {
			page := s.page(fmt.Sprintf("?sort=%s&page=%d", sort, n+1))
			mustContain(t, text(page), fmt.Sprintf("page %d of 3", n+1))
			names := regexp.MustCompile(`lock-\d+`).FindAllString(page, -1)
			if want := min(100, locks-100*n); len(names) != want {
				t.Errorf("page %d by %s has %d locks, want %d", n+1, sort, len(names), want)
			}
			for _, name := range names {
				seen[name]++
				if sort == "name" && name <= last {
					t.Errorf("%s is behind %s", name, last)
				}
				last = name
			}
		}
		if len(seen) != locks {
			t.Errorf("the pages by %s show %d locks", sort, len(seen))
		}
	}
	if page := text(s.page("?page=99")); !strings.Contains(page, "250 holdings") {
		t.Errorf("a page behind the last:\n%s", page)
	}
}

func TestHosts(t *testing.T) {
	origin, err := server.ParseOrigin("https://status.example.com")
	if err != nil {
		t.Fatal(err)
	}
	config := all()
	config.Origins = []server.Origin{origin}
	s := start(t, config, web.Options{})
	for _, path := range []string{"/", "/metrics", "/healthz", "/feed", "/style.css"} {
		for _, x := range []struct {
			host, origin string
			want         int
		}{
			{"", "", 200}, {"localhost:80", "", 200}, {"[::1]", "", 200},
			{"evil.example", "", 403}, {"127.0.0.1.evil.example", "", 403}, {"evil.example:9998", "http://evil.example:9998", 403},
			{"", "https://evil.example", 403}, {"status.example.com", "", 200},
		} {
			r, _ := http.NewRequest("GET", s.url+path, nil)
			r.Host = x.host
			if x.origin != "" {
				r.Header.Set("Origin", x.origin)
			}
			answer, err := s.client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != x.want && !(path == "/readyz") {
				t.Errorf("%s of host %q and origin %q: status %d, want %d", path, x.host, x.origin, answer.StatusCode, x.want)
			}
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	s := start(t, all(), web.Options{})
	for _, x := range []struct {
		method, path string
		want         int
	}{
		{"POST", "/", 405}, {"DELETE", "/metrics", 405}, {"HEAD", "/", 200}, {"GET", "/nothing", 404},
		{"GET", "/debug/pprof/", 404}, {"GET", "/page.html", 404}, {"GET", "/style.css", 200}, {"GET", "/live.js", 200},
	} {
		r, _ := http.NewRequest(x.method, s.url+x.path, nil)
		answer, err := s.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != x.want {
			t.Errorf("%s %s: status %d, want %d", x.method, x.path, answer.StatusCode, x.want)
		}
		if policy := answer.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s %s: policy %q", x.method, x.path, policy)
		}
	}
	profiled := start(t, all(), web.Options{Profiles: true})
	if status, body := profiled.get("/debug/pprof/goroutine?debug=1"); status != 200 || !strings.Contains(body, "goroutine profile") {
		t.Errorf("status %d: %s", status, body)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var mutex testMutex
	config := all()
	config.Mutex = &mutex
	s := start(t, config, web.Options{})
	if status, _ := s.get("/readyz"); status != 503 {
		t.Errorf("before it is ready: status %d", status)
	}
	s.web.SetReady()
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := s.get(path); status != 200 || body != "ok\n" {
			t.Errorf("%s: status %d: %s", path, status, body)
		}
	}
	mutex.Lock()              // nothing answers any more
	var asking sync.WaitGroup // at once, since each waits
	for _, path := range []string{"/healthz", "/readyz"} {
		asking.Go(func() {
			r, err := s.client.Get(s.url + path)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Body.Close()
			body, err := io.ReadAll(r.Body)
			if err != nil || r.StatusCode != 503 || !strings.Contains(string(body), "has not answered") {
				t.Errorf("%s of a stuck server: status %d: %s, %v", path, r.StatusCode, body, err)
			}
		})
	}
	asking.Wait()
	mutex.Unlock()
}
