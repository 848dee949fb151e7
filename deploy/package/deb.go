package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// description is that of the package: a line, and paragraphs.
const description = `lock daemon, and tools for it
lockd gives clients exclusive and shared locks on names, over TCP, a unix
socket and WebSockets. The locks of a connection are released when it ends.
.
lockctl runs commands under locks, and shows who holds what. lockcheck tests
lock servers.`

// debianVersion is the version in the order of Debian, where 1.2.3~rc1 is before 1.2.3.
func (r release) debianVersion() string { return strings.Replace(r.version, "-", "~", 1) }

// debianChanges is the changelog that Debian wants.
func (r release) debianChanges() []byte {
	return fmt.Appendf(nil, "lockd (%s) unstable; urgency=medium\n\n  * Release %s: see CHANGELOG.md.gz.\n\n -- %s  %s\n",
		r.debianVersion(), r.version, r.maintainer, r.date.Format(time.RFC1123Z))
}

// content and config are the parts of the configuration of nfpm that are used here.
type content struct {
	Source string         `json:"src"`
	Path   string         `json:"dst"`
	Kind   string         `json:"type,omitempty"`
	Info   map[string]any `json:"file_info"`
}

type config struct {
	Name        string            `json:"name"`
	Arch        string            `json:"arch"`
	Platform    string            `json:"platform"`
	Version     string            `json:"version"`
	Section     string            `json:"section"`
	Priority    string            `json:"priority"`
	Maintainer  string            `json:"maintainer"`
	Description string            `json:"description"`
	License     string            `json:"license"`
	Time        time.Time         `json:"mtime"`
	Contents    []content         `json:"contents"`
	Scripts     map[string]string `json:"scripts"`
}

// writeDeb lets nfpm, whose version tools.mod pins, write the package.
func (r release) writeDeb(path string, files []file) error {
	c := config{
		Name: "lockd", Arch: r.arch, Platform: "linux", Version: r.version,
		Section: "net", Priority: "optional", Maintainer: r.maintainer,
		Description: description, License: "MIT", Time: r.date,
		Scripts: map[string]string{
			"postinstall": "deploy/package/postinst", "preremove": "deploy/package/prerm", "postremove": "deploy/package/postrm",
		},
	}
	for i, f := range files {
		source := filepath.Join(r.work, fmt.Sprint(i))
		if err := os.WriteFile(source, f.data, 0o600); err != nil {
			return err
		}
		kind := ""
		if f.config {
			kind = "config"
		}
		c.Contents = append(c.Contents, content{source, "/" + f.path, kind, map[string]any{"mode": f.mode, "mtime": r.date}})
	}
	text, err := json.Marshal(c) // which is YAML, too
	if err != nil {
		return err
	}
	configPath := filepath.Join(r.work, "nfpm.yaml")
	if err := os.WriteFile(configPath, text, 0o600); err != nil {
		return err
	}
	nfpm := r.goCommand(nil, "tool", "-modfile=deploy/package/tools.mod", "nfpm", "package", "-f", configPath, "-p", "deb", "-t", path)
	if err := nfpm.Run(); err != nil {
		return fmt.Errorf("nfpm: %w", err)
	}
	return nil
}
