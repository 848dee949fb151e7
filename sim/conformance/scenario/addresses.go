package scenario

import (
	"fmt"
	"net"
	"regexp"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/report"
	"lockd/sim/conformance/transcript"
)

var unixMe = regexp.MustCompile(`^1 (unix:[0-9]+) (unix:[0-9]+)$`)

// unixAddress asks two unix connections for their addresses.
func unixAddress(r *engine.Run) error {
	conns, err := r.Conns("a", "b")
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, c := range conns {
		line, err := r.Request(c, "me")
		if err != nil {
			return err
		}
		m := unixMe.FindStringSubmatch(line)
		if m == nil || m[1] != m[2] {
			return report.Failf(transcript.Quote([]byte(line)), "a line \"1 unix:N unix:N\"")
		}
		if seen[m[1]] {
			return report.Failf(m[1]+" for both", "two connections to have two numbers")
		}
		seen[m[1]] = true
	}
	return nil
}

// addressReuse connects twice from the same port. It tries again if another socket takes
// the port in between.
func addressReuse(r *engine.Run) (err error) {
	for try := range 10 {
		err = reusePort(r, fmt.Sprintf("a%d", try+1))
		if _, taken := err.(report.Skip); !taken {
			return err
		}
	}
	return err
}

// openFrom opens a TCP connection from a local address.
func openFrom(r *engine.Run, name string, local *net.TCPAddr) (*client.Conn, error) {
	raw, err := client.DialFrom(r.Ctx, local, r.On, r.Subject.Timeout)
	if err != nil {
		return nil, err
	}
	r.Log.Note(name, "connects over %s from %s", r.On.Kind(), raw.LocalAddr())
	c := client.New(name, r.On, raw, r.Log, r.Subject.Timeout)
	r.Add(c)
	return c, nil
}

func reusePort(r *engine.Run, first string) error {
	// An explicit bind gives a port without an earlier connection in TIME_WAIT.
	a, err := openFrom(r, first, &net.TCPAddr{})
	if err != nil {
		return err
	}
	name, shared := r.Name(first+"x"), r.Name(first+"y")
	if err := r.WantInt(a, "g "+name, 1); err != nil {
		return err
	}
	if err := r.WantInt(a, "sg "+shared, 1); err != nil {
		return err
	}
	port, err := net.ResolveTCPAddr("tcp", a.LocalAddr())
	if err != nil {
		return err
	}
	a.Reset() // leaves the port free at once
	<-a.Done()
	b, err := openFrom(r, "b", port)
	if err != nil {
		return report.Skip("the port could not be used again: " + err.Error())
	}
	if err := r.WantInt(b, "r "+name, 0); err != nil {
		return err
	}
	if err := r.WantInt(b, "sr "+shared, 0); err != nil {
		return err
	}
	if err := r.Poll(func() error { return r.WantInt(b, "g "+name, 1) }); err != nil {
		return err
	}
	return r.Poll(func() error { return r.WantInt(b, "sg "+shared, 1) })
}
