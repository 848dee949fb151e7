package campaign

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// CheckWritable creates a folder and checks that evidence can be written below it.
func CheckWritable(out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("cannot write evidence: %w", err)
	}
	f, err := os.CreateTemp(out, "probe-*")
	if err != nil {
		return fmt.Errorf("cannot write evidence: %w", err)
	}
	f.Close()
	return os.Remove(f.Name())
}

// summary is the machine-readable part of the evidence.
type summary struct {
	Layer string `json:"layer"`
	Params
	Seed    uint64 `json:"seed"`
	Failure string `json:"failure"`
	Replay  string `json:"replay"`
	Work    Work   `json:"work"` // of the campaign, up to the failure
}

// WriteEvidence writes the evidence of the failure in a report into a folder of its
// own below out, and returns the folder and lines about the failure for people.
func WriteEvidence(out string, r Report) (dir string, notes []string, err error) {
	f := r.Failure
	dir = filepath.Join(out, fmt.Sprintf("%s-%d", r.Layer, f.Seed))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return dir, nil, fmt.Errorf("cannot write evidence: %w", err)
	}
	s := summary{r.Layer, r.Given, f.Seed, f.Err.Error(), r.Replay(), r.Work}
	if err := writeJSON(filepath.Join(dir, "summary.json"), s); err != nil {
		return dir, nil, fmt.Errorf("cannot write evidence: %w", err)
	}
	if f.Write != nil {
		if notes, err = f.Write(dir); err != nil {
			return dir, notes, fmt.Errorf("cannot write evidence: %w", err)
		}
	}
	text := strings.Join(append([]string{f.Err.Error(), "replay: " + s.Replay}, notes...), "\n") + "\n" +
		"or: " + r.ReplayFile(dir) + ", or a trace or history in it\n"
	if err := os.WriteFile(filepath.Join(dir, "summary.txt"), []byte(text), 0o644); err != nil {
		return dir, notes, fmt.Errorf("cannot write evidence: %w", err)
	}
	return dir, notes, nil
}
