//go:build linux && (amd64 || arm64)

package kernel

import (
	"os"
	"strconv"
	"strings"
)

// losses returns a counter of the kernel that grows only while the whole machine is short
// of TCP memory. The kernel then drops data that it has taken, and gives no more room.
func losses() (n int) {
	text, _ := os.ReadFile("/proc/net/netstat")
	lines := strings.Split(string(text), "\n")
	for i := 0; i+1 < len(lines); i += 2 { // names, and then values
		names, values := strings.Fields(lines[i]), strings.Fields(lines[i+1])
		for j, name := range names {
			switch name {
			case "TCPMemoryPressures", "TCPMemoryPressuresChrono", "TCPRcvQDrop":
				value, _ := strconv.Atoi(values[j])
				n += value
			}
		}
	}
	return n
}
