package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lockd/server"
)

// certificates are the files of -tls-cert, -tls-key and -tls-client-ca, and what they held
// when they were last read. nil is no TLS.
type certificates struct {
	cert, key, clientCA string
	current             atomic.Pointer[tls.Config]
	expires             atomic.Int64 // Unix time in seconds of the end of the certificate
}

// loadCertificates reads the files; nil if the options have none.
func loadCertificates(o *options) (*certificates, error) {
	if o.tlsCert == "" {
		return nil, nil
	}
	c := &certificates{cert: o.tlsCert, key: o.tlsKey, clientCA: o.tlsClientCA}
	return c, c.load()
}

// load reads the files. If one of them is wrong, what was read before stays.
func (c *certificates) load() error {
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("cannot use -tls-cert %s and -tls-key %s: %w", c.cert, c.key, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if c.clientCA != "" {
		text, err := os.ReadFile(c.clientCA)
		if err != nil {
			return fmt.Errorf("cannot use -tls-client-ca: %w", err)
		}
		config.ClientCAs, config.ClientAuth = x509.NewCertPool(), tls.RequireAndVerifyClientCert
		if !config.ClientCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("cannot use -tls-client-ca %s: it has no certificate in PEM form", c.clientCA)
		}
	}
	c.expires.Store(pair.Leaf.NotAfter.Unix())
	c.current.Store(config)
	return nil
}

// config returns the configuration of listeners, which follows what is loaded.
func (c *certificates) config() *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return c.current.Load(), nil }}
}

// warn warns about a certificate that clients will refuse.
func (c *certificates) warn(log *slog.Logger) {
	if expires := time.Unix(c.expires.Load(), 0); time.Now().After(expires) {
		log.Warn("the certificate has expired: clients will not connect", "tls-cert", c.cert, "expired", expires.UTC())
	}
}

// reload reads the files again at each SIGHUP, until stop is called. Connections that are
// open stay as they are.
func (c *certificates) reload(log *slog.Logger) (stop func()) {
	if c == nil {
		return func() {}
	}
	c.warn(log)
	hangups, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(hangups, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-over:
				return
			case <-hangups:
			}
			if err := c.load(); err != nil {
				log.Error("the certificates were not reloaded; those that were read before stay in use", "error", err)
				continue
			}
			log.Info("reloaded the certificates", "tls-cert", c.cert)
			c.warn(log)
		}
	}()
	return func() {
		signal.Stop(hangups)
		signal.Ignore(syscall.SIGHUP)
		close(over)
	}
}

// metrics are nil without TLS.
func (c *certificates) metrics() []prometheus.Collector {
	if c == nil {
		return nil
	}
	return []prometheus.Collector{prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lockd_tls_certificate_expiry_seconds", Help: "Unix time at which the certificate in use expires.",
	}, func() float64 { return float64(c.expires.Load()) })}
}

// serving returns what serves the listeners of a protocol. Unix sockets never speak TLS.
func (c *certificates) serving(s *server.Server, protocol string) func(net.Listener) error {
	switch {
	case protocol == "ws" && c != nil:
		return func(l net.Listener) error { return s.ServeWebSocketTLS(l, c.config()) }
	case protocol == "ws":
		return s.ServeWebSocket
	case protocol == "tcp" && c != nil:
		return func(l net.Listener) error { return s.ServeTLS(l, c.config()) }
	}
	return s.Serve
}

// authenticated says whether clients over TCP need a certificate.
func (c *certificates) authenticated() bool { return c != nil && c.clientCA != "" }

// settleTLS returns an error for flags of TLS that conflict.
func (o *options) settleTLS() error {
	switch {
	case (o.tlsCert == "") != (o.tlsKey == ""):
		return errors.New("-tls-cert and -tls-key go together: give both, or none")
	case o.tlsClientCA != "" && o.tlsCert == "":
		return errors.New("-tls-client-ca needs -tls-cert and -tls-key: without TLS clients cannot show a certificate")
	}
	return nil
}
