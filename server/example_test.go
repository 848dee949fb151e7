package server_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"time"

	"lockd/server"
)

func Example() {
	l, err := server.ListenTCP("127.0.0.1", 0, 30*time.Second, 30*time.Second)
	if err != nil {
		panic(err)
	}
	s := server.New(server.Config{Loops: 1, WriteTimeout: 30 * time.Second})
	served := make(chan error)
	go func() { served <- s.Serve(l) }()

	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		panic(err)
	}
	fmt.Fprint(c, "g job\n")
	reply, _ := bufio.NewReader(c).ReadString('\n')
	fmt.Print(reply)
	c.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(s.Shutdown(ctx), <-served)
	// Output:
	// 1 Lock Get Success: job
	// <nil> the server is closed
}
