package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"time"

	"lockd/client"
	"lockd/server"
	"lockd/server/core"
)

// serve runs a server for an example, and returns its address.
func serve() (addr string, stop func()) {
	s := server.New(server.Config{Core: core.Config{Dump: true, Registry: true}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go s.Serve(l)
	return l.Addr().String(), func() { s.Close() }
}

// Acquire waits in line; ending the context gives up the place.
func ExampleClient_Acquire() {
	addr, stop := serve() // 127.0.0.1:9999 in real life
	defer stop()
	ctx := context.Background()

	c, err := client.Dial(ctx, addr)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	lock, err := c.Acquire(ctx, "nightly report")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer lock.Release(ctx)
	fmt.Println("have", lock.Name())

	soon, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	_, err = c.Acquire(soon, "nightly report")
	fmt.Println(errors.Is(err, client.ErrTimeout))
	// Output:
	// have nightly report
	// true
}

// TryAcquire does not wait.
func ExampleClient_TryAcquire() {
	addr, stop := serve()
	defer stop()
	ctx := context.Background()
	c, _ := client.Dial(ctx, addr)
	defer c.Close()

	first, err := c.TryAcquire(ctx, "job")
	fmt.Println(first.Name(), err)
	if _, err := c.TryAcquire(ctx, "job"); errors.Is(err, client.ErrHeld) {
		fmt.Println("somebody else does it")
	}
	// Output:
	// job <nil>
	// somebody else does it
}

// The context of the function ends when the lock is lost.
func ExampleClient_Do() {
	addr, stop := serve()
	ctx := context.Background()
	c, _ := client.Dial(ctx, addr)
	defer c.Close()

	err := c.Do(ctx, "job", func(ctx context.Context) error {
		stop() // the server dies
		<-ctx.Done()
		return context.Cause(ctx)
	})
	fmt.Println(errors.Is(err, client.ErrLost))
	// Output: true
}

// At most three workers at a time.
func ExampleClient_AcquireShared() {
	addr, stop := serve()
	defer stop()
	ctx := context.Background()
	c, _ := client.Dial(ctx, addr)
	defer c.Close()

	for range 4 {
		_, err := c.TryAcquireShared(ctx, "workers", 3)
		fmt.Println(errors.Is(err, client.ErrFull))
	}
	// Output:
	// false
	// false
	// false
	// true
}

// One leads, and when it is gone the next in line.
func ExampleClient_Lead() {
	addr, stop := serve()
	defer stop()
	ctx := context.Background()
	c, _ := client.Dial(ctx, addr, client.WithName("host-1"))
	defer c.Close()

	err := c.Lead(ctx, "scheduler", func(ctx context.Context) error {
		s, err := c.Session(ctx)
		if err != nil {
			return err
		}
		defer s.Close()
		leader, err := s.Leader(ctx, "scheduler")
		fmt.Println(leader, "leads")
		return err
	})
	fmt.Println(err)
	// Output:
	// host-1 leads
	// <nil>
}

// A server whose certificate is of an authority of one's own, and which asks for a
// certificate of the client.
func ExampleWithTLS() {
	ctx := context.Background()
	authority, err := os.ReadFile("authority.pem")
	if err != nil {
		log.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	mine, err := tls.LoadX509KeyPair("me.pem", "me.key")
	if err != nil {
		log.Fatal(err)
	}
	c, err := client.Dial(ctx, "locks.example:9999", client.WithTLS(&tls.Config{
		RootCAs:      pool,
		Certificates: []tls.Certificate{mine},
	}))
	if err != nil {
		log.Fatal(err) // errors.Is(err, client.ErrTLS), if it is about TLS
	}
	defer c.Close()
}

// A session is one connection for many commands.
func ExampleSession() {
	addr, stop := serve()
	defer stop()
	ctx := context.Background()
	c, _ := client.Dial(ctx, addr)
	defer c.Close()
	s, err := c.Session(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close() // releases all its locks

	fmt.Println(s.Get(ctx, "job"))
	held, err := s.Inspect(ctx, "job")
	fmt.Println(held, err)
	holders, err := s.Holders(ctx, "")
	fmt.Println(len(holders), holders[0].Name, err)
	// Output:
	// <nil>
	// true <nil>
	// 1 job <nil>
}
