package transport

import "testing"

func TestParse(t *testing.T) {
	defaults := new(TLS)
	same := func(a, b Endpoint) bool {
		return a.Transport == b.Transport && a.Address == b.Address && (a.TLS == nil) == (b.TLS == nil)
	}
	for text, want := range map[string]Endpoint{
		"127.0.0.1:9999":     {TCP, "127.0.0.1:9999", nil},
		"tcp:[::1]:9999":     {TCP, "[::1]:9999", nil},
		"tls://[::1]:9999":   {TCP, "[::1]:9999", defaults},
		"unix:/run/lockd":    {Unix, "/run/lockd", nil},
		"ws://localhost:80/": {WebSocket, "ws://localhost:80/", nil},
		"wss://[::1]:1/x":    {WebSocket, "wss://[::1]:1/x", defaults},
		"localhost":          {},
		"unix:":              {},
		"ws://":              {},
	} {
		got, err := Parse(text)
		if want == (Endpoint{}) != (err != nil) || err == nil && !same(got, want) {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
		if err == nil {
			if again, err := Parse(got.String()); err != nil || !same(again, got) {
				t.Errorf("%q is written as %q, which is read as %+v, %v", text, got, again, err)
			}
		}
	}
}
