package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
)

// The elements of a JUnit report, as CI systems read it. A suite is a level, a class is a
// clause.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Errors    int         `xml:"errors,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
		Skipped *junitMessage `xml:"skipped"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes the report as JUnit XML.
func (r *Report) WriteJUnit(w io.Writer) error {
	suites := junitSuites{Name: "lockd " + r.Server.Endpoints[0].String(), Time: seconds(r.Took)}
	for _, t := range r.Tallies() {
		suite := junitSuite{
			Name: t.Level.String(), Tests: t.Passed + t.Failed + t.Skipped + t.NotRun,
			Failures: t.Failed, Errors: t.NotRun, Skipped: t.Skipped,
			Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"),
		}
		for _, result := range r.Results {
			if result.level() == t.Level {
				suite.Cases = append(suite.Cases, result.junit())
			}
		}
		suites.Tests += suite.Tests
		suites.Failures += suite.Failures
		suites.Suites = append(suites.Suites, suite)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(suites); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (r *Result) junit() junitCase {
	c := junitCase{
		Name:  r.ID + " over " + r.On.Kind(),
		Class: r.Cited[0].ID,
		Time:  seconds(r.Duration),
	}
	switch r.Status {
	case Failed:
		var text strings.Builder
		(&printer{w: &text}).failure(r)
		message := fmt.Sprintf("%s: %v", r.Cited[0].Text, r.Failure)
		c.Failure = &junitMessage{message, text.String()}
	case NotRun:
		c.Error = &junitMessage{r.Reason, ""}
	case Skipped:
		c.Skipped = &junitMessage{r.Reason, ""}
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
