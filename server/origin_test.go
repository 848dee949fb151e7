package server

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// TestOrigin checks WS-4 with handshakes.
func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		allowed string
		host    string // "" is that of the server
		origin  string
		want    int
	}{
		{"", "", "", http.StatusSwitchingProtocols},
		{"", "", "http://HOST", http.StatusSwitchingProtocols},
		{"", "", "https://evil.example", http.StatusForbidden},
		{"", "", "null", http.StatusForbidden},
		{"", "evil.example:9998", "http://evil.example:9998", http.StatusForbidden},
		{"", "localhost:9998", "http://localhost:9998", http.StatusSwitchingProtocols},
		{"https://good.example", "", "https://good.example", http.StatusSwitchingProtocols},
		{"good.example", "", "https://evil.example", http.StatusForbidden},
		{"*", "", "https://evil.example", http.StatusSwitchingProtocols},
	} {
		s := New(Config{Origins: origins(t, c.allowed)})
		h := httptest.NewServer(http.HandlerFunc(s.upgrade))
		header := http.Header{}
		if c.origin != "" {
			header.Set("Origin", strings.ReplaceAll(c.origin, "HOST", strings.TrimPrefix(h.URL, "http://")))
		}
		ws, r, err := websocket.Dial(t.Context(), h.URL, &websocket.DialOptions{HTTPHeader: header, Host: c.host})
		if err == nil {
			ws.CloseNow()
		}
		if r == nil || r.StatusCode != c.want {
			t.Errorf("origin %q at %q with %q allowed: %v, not %d", c.origin, c.host, c.allowed, r, c.want)
		}
		s.Close()
		h.Close()
	}
}

func origins(t *testing.T, texts ...string) []Origin {
	var all []Origin
	for _, text := range texts {
		if text == "" {
			continue
		}
		o, err := ParseOrigin(text)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

// TestOwnOrigin checks which pages are of the server's own origin, given the address
// and the name under which it is reached.
func TestOwnOrigin(t *testing.T) {
	const loopback, lan = "127.0.0.1", "192.0.2.7"
	for _, c := range []struct {
		local, host, origin string
		want                bool
	}{
		{loopback, "localhost:9998", "http://localhost:9998", true},
		{loopback, "LocalHost:9998", "http://localhost:9998", true},
		{loopback, "app.localhost:9998", "http://app.localhost:9998", true},
		{loopback, "127.0.0.1:9998", "http://127.0.0.1:9998", true},
		{"::1", "[::1]:9998", "http://[::1]:9998", true},
		{"::1", "[0:0:0:0:0:0:0:1]:9998", "http://[::1]:9998", true},
		{loopback, "localhost", "http://localhost", true},
		{loopback, "localhost:80", "http://localhost", true},
		{loopback, "evil.test:9998", "http://evil.test:9998", false},
		{loopback, "evil.test", "https://evil.test", false},
		{loopback, "localhost.evil.test:9998", "http://localhost.evil.test:9998", false},
		{loopback, "localhost:9998", "http://localhost:9999", false},
		{loopback, "localhost:9998", "http://127.0.0.1:9998", false},
		{loopback, "localhost:9998", "", true}, // no page
		{loopback, "localhost:9998", "null", false},
		{loopback, "localhost:9998", "nonsense", false},
		{loopback, "null", "null", false},
		{loopback, "localhost:9998", "http://localhost:9998 http://evil.test", false},
		{lan, "lockd.example:9998", "http://lockd.example:9998", true},
		{lan, "lockd.example:9998", "http://evil.test:9998", false},
		{lan, "192.0.2.7:9998", "http://192.0.2.7:9998", true},
	} {
		local := &net.TCPAddr{IP: net.ParseIP(c.local), Port: 9998}
		r := httptest.NewRequestWithContext(context.WithValue(t.Context(), http.LocalAddrContextKey, net.Addr(local)), "GET", "/", nil)
		r.Host = c.host
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
		}
		if got := mayOpen(r, nil); got != c.want {
			t.Errorf("origin %q of %q at %s: %v", c.origin, c.host, c.local, got)
		}
		if c.origin != "" {
			r.Header.Add("Origin", c.origin)
			if mayOpen(r, nil) {
				t.Errorf("origin %q of %q, twice, was accepted", c.origin, c.host)
			}
		}
	}
}

// TestParseOrigin checks the values of -ws-origin, and the pages that match them.
func TestParseOrigin(t *testing.T) {
	const ok, refused = "", "refused"
	for _, c := range []struct{ allowed, matches, not string }{
		{"https://example.com", "https://example.com", "http://example.com"},
		{"https://example.com", ok, "https://example.com:8443"},
		{"https://example.com/", "https://example.com", ok},
		{"https://example.com:443", "https://example.com", "http://example.com"},
		{"HTTPS://Example.COM", "https://example.com", ok},
		{"http://example.com:80", "http://example.com", "https://example.com"},
		{"https://example.com:8443", "https://example.com:8443", "https://example.com"},
		{"https://example.com:*", "https://example.com:8443", "https://www.example.com"},
		{"example.com", "https://example.com", "https://example.com:8443"},
		{"example.com", "http://example.com", "https://www.example.com"},
		{"example.com:443", "https://example.com", "http://example.com"},
		{"example.com:80", "http://example.com", "https://example.com"},
		{"example.com:8443", "http://example.com:8443", ok},
		{"*.example.com", "https://a.b.example.com", "https://example.com"},
		{"*.example.com", ok, "https://evil-example.com"},
		{"http://[::1]:3000", "http://[::1]:3000", "http://[::2]:3000"},
		{"[0:0::1]", "http://[::1]", "http://[::1]:3000"},
		{"127.0.0.1:3000", "http://127.0.0.1:3000", "http://127.0.0.1"},
		{"null", "null", "https://null.example"},
		{"chrome-extension://abcdefg", "chrome-extension://abcdefg", "https://abcdefg"},
		{"*", "https://anything.example", ok},
		{"https://example.com/path", ok, refused},
		{"https://example.com//", ok, refused},
		{"example.com/path", ok, refused},
		{"https://example.com?q", ok, refused},
		{"https://user@example.com", ok, refused},
		{"https://", ok, refused},
		{"/", ok, refused},
		{"://example.com", ok, refused},
		{"ht tp://example.com", ok, refused},
		{"https://example.com:x", ok, refused},
		{"https://example.com:70000", ok, refused},
		{"https://::1", ok, refused},
		{"https://[::1", ok, refused},
		{"https://[x]", ok, refused},
		{"ex ample.com", ok, refused},
		{"exa[m]ple.com", ok, refused},
		{"bücher.example", ok, refused},
		{"file:///home", ok, refused},
	} {
		o, err := ParseOrigin(c.allowed)
		if (err != nil) != (c.not == refused) {
			t.Errorf("%q: %v", c.allowed, err)
			continue
		}
		for _, page := range []string{c.matches, c.not} {
			if page == ok || page == refused {
				continue
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Origin", page)
			if got := mayOpen(r, []Origin{o}); got != (page == c.matches) {
				t.Errorf("%q with %q allowed: %v", page, c.allowed, got)
			}
		}
	}
}
