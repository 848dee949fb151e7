package load

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// Mix is how often each command is sent, in relation to the others.
type Mix map[Command]int

// ParseMix reads a mix, such as "exclusive" or "exclusive:8,shared:1,inspect:1".
func ParseMix(text string) (Mix, error) {
	mix := Mix{}
	for part := range strings.SplitSeq(text, ",") {
		name, weight, weighted := strings.Cut(part, ":")
		c, known := commandNames[name]
		n := 1
		var err error
		if weighted {
			n, err = strconv.Atoi(weight)
		}
		if !known || err != nil || n < 1 || n > 1000 {
			return nil, fmt.Errorf("%q in the mix %q: want exclusive, wait, shared or inspect, or one of them with a weight of 1 to 1000, as in exclusive:9,inspect:1", part, text)
		}
		mix[c] += n
	}
	return mix, nil
}

// work is what one connection sends: batches, in turn, again and again.
type work struct {
	batches  [][]byte
	acquires [][]string // with tokens: the names that the batch acquires
	depth    int
}

// largest is how many bytes the requests of all connections may take.
const largest = 1 << 30

// newWork makes the requests of connection number i. The same options, number and prefix
// give the same requests.
func newWork(p Protocol, o Options, prefix string, i int) work {
	random := rand.New(rand.NewPCG(o.Seed, uint64(i)))
	kinds := slices.Sorted(maps.Keys(o.Mix))
	sum := 0
	for _, c := range kinds {
		sum += o.Mix[c]
	}
	pick := func() Command {
		at := random.IntN(sum)
		for _, c := range kinds {
			if at -= o.Mix[c]; at < 0 {
				return c
			}
		}
		panic("unreachable: at is below the sum")
	}
	own, names := 0, o.Names
	if p.tokens {
		names = max(names, o.Depth) // a whole batch is held at once
	}
	name := func() string {
		if o.Contention > 0 && random.Float64() < o.Contention {
			return nameOf(prefix+"s", random.IntN(o.Names), o.NameBytes)
		}
		own++
		return nameOf(fmt.Sprintf("%sc%d.", prefix, i), own%names, o.NameBytes)
	}
	w := work{depth: o.Depth}
	if p.tokens { // acquire in one batch, release in the next
		for range max(o.Names/o.Depth, 1) {
			var batch []byte
			var names []string
			for range o.Depth {
				names = append(names, name())
				batch = p.request[pick()](batch, names[len(names)-1])
			}
			w.batches, w.acquires = append(w.batches, batch), append(w.acquires, names)
		}
		return w
	}
	total := o.Depth * 2 * max(o.Names/o.Depth, 1)
	var batch []byte
	sent := 0
	send := func(c Command, name string) {
		batch = p.request[c](batch, name)
		if sent++; sent%o.Depth == 0 {
			w.batches, batch = append(w.batches, batch), nil
		}
	}
	for sent < total {
		c := pick()
		if total-sent == 1 {
			c = Inspect // a pair has no room; there are inspections, or the rest were even
		}
		n := name()
		send(c, n)
		if release, acquires := c.release(); acquires {
			send(release, n)
		}
	}
	return w
}

// nameOf returns a name of that many bytes, or more if that is too short for the number.
func nameOf(prefix string, number, length int) string {
	name := prefix + strconv.Itoa(number)
	return name + strings.Repeat("x", max(length-len(name), 0))
}
