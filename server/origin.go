package server

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"strings"
)

// Origin says which browser pages may open a WebSocket. Make one with ParseOrigin;
// the zero value matches none.
type Origin struct {
	any    bool
	scheme string // "" matches any
	host   string // a name in which * matches any part, or an address
	port   string // as in the Origin header; "*" matches any
}

// null is the origin of pages without one, such as files.
const null = "null"

// ParseOrigin parses an origin: https://example.com, http://[::1]:3000,
// example.com:8443 with any scheme, *.example.com, null for pages without an origin, or
// * for all.
func ParseOrigin(text string) (Origin, error) {
	lower := strings.ToLower(strings.TrimSuffix(text, "/"))
	switch {
	case lower == "*":
		return Origin{any: true}, nil
	case lower == null:
		return Origin{host: null}, nil
	}
	scheme, rest, found := strings.Cut(lower, "://")
	if !found {
		scheme, rest = "", lower
	}
	switch {
	case scheme == "file":
		return Origin{}, errors.New("the origin of pages in files is null")
	case found && !isScheme(scheme):
		return Origin{}, fmt.Errorf("%q is not a scheme: want one such as https", scheme)
	case strings.ContainsAny(rest, "/?#"):
		return Origin{}, errors.New("an origin ends with its host and port, without a path")
	case strings.ContainsAny(rest, "@"):
		return Origin{}, errors.New("an origin has no user")
	}
	host, port := splitPort(rest)
	if err := checkHost(host); err != nil {
		return Origin{}, err
	}
	if port != "" && port != "*" && !isPort(port) {
		return Origin{}, fmt.Errorf("%q is not a port", port)
	}
	if scheme == "" && (port == "80" || port == "443") {
		scheme = map[string]string{"80": "http", "443": "https"}[port] // browsers leave them out
	}
	return Origin{scheme: scheme, host: plainHost(host), port: sayPort(scheme, port)}, nil
}

// checkHost returns an error for a host that no page can have.
func checkHost(host string) error {
	if strings.HasPrefix(host, "[") {
		if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err != nil || !addr.Is6() {
			return fmt.Errorf("%q is not an IPv6 address", host)
		}
		return nil
	}
	for _, r := range host {
		switch {
		case r > 0x7f:
			return errors.New("browsers send such names in ASCII, beginning with xn--")
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', strings.ContainsRune("-._*", r):
		default:
			return fmt.Errorf("a host cannot contain %q; IPv6 addresses need brackets", r)
		}
	}
	if host == "" {
		return errors.New("it has no host")
	}
	return nil
}

// matches says whether the origin of a page, in lower case, matches.
func (o Origin) matches(page *url.URL) bool {
	if o.any {
		return true
	}
	host, port := splitPort(page.Host)
	matched, err := path.Match(o.host, plainHost(host))
	return err == nil && matched &&
		(o.scheme == "" || o.scheme == page.Scheme) &&
		(o.port == "*" || o.port == sayPort(page.Scheme, port))
}

// mayOpen says whether a handshake is allowed (WS-4): it comes from no browser page,
// or from a page of the server's own or of an allowed origin.
func mayOpen(r *http.Request, allowed []Origin) bool {
	given := r.Header.Values("Origin")
	if len(given) == 0 {
		return true
	}
	text := strings.ToLower(given[0])
	page, err := url.Parse(text)
	if text == null {
		page = &url.URL{Host: null}
	} else if err != nil || page.Host == "" || len(given) > 1 {
		page = &url.URL{} // matches only *
	}
	for _, o := range allowed {
		if o.matches(page) {
			return true
		}
	}
	return page.Scheme != "" && isOwn(r, page)
}

// mayRead says whether a request may be answered that is not a handshake. A page of
// another origin cannot read the answer, unless it has made its own name resolve to this
// server, which on loopback anybody can: there the name must be a loopback name, or that of
// an allowed origin. Without a name it is HTTP/1.0, which no browser sends.
func mayRead(r *http.Request, allowed []Origin) bool {
	if !mayOpen(r, allowed) {
		return false
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); !ok || !IsLoopback(local) {
		return ok
	}
	name, _ := splitPort(strings.ToLower(r.Host))
	if name == "" || isLoopbackHost(plainHost(name)) {
		return true
	}
	for _, o := range allowed {
		if matched, err := path.Match(o.host, plainHost(name)); o.any || err == nil && matched {
			return true
		}
	}
	return false
}

// isOwn says whether a page is of the server's own origin. Anybody can make a name
// resolve to a loopback address for a moment (DNS rebinding): if the server is reached
// there, the name must be a loopback name.
func isOwn(r *http.Request, page *url.URL) bool {
	host, port := splitPort(page.Host)
	own, ownPort := splitPort(strings.ToLower(r.Host))
	if plainHost(host) != plainHost(own) || sayPort(page.Scheme, port) != sayPort(page.Scheme, ownPort) {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && (!IsLoopback(local) || isLoopbackHost(plainHost(host)))
}

// IsLoopback says whether only this machine reaches an address: a unix socket, or a
// loopback address of TCP.
func IsLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return !ok || tcp.IP.IsLoopback()
}

func isLoopbackHost(host string) bool {
	host = strings.TrimSuffix(host, ".")
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback() || host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// splitPort splits off the port, which is "" if there is none.
func splitPort(hostport string) (host, port string) {
	i := strings.LastIndexByte(hostport, ':')
	if i < 0 || strings.HasSuffix(hostport, "]") {
		return hostport, ""
	}
	return hostport[:i], hostport[i+1:]
}

// plainHost returns a host in the form used for comparison, since addresses have many
// forms.
func plainHost(host string) string {
	inside := strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if addr, err := netip.ParseAddr(inside); err == nil {
		return addr.String()
	}
	return host
}

// sayPort returns a port as in the Origin header: "" for the default of the scheme.
func sayPort(scheme, port string) string {
	if scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return ""
	}
	return port
}

func isScheme(text string) bool {
	return text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

func isPort(text string) bool {
	_, err := netip.ParseAddrPort("0.0.0.0:" + text)
	return err == nil
}
