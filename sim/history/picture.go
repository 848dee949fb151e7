package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"os"

	"github.com/anishathalye/porcupine"
)

// Picture writes porcupine's interactive picture of a violation as HTML, with the
// verdict above it, and disconnects and faults as annotations. The rows are the
// connections with operations in the violated part, by their numbers in the history.
func (v *Violation) Picture(path string) error {
	_, info := porcupine.CheckOperationsVerbose(v.checked.model, v.checked.operations, Timeout)
	info.AddAnnotations(v.annotations())
	var page bytes.Buffer
	if err := porcupine.Visualize(v.checked.model, info, &page); err != nil {
		return err
	}
	text, err := v.retouch(page.Bytes())
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

func (v *Violation) annotations() []porcupine.Annotation {
	var notes []porcupine.Annotation
	drawn := map[int]bool{}
	for _, o := range v.checked.operations {
		op := o.Input.(input).op
		drawn[op.Conn] = true
		if op.Command == End {
			notes = append(notes, porcupine.Annotation{
				Tag: "disconnects", Start: op.Call, End: op.Return, BackgroundColor: "#f4cccc",
				Description: fmt.Sprintf("%d ends", op.Conn),
			})
		}
	}
	for _, f := range v.history.Faults {
		if drawn[f.Conn] {
			notes = append(notes, porcupine.Annotation{
				Tag: "faults", Start: f.At, BackgroundColor: "#fce5cd", Description: fmt.Sprintf("%d: %s", f.Conn, f.What),
			})
		}
	}
	return notes
}

// retouch puts the verdict above the picture, and the connections' numbers before the
// rows. It relies on the HTML of this version of porcupine, which a test checks.
func (v *Violation) retouch(page []byte) ([]byte, error) {
	verdict := html.EscapeString(v.Verdict())
	about := v.Error() + ". Rows are connections, time goes to the right."
	if v.history.Prefix != "" {
		about += fmt.Sprintf(" All names begin with %q, which is left out.", v.history.Prefix)
	}
	labels, err := json.Marshal(v.checked.labels)
	if err != nil {
		return nil, err
	}
	for _, change := range []struct{ from, to string }{
		{"<title>Porcupine</title>", "<title>" + verdict + "</title>"},
		{"</style>", "#legend { position: sticky; width: max-content; } svg { overflow: visible; } #canvas { margin-top: 10px; } h1 { font-size: 1.3rem; }\n</style>"},
		{`<div id="legend">`, "<h1>" + verdict + "</h1>\n<p>" + html.EscapeString(about) + "</p>\n" + `<div id="legend">`},
		{"const tag = i < realClients ? i.toString() :", "const tag = i < realClients ? 'connection ' + labels[i] :"},
		{"text.textContent = i < realClients ? i :", "text.textContent = i < realClients ? 'connection ' + labels[i] :"},
		{"const data = ", "const labels = " + string(labels) + "\nconst data = "},
	} {
		page = bytes.Replace(page, []byte(change.from), []byte(change.to), 1)
	}
	return page, nil
}
