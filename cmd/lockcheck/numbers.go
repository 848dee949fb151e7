package main

import (
	"fmt"
	"strconv"
	"strings"
)

// numbers is the value of a flag: one number or several, with commas between.
type numbers[N any] struct {
	values *[]N
	parse  func(string) (N, error)
}

// String implements flag.Value.
func (n numbers[N]) String() string {
	if n.values == nil { // package flag asks the zero value, too
		return ""
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*n.values), " ", ","), "[]")
}

// Set implements flag.Value.
func (n numbers[N]) Set(text string) error {
	var all []N
	for part := range strings.SplitSeq(text, ",") {
		value, err := n.parse(part)
		if err != nil {
			return fmt.Errorf("want a number, or several with commas between, got %q", part)
		}
		all = append(all, value)
	}
	*n.values = all
	return nil
}

func parseFloat(text string) (float64, error) { return strconv.ParseFloat(text, 64) }
