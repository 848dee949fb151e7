package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lockd/client"
)

// check is a check of a server, or of one lock.
type check struct {
	on         *server
	warn, crit thresholds
	name       string
	named      bool // -name was given: the empty name is a name
	held, free bool
	timeout    time.Duration

	state   int
	wrong   []string // what the state is about, the worst first
	facts   []string
	data    []string
	started time.Time
}

// run makes the check.
func (k *check) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	err := k.ask(ctx)
	switch exit := new(exitError); {
	case err == nil:
	case errors.Is(ctx.Err(), context.Canceled), errors.As(err, &exit), // wrong usage, of the flags of TLS
		errors.Is(err, client.ErrAddress), errors.Is(err, client.ErrName), errors.Is(err, client.ErrTooLong),
		errors.Is(err, client.ErrDisabled), errors.Is(err, client.ErrUnsupported), errors.Is(err, client.ErrTooLarge):
		return unknown(err)
	default:
		return result(stateCritical, err.Error())
	}
	if len(k.wrong) == 0 {
		k.wrong = k.facts
	}
	return result(k.state, strings.Join(k.wrong, ", "), k.data...)
}

// ask asks the server, and judges.
func (k *check) ask(ctx context.Context) error {
	_, s, err := k.on.session(ctx)
	if err != nil {
		return err
	}
	k.started = time.Now()
	if err := s.Ping(ctx); err != nil {
		return err
	}
	took := metric{"time", "s", time.Since(k.started).Seconds()}
	if k.named {
		err = k.lock(ctx, s)
	} else {
		err = k.server(ctx, s)
	}
	if err != nil {
		return err
	}
	k.judge(took, fmt.Sprintf("an answer takes %.2f ms", took.value*1000))
	return nil
}

// server checks the whole server.
func (k *check) server(ctx context.Context, s *client.Session) error {
	stats, err := s.Stats(ctx)
	if err != nil {
		return err
	}
	k.count("locks", stats.Locks)
	k.count("shared_locks", stats.SharedLocks)
	k.count("connections", stats.Connections-min(stats.Connections, 1)) // without this one
	if err := k.waiters(ctx, s, func(client.Waiter) bool { return true }); err != nil {
		return err
	}
	if k.warn["age"] == nil && k.crit["age"] == nil {
		return nil
	}
	all, err := s.Holders(ctx, "")
	if err != nil {
		return err
	}
	return k.age(all, "the oldest lock")
}

// lock checks one lock.
func (k *check) lock(ctx context.Context, s *client.Session) error {
	all, err := s.Holders(ctx, k.name)
	if errors.Is(err, client.ErrDisabled) && k.warn["age"] == nil && k.crit["age"] == nil {
		return k.inspect(ctx, s)
	}
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(merged(all), func(h client.Holder) bool { return h.Name != k.name })
	by := ""
	if len(all) > 0 {
		by = " by " + shown(all[0].Holder)
	}
	k.holders(len(all), by)
	if err := k.waiters(ctx, s, func(w client.Waiter) bool { return w.Name == k.name }); err != nil {
		return err
	}
	return k.age(all, shown(k.name))
}

// inspect is lock for a server that shows no lists.
func (k *check) inspect(ctx context.Context, s *client.Session) error {
	held, err := s.Inspect(ctx, k.name)
	if err != nil {
		return err
	}
	n, err := s.InspectShared(ctx, k.name)
	if err != nil {
		return err
	}
	if held && n <= 1 { // an exclusive lock of lockctl is held in both tables
		n = 1
	}
	k.holders(n, "")
	return nil
}

// holders judges how many hold the lock. by says who does.
func (k *check) holders(n int, by string) {
	switch {
	case k.held && n == 0:
		k.bad(stateCritical, "nobody holds "+shown(k.name))
	case k.free && n > 0:
		k.bad(stateCritical, shown(k.name)+" is held"+by)
	}
	k.count("holders", uint64(n))
}

// waiters measures how many wait, where the server lets clients wait and shows it.
func (k *check) waiters(ctx context.Context, s *client.Session, counts func(client.Waiter) bool) error {
	all, err := s.Waiters(ctx, k.name)
	if errors.Is(err, client.ErrUnsupported) || errors.Is(err, client.ErrDisabled) {
		if k.warn["waiters"] == nil && k.crit["waiters"] == nil {
			return nil
		}
	}
	if err != nil {
		return err
	}
	n := 0
	for _, w := range all {
		if counts(w) {
			n++
		}
	}
	k.count("waiters", uint64(n))
	return nil
}

// age measures for how long the oldest of some holders has its lock; 0 if there is none.
func (k *check) age(all []client.Holder, what string) error {
	if len(all) == 0 {
		k.judge(metric{"age", "s", 0}, "nobody holds "+strings.TrimPrefix(what, "the oldest "))
		return nil
	}
	oldest := slices.MaxFunc(all, func(a, b client.Holder) int { return int(a.Held - b.Held) })
	if oldest.Held < 0 {
		if k.warn["age"] == nil && k.crit["age"] == nil {
			return nil
		}
		return fmt.Errorf("for how long a lock is held: %w", client.ErrUnsupported)
	}
	name := what
	if !k.named {
		name = fmt.Sprintf("%s, %s,", what, shown(oldest.Name))
	}
	k.judge(metric{"age", "s", oldest.Held.Seconds()}, fmt.Sprintf("%s is held for %s by %s", name, age(oldest.Held), shown(oldest.Holder)))
	return nil
}

// count judges a number of things.
func (k *check) count(name string, n uint64) {
	words := strings.ReplaceAll(name, "_", " ")
	if n == 1 {
		words = strings.TrimSuffix(words, "s")
	}
	k.judge(metric{name, "", float64(n)}, fmt.Sprintf("%d %s", n, words))
}

// judge compares a metric with its ranges. fact says what its value is.
func (k *check) judge(m metric, fact string) {
	warn, crit := k.warn[m.name], k.crit[m.name]
	k.facts = append(k.facts, fact)
	k.data = append(k.data, fmt.Sprintf("%s=%s%s;%v;%v;0", m.name, strconv.FormatFloat(m.value, 'f', -1, 64), m.unit, warn, crit))
	switch {
	case crit.alerts(m.value):
		k.bad(stateCritical, fmt.Sprintf("%s (%s is %s)", fact, m.name, crit.why()))
	case warn.alerts(m.value):
		k.bad(stateWarning, fmt.Sprintf("%s (%s is %s)", fact, m.name, warn.why()))
	}
}

// bad notes what is wrong.
func (k *check) bad(state int, text string) {
	if state > k.state {
		k.state = state
		k.wrong = append([]string{text}, k.wrong...)
		return
	}
	k.wrong = append(k.wrong, text)
}
