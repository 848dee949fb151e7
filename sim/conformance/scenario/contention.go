package scenario

import (
	"fmt"
	"sync"

	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/report"
)

// The sizes of the scenarios about contention.
const (
	rivals   = 12 // connections
	contests = 8  // rounds
)

// oneWinner makes many connections get one free name at once.
func oneWinner(r *engine.Run) error {
	conns, err := r.Crowd(rivals)
	if err != nil {
		return err
	}
	for round := range contests {
		name := r.Name(fmt.Sprintf("prize%d", round+1))
		won := make([]int, len(conns))
		err := engine.Each(len(conns), func(i int) (err error) {
			won[i], err = r.AskInt(conns[i], "g "+name)
			return err
		})
		if err != nil {
			return err
		}
		winners := 0
		for _, n := range won {
			winners += n
		}
		if winners != 1 {
			return report.Failf(fmt.Sprintf("%d of %d connections got it", winners, len(conns)),
				"exactly one yes to %d simultaneous \"g %s\"", len(conns), name)
		}
	}
	return nil
}

// countsInTurn makes many connections share one name at once, and release it.
func countsInTurn(r *engine.Run) error {
	conns, err := r.Crowd(rivals)
	if err != nil {
		return err
	}
	for round := range contests {
		name := r.Name(fmt.Sprintf("pool%d", round+1))
		seen := make([]int, len(conns))
		err := engine.Each(len(conns), func(i int) (err error) {
			seen[i], err = r.AskInt(conns[i], "sg "+name)
			return err
		})
		if err != nil {
			return err
		}
		times := make([]int, len(conns)+1)
		for _, n := range seen {
			if n < 1 || n > len(conns) || times[n] > 0 {
				return report.Failf(fmt.Sprint("the counts ", seen),
					"each of the counts 1 to %d once, in answer to %[1]d simultaneous \"sg %s\"", len(conns), name)
			}
			times[n]++
		}
		if err := r.WantInt(conns[0], "si "+name, len(conns)); err != nil {
			return err
		}
		if err := engine.Each(len(conns), func(i int) error { return r.WantInt(conns[i], "sr "+name, 1) }); err != nil {
			return err
		}
		if err := r.WantInt(conns[0], "si "+name, 0); err != nil {
			return err
		}
	}
	return nil
}

// handOver makes connections contend for one name, and checks that there is only one
// holder at a time and that the name can be got after every release.
func handOver(r *engine.Run) error {
	conns, err := r.Crowd(6)
	if err != nil {
		return err
	}
	const turns, tries = 20, 20000
	name := r.Name("turn")
	var mu sync.Mutex
	holders, taken := 0, 0
	return engine.Each(len(conns), func(i int) error {
		for range tries {
			n, err := r.AskInt(conns[i], "g "+name)
			if err != nil {
				return err
			}
			if n == 0 {
				mu.Lock()
				over := taken >= turns
				mu.Unlock()
				if over {
					return nil
				}
				continue
			}
			mu.Lock()
			holders++
			taken++
			now, over := holders, taken >= turns
			mu.Unlock()
			if now != 1 {
				return report.Failf(fmt.Sprintf("%d connections hold it", now), "one holder of %s at a time", name)
			}
			if err := r.WantInt(conns[i], "i "+name, 1); err != nil {
				return err
			}
			mu.Lock()
			holders--
			mu.Unlock()
			if err := r.WantInt(conns[i], "r "+name, 1); err != nil {
				return err
			}
			if over {
				return nil
			}
		}
		return report.Failf(fmt.Sprintf("it was got %d times", taken), "it to be got %d times: after every release it is free", turns)
	})
}
