package core_test

import (
	"fmt"

	"lockd/server/core"
)

func Example() {
	c := core.New(core.Config{})
	var fx core.Effects
	now := core.Time(0)
	one, _ := c.Open(now, core.Peer{Addr: "10.0.0.1:1"}, &fx)
	two, _ := c.Open(now, core.Peer{Addr: "10.0.0.2:2"}, &fx)
	for _, id := range []core.ID{one, two} {
		fx.Reset()
		c.Receive(now, id, []byte("g job\nsg pool\n"), &fx)
		fmt.Printf("%d: %q\n", id, fx.To(id))
	}
	fmt.Printf("%+v\n", c.Close(now, one, &fx))
	// Output:
	// 1: "1 Lock Get Success: job\n1 Shared Lock Get Success: pool\n"
	// 2: "0 Lock Get Failure: job\n2 Shared Lock Get Success: pool\n"
	// {Exclusive:1 Shared:1}
}
