package main

import (
	"fmt"
	"strconv"
	"strings"
)

// numbers is a flag of one number or several, with commas between.
type numbers[N int | float64] []N

// String implements flag.Value.
func (n *numbers[N]) String() string {
	var texts []string
	for _, value := range *n {
		texts = append(texts, fmt.Sprint(value))
	}
	return strings.Join(texts, ",")
}

// Set implements flag.Value.
func (n *numbers[N]) Set(text string) error {
	var read numbers[N]
	for part := range strings.SplitSeq(text, ",") {
		value, err := parseNumber[N](part)
		if err != nil {
			return fmt.Errorf("want a number, or several with commas between, got %q", part)
		}
		read = append(read, value)
	}
	*n = read
	return nil
}

func parseNumber[N int | float64](text string) (n N, err error) {
	switch p := any(&n).(type) {
	case *int:
		*p, err = strconv.Atoi(text)
	case *float64:
		*p, err = strconv.ParseFloat(text, 64)
	}
	return n, err
}
