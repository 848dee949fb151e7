package main

import (
	"context"
	"crypto/tls"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockd/server"
	"lockd/sim/campaign"
	"lockd/sim/tlstest"
	"lockd/sim/transport"
)

// TestTLSFlags checks conform and soak over TLS, with a server that wants a certificate.
func TestTLSFlags(t *testing.T) {
	silence(t)
	s := server.New(server.Config{})
	t.Cleanup(func() { s.Shutdown(context.Background()) })
	plain := listen(t, func(l net.Listener) { s.Serve(l) })
	web := listen(t, func(l net.Listener) { s.ServeWebSocket(l) })
	ca, dir := tlstest.NewAuthority(t), t.TempDir()
	pem := ca.WriteFile(dir, "ca.pem")
	mine, key := tlstest.WriteFiles(t, dir, "me", ca.Issue(24*time.Hour, "me"))
	config := &tls.Config{
		Certificates: []tls.Certificate{ca.Issue(24*time.Hour, "locks.example")},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(),
	}
	front, wss := tlstest.Listen(t, config, "tcp", plain), "wss://"+tlstest.Listen(t, config, "tcp", web)+"/"
	own := tlstest.Listen(t, &tls.Config{Certificates: []tls.Certificate{ca.Issue(24*time.Hour, "127.0.0.1")}}, "tcp", plain)
	all := " -tls-ca " + pem + " -tls-cert " + mine + " -tls-key " + key + " -tls-name locks.example"
	conform, soak := "conform -quiet -run get-* -addr ", "soak -runs 3 -seed 1 -addr "
	for _, c := range []struct {
		args string
		want int
	}{
		{conform + front + all, exitClean},
		{conform + own + " -tls-ca " + pem, exitClean},
		{conform + "tls://" + front + all, exitClean},
		{"conform -quiet -run get-* -ws " + wss + all, exitClean},
		{soak + front + all, exitClean},
		{soak + "tls://" + front + all, exitClean},
		{soak + wss + all, exitClean},
		{conform + front + " -tls", exitBroken},
		{conform + front, exitBroken},
		{conform + plain + all, exitBroken},
		{conform + front + " -tls-name locks.example -tls-ca " + pem, exitBroken},
		{conform + front + all + " -tls-name other.example", exitBroken},
		{soak + front + " -tls", exitBroken},
		{conform + front + " -tls-ca " + filepath.Join(dir, "missing"), exitUsage},
		{conform + front + " -tls-ca " + key, exitUsage},
		{soak + front + " -tls-cert " + mine, exitUsage},
		{soak + front + " -tls-cert " + mine + " -tls-key " + pem, exitUsage},
	} {
		t.Run(strings.ReplaceAll(c.args, dir, ""), func(t *testing.T) {
			if got := run(strings.Fields(c.args)); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
	// The command that plays a seed again has the flags, and so has a file of the evidence.
	endpoint := transport.Endpoint{Transport: transport.TCP, Address: front, TLS: &transport.TLS{CA: pem, Cert: mine, Key: key, Name: "locks.example"}}
	r := campaign.Report{Layer: "soak", Given: campaign.Remote(endpoint, 0, 0).Given, Failure: &campaign.Failure{Seed: 7}}
	if replay := r.Replay(); !strings.Contains(replay, "soak -addr tls://"+front+all+" -seed 7") {
		t.Errorf("it is played again by %s", replay)
	}
	again, err := campaign.Named("soak", r.Given)
	if err != nil || again.Given.TLS != endpoint.TLS {
		t.Errorf("%+v, %v", again.Given, err)
	}
}
