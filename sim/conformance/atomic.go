package conformance

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The scenarios of this file end connections that hold several locks while
// others look on, and expect nobody to see half of it.

// bundle is how many names of a table each owner holds.
const bundle = 7

// owners opens n connections; owner i holds the names own<i>x<1…bundle> in the
// tables of the given commands.
func (r *run) owners(n int, commands ...string) ([]*conn, error) {
	var conns []*conn
	for i := range n {
		c, err := r.conn(fmt.Sprintf("owner%d", i+1))
		if err != nil {
			return nil, err
		}
		conns = append(conns, c)
		for j := range bundle {
			for _, command := range commands {
				name := r.name(fmt.Sprintf("own%dx%d", i+1, j+1))
				if err := r.wantInt(c, command+" "+name, 1); err != nil {
					return nil, err
				}
			}
		}
	}
	return conns, nil
}

// during ends the connections one by one while look is called again and again,
// and once more afterwards.
func (r *run) during(conns []*conn, look func() error) error {
	var ending sync.WaitGroup
	ending.Go(func() {
		for _, c := range conns {
			r.log.note(c.name, "close (by the client)")
			c.t.close()
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
			for range 5 { // the server may still be at it
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

// releasedInOneStep inspects the names of an ending connection one after the
// other, in both directions: after the first that is free, all are.
func releasedInOneStep(r *run) error {
	for round := range 6 {
		holder, err := r.conn(fmt.Sprintf("holder%d", round+1))
		if err != nil {
			return err
		}
		var names []string
		for i := range 12 {
			names = append(names, r.name(fmt.Sprintf("step%dx%d", round+1, i+1)))
			if err := r.wantInt(holder, "g "+names[i], 1); err != nil {
				return err
			}
		}
		watchers := make([]*conn, 2)
		for i := range watchers {
			if watchers[i], err = r.conn(fmt.Sprintf("watcher%d", i+1)); err != nil {
				return err
			}
		}
		r.log.note(holder.name, "close (by the client)")
		holder.t.close()
		err = each(len(watchers), func(w int) error { return r.watchRelease(watchers[w], names, w == 1) })
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) watchRelease(c *conn, names []string, backwards bool) error {
	names = slices.Clone(names)
	if backwards {
		slices.Reverse(names)
	}
	free := ""
	for deadline := time.Now().Add(r.suite.opts.Timeout); free == ""; {
		for _, name := range names {
			n, err := r.askInt(c, "i "+name)
			switch {
			case err != nil:
				return err
			case n == 0:
				free = name
			case free != "":
				return failf(name+" was still held", "all locks of the closed connection to be free, as %s was free before", free)
			}
		}
		if free == "" && time.Now().After(deadline) {
			return failf("all of its names are still held", "the locks of the closed connection to be released")
		}
	}
	return nil
}

// statisticsInOneStep compares the figures of every q with each other.
func statisticsInOneStep(r *run) error {
	conns, err := r.owners(10, "g", "sg")
	if err != nil {
		return err
	}
	watcher, err := r.conn("watcher")
	if err != nil {
		return err
	}
	first, err := r.snapshot(watcher)
	if err != nil {
		return err
	}
	return r.during(conns, func() error {
		now, err := r.snapshot(watcher)
		if err != nil {
			return err
		}
		gone := func(key string) int { return first.figures[key] - now.figures[key] }
		ok := gone("locks") == -gone("orphans") && gone("locks")%bundle == 0 &&
			gone("shared_locks") == -gone("shared_orphans")
		if r.suite.server.Dialect == Glockd {
			ok = ok && gone("locks") == gone("shared_locks")
		}
		if ok {
			return nil
		}
		return failf(listing(now.lines), "locks to fall and orphans to rise together, %d in each table for each connection that ended", bundle)
	})
}

var ownName = regexp.MustCompile(`own([0-9]+)x[0-9]+-`)

// dumpInOneStep counts the names of every owner in every dump.
func dumpInOneStep(r *run) error {
	conns, err := r.owners(10, "g", "sg")
	if err != nil {
		return err
	}
	watcher, err := r.conn("watcher")
	if err != nil {
		return err
	}
	questions := []string{"dump", "dump shared", "d", "sd"}
	if r.suite.server.Dialect == Classic {
		questions = []string{"q full"}
	}
	asked := 0
	return r.during(conns, func() error {
		question := questions[asked%len(questions)]
		asked++
		if err := r.broken(watcher, watcher.send([]byte(question+"\n"), packet)); err != nil {
			return err
		}
		lines, err := r.untilSentinel(watcher)
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
				return failf(fmt.Sprintf("%d of them", n), "%q to show all %d names of connection owner%s, or none", question, whole, owner)
			}
		}
		return nil
	})
}

// fullInOneStep compares the figures of q full with the tables below them,
// while others get and release.
func fullInOneStep(r *run) error {
	watcher, err := r.conn("watcher")
	if err != nil {
		return err
	}
	const busy = 4
	conns, err := r.crowd(busy)
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
				name := r.name("n" + strconv.Itoa(i+1) + "x" + strconv.Itoa(n%9))
				for _, command := range []string{"g ", "sg ", "r ", "sr "} {
					if _, err := r.askInt(c, command+name); err != nil {
						return // other cases are about that
					}
				}
			}
		})
	}
	defer working.Wait()
	defer close(stop)
	for range 30 {
		if err := r.compareFull(watcher); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) compareFull(c *conn) error {
	if err := r.broken(c, c.send([]byte("q full\n"), packet)); err != nil {
		return err
	}
	lines, err := r.untilSentinel(c)
	if err != nil {
		return err
	}
	figures := parseStats(lines).figures
	shown := strings.Count(strings.Join(lines, "\n"), "-"+r.tag)
	counted := figures["locks"] + figures["shared_locks"] // of both tables in the classic dialect
	if shown != counted {
		return failf(fmt.Sprintf("figures for %d names above tables of %d:\n%s", counted, shown, listing(lines)),
			"the figures and the tables of one q full to agree")
	}
	return nil
}
