package campaign

import (
	"fmt"
	"regexp"
	"strings"

	"lockd/sim/transport"
)

// Params is the parameters of a layer besides the seed.
type Params struct {
	Addr    string         `json:"addr,omitempty"`    // of a Remote server
	TLS     *transport.TLS `json:"tls,omitempty"`     // of a Remote server; nil: what Addr says
	Clients int            `json:"clients,omitempty"` // instead of the number drawn from the seed
	Names   int            `json:"names,omitempty"`   // instead of the number drawn from the seed
}

// Named returns the layer with a name. The error lists the names that exist.
func Named(name string, g Params) (Layer, error) {
	if g.Addr != "" {
		endpoint, err := transport.Parse(g.Addr)
		if g.TLS != nil {
			endpoint.TLS = g.TLS
		}
		return Remote(endpoint, g.Clients, g.Names), err
	}
	var names []string
	for _, layer := range append(Layers(), Canary()) {
		switch {
		case layer.Name != name:
			names = append(names, layer.Name)
		case g != Params{}:
			return Sockets(g.Clients, g.Names), nil
		default:
			return layer, nil
		}
	}
	return Layer{}, fmt.Errorf("there is no layer %q; choose one of %s", name, strings.Join(names, ", "))
}

// Replay returns the command that plays the seed of the failure again.
func (r Report) Replay() string {
	words := []string{r.program(), "sim", "-layer", r.Layer}
	if r.Given != (Params{}) {
		words = []string{r.program(), "soak"}
	}
	if r.Given.Addr != "" {
		words = append(words, "-addr", quote(r.Given.Addr))
	}
	if t := r.Given.TLS; t != nil {
		for _, f := range [][2]string{{"-tls-ca", t.CA}, {"-tls-cert", t.Cert}, {"-tls-key", t.Key}, {"-tls-name", t.Name}} {
			if f[1] != "" {
				words = append(words, f[0], quote(f[1]))
			}
		}
	}
	if r.Given.Clients > 0 {
		words = append(words, fmt.Sprint("-clients ", r.Given.Clients))
	}
	if r.Given.Names > 0 {
		words = append(words, fmt.Sprint("-names ", r.Given.Names))
	}
	return fmt.Sprintf("%s -seed %d -runs 1", strings.Join(words, " "), r.Failure.Seed)
}

// ReplayFile returns the command that plays a file or a folder of the evidence again.
func (r Report) ReplayFile(path string) string { return r.program() + " replay " + quote(path) }

// program returns the name of lockcheck in a command.
func (r Report) program() string {
	if r.Program == "" {
		return "go run ./cmd/lockcheck"
	}
	return quote(r.Program)
}

// plain matches words that need no quotes in a shell.
var plain = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// quote writes a word so that a POSIX shell takes it as one.
func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
