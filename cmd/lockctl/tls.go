package main

import (
	"crypto/tls"
	"crypto/x509"
	"flag"
	"os"
	"path/filepath"
	"strings"

	"lockd/client"
)

// secure are the flags of TLS. Any of them asks for it.
type secure struct {
	on                  bool
	ca, cert, key, name string
}

// values are the flags that have a value, with their variables of the environment.
func (s *secure) values() []struct {
	flag, variable, usage string
	value                 *string
} {
	return []struct {
		flag, variable, usage string
		value                 *string
	}{
		{"tls-ca", "LOCKD_TLS_CA", "trust the authorities in this PEM `file`, and not the system's", &s.ca},
		{"tls-cert", "LOCKD_CLIENT_CERT", "show the server the certificate in this PEM `file`", &s.cert},
		{"tls-key", "LOCKD_CLIENT_KEY", "the `file` of its key", &s.key},
		{"tls-name", "LOCKD_TLS_NAME", "the server's certificate has this `name`, if it is not the host of the address", &s.name},
	}
}

// add adds the flags.
func (s *secure) add(fs *flag.FlagSet) {
	fs.BoolVar(&s.on, "tls", false, "use TLS over TCP, as with an address tls://HOST:PORT; so do the other flags of TLS")
	for _, v := range s.values() {
		fs.StringVar(v.value, v.flag, os.Getenv(v.variable), v.usage+"; the default is "+v.variable)
	}
}

// wanted says whether a flag or variable asks for TLS.
func (s *secure) wanted() bool { return *s != secure{} }

// options returns the client's option, if TLS is wanted. The files are read each time: they
// may have been renewed.
func (s *secure) options() ([]client.Option, error) {
	if !s.wanted() {
		return nil, nil
	}
	config := &tls.Config{ServerName: s.name}
	if s.ca != "" {
		text, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, usageError("-tls-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, usageError("-tls-ca: %s has no certificate in PEM form", s.ca)
		}
	}
	if (s.cert == "") != (s.key == "") {
		return nil, usageError("-tls-cert and -tls-key go together; they may name one file that has both")
	}
	if s.cert != "" {
		mine, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, usageError("-tls-cert %s, -tls-key %s: %w", s.cert, s.key, err)
		}
		config.Certificates = []tls.Certificate{mine}
	}
	return []client.Option{client.WithTLS(config)}, nil
}

// environment returns the variables by which a command finds the server as lockctl does.
func (s *server) environment() []string {
	addr := s.addr
	if s.secure.wanted() && !strings.HasPrefix(addr, "unix:") && !strings.HasPrefix(addr, "tls://") {
		addr = "tls://" + strings.TrimPrefix(addr, "tcp:")
	}
	all := []string{"LOCKD_ADDR=" + addr}
	for _, v := range s.secure.values() {
		value := *v.value
		if value == "" {
			continue
		}
		if path, err := filepath.Abs(value); err == nil && v.value != &s.secure.name {
			value = path // the command may change its folder
		}
		all = append(all, v.variable+"="+value)
	}
	return all
}
