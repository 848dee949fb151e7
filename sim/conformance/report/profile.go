package report

import (
	"fmt"
	"strings"

	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/transcript"
	"lockd/sim/transport"
)

// Profile describes the server under test: where it listens and, as detected, what kind of
// server it is.
type Profile struct {
	Endpoints []transport.Endpoint `json:"endpoints"`
	Dialect   protocol.Dialect     `json:"dialect"`
	// Guessed is set if the server's replies are those of neither dialect.
	Guessed        bool `json:"dialect_guessed,omitempty"`
	Dump           bool `json:"dump"`            // the dump feature is on
	Registry       bool `json:"registry"`        // the registry is on
	AnswersInvalid bool `json:"answers_invalid"` // unknown commands are answered [BAD-2]
	Extended       bool `json:"extended"`        // it has the extended level [VERSION-1]
	Kill           bool `json:"kill"`            // k may end connections [KILL-2]
	Pipelines      bool `json:"pipelines"`       // commands that arrive together are all executed, over all transports

	Loses   map[string]bool `json:"-"` // transports over which such commands are lost
	Inspect string          `json:"-"` // the reply to i on a free name, with NUL in place of the name
}

// describe returns the profile as lines of text.
func (p *Profile) describe() []string {
	var at []string
	for _, e := range p.Endpoints {
		at = append(at, e.String())
	}
	onOff := map[bool]string{true: "on", false: "off"}
	lines := []string{"at " + strings.Join(at, ", ")}
	dialect := "dialect " + string(p.Dialect)
	if p.Guessed {
		dialect += fmt.Sprintf(" (a guess: a free name is answered %s)", transcript.Quote([]byte(p.InspectReply("NAME"))))
	}
	lines = append(lines, dialect)
	if p.Dialect == protocol.Classic {
		lines = append(lines, "tables in q full "+onOff[p.Dump])
	} else {
		lines = append(lines, fmt.Sprintf("dumps %s, registry %s", onOff[p.Dump], onOff[p.Registry]))
	}
	if p.Extended {
		lines = append(lines, "extended level, kill "+onOff[p.Kill])
	}
	if p.AnswersInvalid {
		lines = append(lines, "unknown commands are answered (BAD-2)")
	}
	for _, e := range p.Endpoints {
		if p.Loses[e.Transport] {
			lines = append(lines, "loses commands that arrive together over "+e.Transport+" (LINE-5)")
		}
	}
	return lines
}

// InspectReply returns the server's reply to an inspection of a free name.
func (p *Profile) InspectReply(name string) string {
	return strings.ReplaceAll(p.Inspect, "\x00", name)
}
