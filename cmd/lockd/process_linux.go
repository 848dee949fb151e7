package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of times in /proc, independent of the kernel's tick.
const ticksPerSecond = 100

// runsSince returns the program of a running process, "" if there is none or if it was
// started after that time: then the id was reused.
func runsSince(pid int, t time.Time) (program string) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	open, end := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if err != nil || open < 0 || end < open {
		return ""
	}
	fields := strings.Fields(string(stat[end+1:])) // from the third on
	if len(fields) < 20 {
		return ""
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	boot := bootTime()
	if err != nil || boot.IsZero() {
		return ""
	}
	if started := boot.Add(time.Duration(ticks) * time.Second / ticksPerSecond); started.After(t.Add(time.Second)) {
		return "" // both times are rounded
	}
	return string(stat[open+1 : end])
}

// bootTime returns when the machine was started, in whole seconds.
func bootTime() time.Time {
	stat, _ := os.ReadFile("/proc/stat")
	for line := range strings.Lines(string(stat)) {
		if text, ok := strings.CutPrefix(line, "btime "); ok {
			if seconds, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
				return time.Unix(seconds, 0)
			}
		}
	}
	return time.Time{}
}
