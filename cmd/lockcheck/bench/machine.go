package bench

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// machine describes this machine.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	kernel := runtime.GOOS
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = "Linux " + strings.TrimSpace(string(text))
	}
	processors := fmt.Sprintf("%d processors", runtime.NumCPU())
	if runtime.NumCPU() == 1 {
		processors = "1 processor" // as taskset allows
	}
	return fmt.Sprintf("%s, %s, %s", model, processors, kernel)
}
