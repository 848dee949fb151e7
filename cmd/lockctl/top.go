package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gdamore/tcell/v2"
	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/client"
)

func topCommand(on *server) *ffcli.Command {
	fs := on.flagSet("top")
	interval := fs.Duration("interval", time.Second, "the `duration` between two looks; a server with very many locks is looked at less often")
	return &ffcli.Command{
		Name:       "top",
		ShortUsage: "lockctl top [flags]",
		ShortHelp:  "show rates, the locks that are held longest and the longest queues, live",
		LongHelp:   "q, Escape or Ctrl-C ends it; p and the space bar pause it.",
		FlagSet:    fs,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("top takes no arguments")
			}
			if *interval < 50*time.Millisecond {
				return usageError("-interval %v: it must be at least 50ms", *interval)
			}
			c, s, err := on.session(ctx)
			if err != nil {
				return err // before the screen is used
			}
			s.Close()
			c.Close()
			screen, err := tcell.NewScreen()
			if err == nil {
				err = screen.Init()
			}
			if err != nil {
				return usageError("top needs a terminal: %w", err)
			}
			defer screen.Fini()
			return top(ctx, screen, on, *interval)
		},
	}
}

// looked is what a look at the server has shown.
type looked struct {
	at      time.Time
	version string
	stats   *client.Stats
	rates   map[string]float64 // per second, by command; orphans and invalid among them
	holders []client.Holder    // the longest held first
	queues  []queue            // the longest first
	waiters int
	err     error // of lists, or of everything
}

// queue is who waits for a lock.
type queue struct {
	name    string
	shared  bool
	waiters int
	first   client.Waiter
}

// top shows what looks at the server have shown, until a key or ctx ends it.
func top(ctx context.Context, screen tcell.Screen, on *server, interval time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	looks, events := make(chan *looked), make(chan tcell.Event)
	go look(ctx, on, interval, looks)
	go screen.ChannelEvents(events, ctx.Done())
	var last *looked
	paused := false
	for {
		draw(screen, on.addr, last, paused)
		select {
		case <-ctx.Done():
			return nil
		case l := <-looks:
			if !paused {
				last = l
			}
		case e := <-events:
			switch e := e.(type) {
			case *tcell.EventResize:
				screen.Sync()
			case *tcell.EventKey:
				switch {
				case e.Key() == tcell.KeyCtrlC || e.Key() == tcell.KeyEscape || e.Rune() == 'q':
					return nil
				case e.Rune() == 'p' || e.Rune() == ' ':
					paused = !paused
				case e.Key() == tcell.KeyCtrlL:
					screen.Sync()
				}
			}
		}
	}
}

// look looks at the server again and again. It connects again when it has lost it.
func look(ctx context.Context, on *server, interval time.Duration, looks chan<- *looked) {
	var c *client.Client
	var s *client.Session
	var before *looked
	for ctx.Err() == nil {
		began := time.Now()
		l := &looked{at: began}
		if s == nil {
			c, s, l.err = on.session(ctx)
		}
		if l.err == nil {
			l.version, _ = c.Version()
			l.look(ctx, s)
			if errors.Is(l.err, client.ErrLost) {
				c.Close()
				s = nil
			}
		} else {
			s = nil
		}
		l.compare(before)
		if before = l; l.stats == nil {
			before = nil
		}
		select {
		case looks <- l:
		case <-ctx.Done():
		}
		pause := interval
		if l.err == nil { // else it was the server's answer that took so long
			pause = max(pause, 10*time.Since(began))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// look asks the server.
func (l *looked) look(ctx context.Context, s *client.Session) {
	if l.stats, l.err = s.Stats(ctx); l.err != nil {
		l.stats = nil
		return
	}
	l.at = time.Now()
	if l.holders, l.err = s.Holders(ctx, ""); l.err != nil {
		return
	}
	l.holders = merged(l.holders)
	slices.SortStableFunc(l.holders, func(a, b client.Holder) int { return cmp.Compare(b.Held, a.Held) })
	waiters, err := s.Waiters(ctx, "")
	if l.err = err; errors.Is(err, client.ErrUnsupported) {
		l.err = nil
	}
	l.waiters = len(waiters)
	for _, w := range waiters { // by table and name, each from its front
		if n := len(l.queues); n > 0 && l.queues[n-1].name == w.Name && l.queues[n-1].shared == w.Shared {
			l.queues[n-1].waiters++
		} else {
			l.queues = append(l.queues, queue{w.Name, w.Shared, 1, w})
		}
	}
	slices.SortStableFunc(l.queues, func(a, b queue) int { return cmp.Compare(b.waiters, a.waiters) })
}

// compare computes the rates since the look before.
func (l *looked) compare(before *looked) {
	if l.stats == nil || before == nil {
		return
	}
	seconds := l.at.Sub(before.at).Seconds()
	l.rates = map[string]float64{}
	add := func(what string, now, then uint64) {
		if now >= then { // else the server is a new one
			l.rates[what] += float64(now-then) / seconds
		}
	}
	for word, n := range l.stats.Commands {
		add(word, n, before.stats.Commands[word])
		add("all", n, before.stats.Commands[word])
	}
	add("orphans", l.stats.Orphans+l.stats.SharedOrphans, before.stats.Orphans+before.stats.SharedOrphans)
	add("invalid", l.stats.Invalid, before.stats.Invalid)
}

// rate formats a rate; it is unknown at the first look.
func (l *looked) rate(what string) string {
	if l.rates == nil {
		return "-"
	}
	switch r := l.rates[what]; {
	case r >= 10_000:
		return fmt.Sprintf("%.1fk/s", r/1000)
	case r >= 10:
		return fmt.Sprintf("%.0f/s", r)
	default:
		return fmt.Sprintf("%.1f/s", r)
	}
}
