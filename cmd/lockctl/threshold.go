package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// threshold is a range of the Monitoring Plugins guidelines. A value outside raises the
// alert; with @ it is one inside. Both ends belong to the range.
type threshold struct {
	text       string
	start, end float64
	inside     bool
}

// parseThreshold reads [@][START:][END]: 10 is 0:10, 10: has no end, and ~:10 no start.
func parseThreshold(text string) (*threshold, error) {
	wrong := fmt.Errorf("%q is not a range; write 10, 10:, ~:10, 10:20 or @10:20", text)
	t := &threshold{text: text, end: math.Inf(1)}
	rest := text
	rest, t.inside = strings.CutPrefix(rest, "@")
	start, end, two := strings.Cut(rest, ":")
	if !two {
		start, end = "0", start
	}
	var err error
	switch {
	case start == "~":
		t.start = math.Inf(-1)
	default:
		if t.start, err = number(start); err != nil {
			return nil, wrong
		}
	}
	if end != "" || !two {
		if t.end, err = number(end); err != nil {
			return nil, wrong
		}
	}
	if t.start > t.end {
		return nil, fmt.Errorf("the range %q ends before it starts", text)
	}
	return t, nil
}

// number reads a decimal number; the words and forms that only Go knows are none.
func number(text string) (float64, error) {
	if strings.Trim(text, "-0123456789.") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(text, 64)
}

// alerts says whether a value raises the alert. nil never does.
func (t *threshold) alerts(value float64) bool {
	if t == nil {
		return false
	}
	within := t.start <= value && value <= t.end
	return within == t.inside
}

// String returns the range as it was written; nothing of nil.
func (t *threshold) String() string {
	if t == nil {
		return ""
	}
	return t.text
}

// why says where a value is that raises the alert.
func (t *threshold) why() string {
	if t.inside {
		return "inside " + t.text[len("@"):]
	}
	return "outside " + t.text
}
