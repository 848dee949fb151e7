package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// warn prints a warning.
func warn(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "lockctl: "+format+"\n", args...)
}

// printJSON prints a value on one line.
func printJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// printTable prints rows in columns. The first row is the heads.
func printTable(rows [][]string) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// shown is a name as people see it: quoted if it is empty, or a terminal or a table would
// not show it as it is.
func shown(name string) string {
	if quoted := strconv.Quote(name); name == "" || quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// age formats a duration for people, as 3m12s; - if it is not known.
func age(d time.Duration) string {
	switch {
	case d < 0:
		return "-"
	case d < 10*time.Second:
		return d.Truncate(100 * time.Millisecond).String()
	case d < time.Hour:
		return d.Truncate(time.Second).String()
	case d < 24*time.Hour:
		return strings.TrimSuffix(d.Truncate(time.Minute).String(), "0s")
	}
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// known formats a number that is 0 if it is not known.
func known(n uint64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatUint(n, 10)
}

// bound formats the bound of a holder or waiter.
func bound(n int) string {
	if n < 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// table names the table of a lock.
func table(shared bool) string {
	if shared {
		return "shared"
	}
	return "exclusive"
}
