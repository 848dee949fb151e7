package main

import (
	"flag"

	"lockd/sim/transport"
)

// tlsFlags are the flags of TLS, which conform and soak have. Any of them asks for it.
type tlsFlags struct {
	on bool
	transport.TLS
}

func (f *tlsFlags) add(flags *flag.FlagSet) {
	flags.BoolVar(&f.on, "tls", false, "use TLS over TCP, as with tls://HOST:PORT; so do the other flags of TLS, which also count for wss://")
	flags.StringVar(&f.CA, "tls-ca", "", "trust the authorities in this PEM `file`, and not the system's")
	flags.StringVar(&f.Cert, "tls-cert", "", "show the server the certificate in this PEM `file`")
	flags.StringVar(&f.Key, "tls-key", "", "the `file` of its key")
	flags.StringVar(&f.Name, "tls-name", "", "the server's certificate has this `name`, if it is not the host of the address")
}

// apply makes an endpoint use TLS if the flags, or its address, ask for it.
func (f *tlsFlags) apply(e *transport.Endpoint) error {
	wanted := f.on || f.CA != "" || f.Cert != "" || f.Key != "" || f.Name != ""
	if wanted && e.Transport == transport.TCP || e.TLS != nil {
		e.TLS = &f.TLS
	}
	if err := f.Check(); err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}
