package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"lockd/sim/conformance/client"
	"lockd/sim/conformance/engine"
	"lockd/sim/conformance/protocol"
	"lockd/sim/conformance/report"
)

// The scenarios of this file end connections that hold several locks while others observe
// the locks, and check that a release is never seen in part.

// bundle is how many names in each table an owner holds.
const bundle = 7

// owners opens n connections. Owner i acquires the names own<i>x<1…bundle> with each of
// the commands. watcher is one more connection, to look on.
func owners(r *engine.Run, n int, commands ...string) (conns []*client.Conn, watcher *client.Conn, err error) {
	for i := range n {
		c, err := r.Conn(fmt.Sprintf("owner%d", i+1))
		if err != nil {
			return nil, nil, err
		}
		conns = append(conns, c)
		for j := range bundle {
			for _, command := range commands {
				name := r.Name(fmt.Sprintf("own%dx%d", i+1, j+1))
				if err := r.WantInt(c, command+" "+name, 1); err != nil {
					return nil, nil, err
				}
			}
		}
	}
	watcher, err = r.Conn("watcher")
	return conns, watcher, err
}

// during ends the connections one by one while it calls look repeatedly, and five more
// times afterwards.
func during(conns []*client.Conn, look func() error) error {
	var ending sync.WaitGroup
	ending.Go(func() {
		for _, c := range conns {
			c.Close()
		}
	})
	ended := make(chan struct{})
	go func() {
		ending.Wait()
		close(ended)
	}()
	defer ending.Wait()
	for {
		select {
		case <-ended:
			for range 5 { // the server may still be releasing
				if err := look(); err != nil {
					return err
				}
			}
			return nil
		default:
			if err := look(); err != nil {
				return err
			}
		}
	}
}

// releasedInOneStep inspects the names of an ending connection one after the other, in
// both directions: after the first free name all must be free.
func releasedInOneStep(r *engine.Run) error {
	for round := range 6 {
		holder, err := r.Conn(fmt.Sprintf("holder%d", round+1))
		if err != nil {
			return err
		}
		var names []string
		for i := range 12 {
			names = append(names, r.Name(fmt.Sprintf("step%dx%d", round+1, i+1)))
			if err := r.WantInt(holder, "g "+names[i], 1); err != nil {
				return err
			}
		}
		watchers, err := r.Conns("watcher1", "watcher2")
		if err != nil {
			return err
		}
		holder.Close()
		err = engine.Each(len(watchers), func(w int) error { return watchRelease(r, watchers[w], names, w == 1) })
		if err != nil {
			return err
		}
	}
	return nil
}

func watchRelease(r *engine.Run, c *client.Conn, names []string, backwards bool) error {
	names = slices.Clone(names)
	if backwards {
		slices.Reverse(names)
	}
	free := ""
	for deadline := time.Now().Add(r.Subject.Timeout); free == ""; {
		for _, name := range names {
			n, err := r.AskInt(c, "i "+name)
			switch {
			case err != nil:
				return err
			case n == 0:
				free = name
			case free != "":
				return report.Failf(name+" was still held", "all locks of the closed connection to be free, as %s was free before", free)
			}
		}
		if free == "" && time.Now().After(deadline) {
			return report.Failf("all of its names are still held", "the locks of the closed connection to be released")
		}
	}
	return nil
}

// statisticsInOneStep compares the figures of every q with each other.
func statisticsInOneStep(r *engine.Run) error {
	conns, watcher, err := owners(r, 10, "g", "sg")
	if err != nil {
		return err
	}
	first, err := r.Statistics(watcher)
	if err != nil {
		return err
	}
	return during(conns, func() error {
		now, err := r.Statistics(watcher)
		if err != nil {
			return err
		}
		gone := func(key string) int { return first.Figures[key] - now.Figures[key] }
		ok := gone("locks") == -gone("orphans") && gone("locks")%bundle == 0 &&
			gone("shared_locks") == -gone("shared_orphans")
		if r.Subject.Dialect == protocol.Glockd {
			ok = ok && gone("locks") == gone("shared_locks")
		}
		if ok {
			return nil
		}
		return report.Failf(engine.Listing(now.Lines), "locks to fall and orphans to rise together, %d in each table for each connection that ended", bundle)
	})
}

var ownName = regexp.MustCompile(`own([0-9]+)x[0-9]+-`)

// dumpInOneStep counts the names of every owner in every dump.
func dumpInOneStep(r *engine.Run) error {
	conns, watcher, err := owners(r, 10, "g", "sg")
	if err != nil {
		return err
	}
	questions := []string{"dump", "dump shared", "d", "sd"}
	if r.Subject.Dialect == protocol.Classic {
		questions = []string{"q full"}
	}
	asked := 0
	return during(conns, func() error {
		question := questions[asked%len(questions)]
		asked++
		lines, err := r.Answer(watcher, question)
		if err != nil {
			return err
		}
		counts := map[string]int{}
		for _, m := range ownName.FindAllStringSubmatch(strings.Join(lines, "\n"), -1) {
			counts[m[1]]++
		}
		for owner, n := range counts {
			whole := bundle
			if question == "q full" {
				whole *= 2
			}
			if n != whole {
				return report.Failf(fmt.Sprintf("%d of them", n), "%q to show all %d names of connection owner%s, or none", question, whole, owner)
			}
		}
		return nil
	})
}

// fullInOneStep compares the figures of q full with the tables below them, while other
// connections get and release.
func fullInOneStep(r *engine.Run) error {
	watcher, err := r.Conn("watcher")
	if err != nil {
		return err
	}
	const busy = 4
	conns, err := r.Crowd(busy)
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	var working sync.WaitGroup
	for i, c := range conns {
		working.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				name := r.Name("n" + strconv.Itoa(i+1) + "x" + strconv.Itoa(n%9))
				for _, command := range []string{"g ", "sg ", "r ", "sr "} {
					if _, err := r.AskInt(c, command+name); err != nil {
						return // other cases are about that
					}
				}
			}
		})
	}
	defer working.Wait()
	defer close(stop)
	for range 30 {
		if err := compareFull(r, watcher); err != nil {
			return err
		}
	}
	return nil
}

func compareFull(r *engine.Run, c *client.Conn) error {
	lines, err := r.Answer(c, "q full")
	if err != nil {
		return err
	}
	figures := engine.ParseStatistics(lines).Figures
	shown := strings.Count(strings.Join(lines, "\n"), "-"+r.Tag)
	counted := figures["locks"] + figures["shared_locks"] // of both tables in the classic dialect
	if shown != counted {
		return report.Failf(fmt.Sprintf("figures for %d names above tables of %d:\n%s", counted, shown, engine.Listing(lines)),
			"the figures and the tables of one q full to agree")
	}
	return nil
}
