package transport

import "testing"

func TestParse(t *testing.T) {
	for text, want := range map[string]Endpoint{
		"127.0.0.1:9999":     {TCP, "127.0.0.1:9999"},
		"tcp:[::1]:9999":     {TCP, "[::1]:9999"},
		"unix:/run/lockd":    {Unix, "/run/lockd"},
		"ws://localhost:80/": {WebSocket, "ws://localhost:80/"},
		"wss://[::1]:1/x":    {WebSocket, "wss://[::1]:1/x"},
		"localhost":          {},
		"unix:":              {},
		"ws://":              {},
	} {
		got, err := Parse(text)
		if want == (Endpoint{}) != (err != nil) || err == nil && got != want {
			t.Errorf("%q: got %+v, %v, want %+v", text, got, err, want)
		}
		if err == nil {
			if again, err := Parse(got.String()); err != nil || again != got {
				t.Errorf("%q is written as %q, which is read as %+v, %v", text, got, again, err)
			}
		}
	}
}
