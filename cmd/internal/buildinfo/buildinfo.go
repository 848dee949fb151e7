// Package buildinfo says what a binary was built from. Begin with Version.
package buildinfo

import (
	"cmp"
	"os"
	"runtime/debug"
	"strconv"
	"time"
)

// packaged is the version of the package that the binary is in, which the linker sets
// (-X lockd/cmd/internal/buildinfo.packaged=1.2.3).
var packaged string

// Version returns the version of the package or of the module, and the beginning of the
// commit, "" if it is not known.
func Version() (version, commit string) {
	revision := setting("vcs.revision")
	commit = revision[:min(12, len(revision))]
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	return cmp.Or(packaged, version, "(devel)"), commit
}

// Time returns when the source was made: SOURCE_DATE_EPOCH, or the time of the commit, or
// the current time if neither is known.
func Time() time.Time {
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		return time.Unix(seconds, 0).UTC()
	}
	if t, err := time.Parse(time.RFC3339, setting("vcs.time")); err == nil {
		return t.UTC()
	}
	return time.Now().UTC()
}

// setting returns a setting of the build.
func setting(key string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == key {
				return s.Value
			}
		}
	}
	return ""
}
