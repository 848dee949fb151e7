package history

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// draw checks a history, which must have a violation, and returns its picture.
func draw(t *testing.T, h *History) string {
	t.Helper()
	var v *Violation
	if err := h.Check(); !errors.As(err, &v) {
		t.Fatalf("got %v, want a violation", err)
	}
	path := filepath.Join(t.TempDir(), "picture.html")
	if err := v.Picture(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPicture checks that a picture begins with the verdict, has short names, and omits
// connections without operations in the violated part, and that porcupine's page has the
// parts that retouch changes.
func TestPicture(t *testing.T) {
	h := parse(t, `
		0|g y|1|1|2
		1|g lockcheck-17-<x>|1|3|4
		2|g y|0|5|6
		3|g lockcheck-17-<x>|1|7|8
		0|end||21|22
		1|end||21|22
		2|end||21|22
		3|end||21|22`)
	h.Prefix = "lockcheck-17-"
	h.Faults = []Fault{{Conn: 0, At: 20, What: "reset"}, {Conn: 3, At: 20, What: "half-close"}}
	page := draw(t, h)
	const verdict = "Nothing explains that connection 3 got the exclusive lock &lt;x&gt; (g &lt;x&gt; → 1)"
	for _, want := range []string{
		"<title>" + verdict + "</title>",
		"<body>\n    <h1>" + verdict + "</h1>",
		"All names begin with &#34;lockcheck-17-&#34;, which is left out.",
		"const labels = [1,3]\nconst data = {",
		"const tag = i < realClients ? 'connection ' + labels[i] : sortedTags",
		"text.textContent = i < realClients ? 'connection ' + labels[i] : sortedTags",
		"#legend { position: sticky;",
		`"Description":"g \u003cx\u003e → 1"`,
		`"StateDescription":"held by connection 1"`,
		`"Description":"3 ends"`, `"Description":"3: half-close"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the picture is without %q", want)
		}
	}
	for _, not := range []string{"g y", "reset", `"lockcheck-17-`} {
		if _, data, _ := strings.Cut(page, "const data = "); strings.Contains(data, not) {
			t.Errorf("the picture has %q", not)
		}
	}
}

// TestVerdict checks that the verdict says what the answer means to its client.
func TestVerdict(t *testing.T) {
	for text, want := range map[string]string{
		"0|g x|0|1|2":                  "was refused the exclusive lock x (g x → 0)",
		"0|g x|2|1|2":                  "got the exclusive lock x (g x → 2)",
		"0|r x|1|1|2":                  "released the exclusive lock x (r x → 1)",
		"0|i x|1|1|2":                  "saw the exclusive lock x held (i x → 1)",
		"0|sg x|3|1|2":                 "got the shared lock x as holder number 3 (sg x → 3)",
		"0|sr x|1|1|2":                 "released the shared lock x (sr x → 1)",
		"0|si x|2|1|2":                 "saw the shared lock x held by 2 (si x → 2)",
		"0|sg x|0|1|2":                 "was refused the shared lock x (sg x → 0)",
		"0|b 2 x|2|1|2":                "got the shared lock x as holder number 2 (b 2 x → 2)",
		"0|b 2 x|0|1|2":                "was refused the shared lock x (b 2 x → 0)",
		"0|w 0 g x|2|1|2":              "got the exclusive lock x after a wait (w g x → 2)",
		"0|w 0 b 2 x|2|1|2":            "got the shared lock x as holder number 2 after a wait (w b 2 x → 2)",
		"0|g x|1|1|2\n0|w 0 g x|0|3|4": "was refused the exclusive lock x after a wait (w g x → 0)",
		"0|g x|1|1|2\n0|r x|0|3|4":     "was told that it did not hold the exclusive lock x (r x → 0)",
		"0|g x|1|1|2\n0|i x|0|3|4":     "saw the exclusive lock x free (i x → 0)",
		"0|sg x|1|1|2\n0|sr x|0|3|4":   "was told that it did not hold the shared lock x (sr x → 0)",
		"0|dump|map[x:a0]|1|2":         "got this reply to dump (dump → map[x:a0]) after what all saw of all names",
	} {
		h := parse(t, text+"\n0|end||8|9")
		var v *Violation
		if err := h.Check(); !errors.As(err, &v) {
			t.Errorf("%q: got %v, want a violation", text, err)
		} else if got := v.Verdict(); got != "Nothing explains that connection 0 "+want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

// TestVerdictUnsure checks that two answers at the same moment are not distinguished.
func TestVerdictUnsure(t *testing.T) {
	h := parse(t, `
		0|r x|1|1|3
		1|r x|1|2|3
		0|end||8|9
		1|end||8|9`)
	var v *Violation
	if err := h.Check(); !errors.As(err, &v) || v.Verdict() != "Nothing explains what the clients saw of exclusive lock x" {
		t.Errorf("got %v", v.Verdict())
	}
}
