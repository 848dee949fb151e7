package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lockd/client"
	"lockd/sim/tlstest"
)

// pems are the files of a daemon's certificates.
type pems struct {
	t             *testing.T
	dir           string
	ca            *tlstest.Authority
	cert, key, by string // by is the authority
}

func newPems(t *testing.T) *pems {
	p := &pems{t: t, dir: t.TempDir(), ca: tlstest.NewAuthority(t)}
	p.by = p.ca.WriteFile(p.dir, "ca.pem")
	p.issue(24 * time.Hour)
	return p
}

// issue writes a new certificate, valid for so long from an hour ago.
func (p *pems) issue(valid time.Duration) tls.Certificate {
	p.t.Helper()
	cert := p.ca.Issue(valid, "127.0.0.1")
	p.cert, p.key = tlstest.WriteFiles(p.t, p.dir, "server", cert)
	return cert
}

func (p *pems) flags() []string { return []string{"-tls-cert", p.cert, "-tls-key", p.key} }

func (p *pems) config(own ...tls.Certificate) *tls.Config {
	return &tls.Config{RootCAs: p.ca.Pool(), Certificates: own}
}

// serial returns the serial number of the certificate that a server shows.
func serial(t *testing.T, addr string, config *tls.Config) string {
	t.Helper()
	c, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// TestCertificatesReload replaces the certificate of a busy daemon: locks that are held and
// clients that come and go do not notice.
func TestCertificatesReload(t *testing.T) {
	t.Parallel()
	p := newPems(t)
	d := lockd(t, p.flags()...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := client.Dial(ctx, d.tcp, client.WithTLS(p.config()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	held, err := c.Acquire(ctx, "held")
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	come := make(chan error)
	go func() {
		for n := 0; !stop.Load(); n++ {
			other, err := tls.Dial("tcp", d.tcp, p.config())
			if err != nil {
				come <- fmt.Errorf("client %d: %w", n, err)
				return
			}
			other.SetDeadline(time.Now().Add(patience))
			fmt.Fprintf(other, "g come%d\n", n)
			if _, err := io.ReadFull(other, make([]byte, 1)); err != nil {
				come <- fmt.Errorf("client %d: %w", n, err)
				return
			}
			other.Close()
		}
		come <- nil
	}()
	old := serial(t, d.tcp, p.config())
	for range 5 {
		p.issue(24 * time.Hour)
		d.signal(syscall.SIGHUP)
		if !eventually(func() bool { return serial(t, d.tcp, p.config()) != old }) {
			t.Fatalf("the old certificate is still shown: %s", d.log)
		}
		old = serial(t, d.tcp, p.config())
		if web := serial(t, d.ws, p.config()); web != old {
			t.Errorf("the HTTP port shows certificate %s, the other %s", web, old)
		}
	}
	stop.Store(true)
	if err := <-come; err != nil {
		t.Error(err)
	}

	// What is wrong changes nothing.
	os.WriteFile(p.cert, []byte("nonsense"), 0o600)
	d.signal(syscall.SIGHUP)
	if !eventually(func() bool { return strings.Contains(d.log.String(), "the certificates were not reloaded") }) {
		t.Errorf("the log is silent about a wrong file: %s", d.log)
	}
	if now := serial(t, d.tcp, p.config()); now != old {
		t.Errorf("certificate %s is shown, want %s", now, old)
	}
	if err := held.Release(ctx); err != nil {
		t.Errorf("the lock: %v", err)
	}
	p.issue(time.Minute) // which was over an hour ago
	d.signal(syscall.SIGHUP)
	if !eventually(func() bool { return strings.Contains(d.log.String(), "the certificate has expired") }) {
		t.Errorf("the log is silent about an expired certificate: %s", d.log)
	}
	d.signal(syscall.SIGTERM)
	d.exits(patience)
}

// TestCertificatesOfClients checks that everything over TCP needs a certificate, and that
// its name is shown.
func TestCertificatesOfClients(t *testing.T) {
	t.Parallel()
	p := newPems(t)
	d := lockd(t, append(p.flags(), "-tls-client-ca", p.by)...)
	worker := p.ca.Issue(24*time.Hour, "worker-7")
	c, err := client.Dial(t.Context(), d.tcp, client.WithTLS(p.config(worker)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Acquire(t.Context(), "job"); err != nil {
		t.Fatal(err)
	}
	get := func(config *tls.Config, path string) (string, error) {
		transport := &http.Transport{TLSClientConfig: config}
		defer transport.CloseIdleConnections()
		r, err := (&http.Client{Transport: transport}).Get("https://" + d.ws + path)
		if err != nil {
			return "", err
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		return string(body), err
	}
	if page, err := get(p.config(worker), "/"); err != nil || !strings.Contains(page, "worker-7") || !strings.Contains(page, "certificate") {
		t.Errorf("the page does not name the holder: %v\n%s", err, page)
	}
	metrics, err := get(p.config(worker), "/metrics")
	if err != nil || !strings.Contains(metrics, `lockd_connections{transport="tls"} 1`) || !strings.Contains(metrics, "lockd_tls_certificate_expiry_seconds 1.") {
		t.Errorf("metrics: %v\n%s", err, metrics)
	}
	if page, err := get(p.config(), "/"); err == nil {
		t.Errorf("without a certificate the page is shown: %s", page)
	}
	asked(t, "unix", d.unix, "unix-sockets-need-none")
	if plain, err := client.Dial(t.Context(), d.tcp); !errors.Is(err, client.ErrTLS) {
		t.Errorf("a client without TLS is told %v", err)
		plain.Close()
	}
}

// TestCertificatesWrong checks the errors of files and flags, with -check and without.
func TestCertificatesWrong(t *testing.T) {
	t.Parallel()
	p := newPems(t)
	other := p.ca.Issue(24*time.Hour, "127.0.0.1")
	_, otherKey := tlstest.WriteFiles(t, t.TempDir(), "other", other)
	for want, flags := range map[string][]string{
		"-tls-cert and -tls-key go together: give both, or none":                     {"-tls-cert", p.cert},
		"-tls-client-ca needs -tls-cert and -tls-key":                                {"-tls-client-ca", p.by},
		"private key does not match public key":                                      {"-tls-cert", p.cert, "-tls-key", otherKey},
		"cannot use -tls-cert /nowhere and -tls-key":                                 {"-tls-cert", "/nowhere", "-tls-key", p.key},
		"cannot use -tls-client-ca " + p.key + ": it has no certificate in PEM form": append(p.flags(), "-tls-client-ca", p.key),
		"cannot use -tls-client-ca: open /nowhere: no such file or directory":        append(p.flags(), "-tls-client-ca", "/nowhere"),
	} {
		for _, check := range []bool{false, true} {
			if check {
				flags = append(flags, "-check")
			}
			d := newLive(t, "", append([]string{"-port", "-1", "-ws", "0"}, flags...)...)
			d.cmd.Stderr = d.log
			d.start()
			<-d.exited
			if got := d.log.String(); d.cmd.ProcessState.Success() || !strings.Contains(got, want) {
				t.Errorf("%q: it ended with %v and\n%swant %s", flags, d.cmd.ProcessState, got, want)
			}
		}
	}
}
