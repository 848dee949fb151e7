package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

var updateMetrics = flag.Bool("update-metrics", false, "write the table in docs/metrics.md")

const (
	metricsDoc   = "../../docs/metrics.md"
	metricsBegin = "| metric | type | labels | what it is |\n|---|---|---|---|\n"
)

// TestMetricsDoc checks that docs/metrics.md is what a daemon with all features has.
func TestMetricsDoc(t *testing.T) {
	t.Parallel()
	p := newPems(t)
	d := lockd(t, append(p.flags(), "-token-file", filepath.Join(t.TempDir(), "tokens"))...)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.ca.Pool()}}
	defer transport.CloseIdleConnections()
	began := time.Now()
	answer, err := (&http.Client{Transport: transport}).Get("https://" + d.ws + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("scraped in %v", time.Since(began))
	var table strings.Builder
	table.WriteString(metricsBegin)
	for _, name := range slices.Sorted(maps.Keys(families)) {
		if !strings.HasPrefix(name, "lockd_") {
			continue
		}
		f := families[name]
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp())
	}
	text, err := os.ReadFile(metricsDoc)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), metricsBegin)
	if !found {
		t.Fatalf("%s has no table", metricsDoc)
	}
	_, after, _ := strings.Cut(rest, "\n\n")
	want := before + table.String() + "\n" + after
	if *updateMetrics {
		if err := os.WriteFile(metricsDoc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Errorf("%s is out of date; write it with go test ./cmd/lockd -run TestMetricsDoc -update-metrics", metricsDoc)
	}
}
