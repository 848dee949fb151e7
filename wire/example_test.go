package wire_test

import (
	"fmt"

	"lockd/wire"
)

func Example() {
	var lines wire.Splitter
	var parser wire.Parser
	for _, packet := range []string{"g jo", "b\r\nq full\n"} {
		for data := []byte(packet); len(data) > 0; {
			line, rest, split := lines.Next(data)
			if data = rest; split == wire.WholeLine {
				r := parser.Parse(line)
				fmt.Printf("%v %q\n", r.Command, r.Name)
			}
		}
	}
	fmt.Printf("%q\n", wire.Glockd.AppendLock(nil, wire.Get, 1, []byte("job")))
	// Output:
	// g "job"
	// q "full"
	// "1 Lock Get Success: job\n"
}
