package main

import (
	"context"
	"flag"
	"strconv"
	"unicode/utf8"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/client"
)

// holder is a holder as JSON.
type holder struct {
	Name    string `json:"name"`
	Bytes   []byte `json:"name_base64,omitempty"` // of a name that is not UTF-8
	Table   string `json:"table"`                 // exclusive or shared
	HeldMS  *int64 `json:"held_ms,omitempty"`     // missing: the server does not tell
	Token   uint64 `json:"token,omitempty"`
	Waiters int    `json:"waiters"`
	Bound   *int   `json:"bound,omitempty"` // missing: none
	Conn    uint64 `json:"conn,omitempty"`
	Addr    string `json:"addr,omitempty"`
	Holder  string `json:"holder"`
}

func asHolder(h client.Holder) holder {
	out := holder{h.Name, odd(h.Name), table(h.Shared), nil, h.Token, h.Waiters, nil, h.Conn, h.Addr, h.Holder}
	if ms := h.Held.Milliseconds(); h.Held >= 0 {
		out.HeldMS = &ms
	}
	if h.Bound >= 0 {
		out.Bound = &h.Bound
	}
	return out
}

// odd returns the bytes of a name that JSON would change.
func odd(name string) []byte {
	if utf8.ValidString(name) {
		return nil
	}
	return []byte(name)
}

// waiter is a waiter as JSON.
type waiter struct {
	Name     string `json:"name"`
	Bytes    []byte `json:"name_base64,omitempty"`
	Table    string `json:"table"`
	WaitedMS int64  `json:"waited_ms"`
	Place    int    `json:"place"`
	Bound    *int   `json:"bound,omitempty"`
	Conn     uint64 `json:"conn"`
	Addr     string `json:"addr"`
	Waiter   string `json:"waiter"`
}

func asWaiter(w client.Waiter) waiter {
	out := waiter{w.Name, odd(w.Name), table(w.Shared), w.Waited.Milliseconds(), w.Place, nil, w.Conn, w.Addr, w.Waiter}
	if w.Bound >= 0 {
		out.Bound = &w.Bound
	}
	return out
}

// merged leaves the shared half of an exclusive lock of lockctl run out, which people need
// not see: it has the name, the connection and the bound 1 of an exclusive one.
func merged(all []client.Holder) (left []client.Holder) {
	type lock struct {
		name string
		conn uint64
	}
	exclusive := map[lock]bool{}
	for _, h := range all { // the exclusive ones come first
		if !h.Shared && h.Conn > 0 {
			exclusive[lock{h.Name, h.Conn}] = true
		}
		if !h.Shared || h.Bound != 1 || !exclusive[lock{h.Name, h.Conn}] {
			left = append(left, h)
		}
	}
	return left
}

// jsonFlag adds -json.
func jsonFlag(fs *flag.FlagSet) *bool { return fs.Bool("json", false, "print JSON, one object a line") }

// listing is a command that prints a list, of T, each of which is a J as JSON.
type listing[T, J any] struct {
	name, usage, short, long string
	most                     int // arguments
	get                      func(ctx context.Context, s *client.Session, prefix string) ([]T, error)
	object                   func(T) J
	visible                  func([]T) []T // what a table has; nil: all
	heads                    []string
	row                      func(T) []string
}

// command returns the command. An empty list is a no.
func (l listing[T, J]) command(on *server) *ffcli.Command {
	fs := on.flagSet(l.name)
	asJSON := jsonFlag(fs)
	return &ffcli.Command{
		Name: l.name, ShortUsage: "lockctl " + l.usage, ShortHelp: l.short, LongHelp: l.long, FlagSet: fs,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > l.most {
				return usageError("%d arguments; want at most %d: lockctl %s", len(args), l.most, l.usage)
			}
			_, s, err := on.session(ctx)
			if err != nil {
				return err
			}
			all, err := l.get(ctx, s, append(args, "")[0])
			if err != nil {
				return err
			}
			if len(all) == 0 {
				return no
			}
			return l.print(all, *asJSON)
		},
	}
}

// print prints the list, as JSON or as a table.
func (l listing[T, J]) print(all []T, asJSON bool) error {
	if asJSON {
		for _, one := range all {
			if err := printJSON(l.object(one)); err != nil {
				return err
			}
		}
		return nil
	}
	if l.visible != nil {
		all = l.visible(all)
	}
	rows := [][]string{l.heads}
	for _, one := range all {
		rows = append(rows, l.row(one))
	}
	return printTable(rows)
}

func holdersCommand(on *server) *ffcli.Command {
	return listing[client.Holder, holder]{
		name: "holders", usage: "holders [flags] [PREFIX]", most: 1,
		short: "list who holds the locks whose names begin with PREFIX, or all",
		long: `Exits with 1 if there is none. BOUND is the greatest number of holders that the holder
of a shared lock allows, 0 for any. CONN and TOKEN are for lockctl kill.`,
		get: func(ctx context.Context, s *client.Session, prefix string) ([]client.Holder, error) {
			return s.Holders(ctx, prefix)
		},
		object: asHolder, visible: merged,
		heads: []string{"NAME", "TABLE", "HELD", "HOLDER", "WAITERS", "BOUND", "CONN", "TOKEN"},
		row: func(h client.Holder) []string {
			return []string{shown(h.Name), table(h.Shared), age(h.Held), shown(h.Holder), strconv.Itoa(h.Waiters), bound(h.Bound), known(h.Conn), known(h.Token)}
		},
	}.command(on)
}

func waitersCommand(on *server) *ffcli.Command {
	return listing[client.Waiter, waiter]{
		name: "waiters", usage: "waiters [flags] [PREFIX]", most: 1,
		short: "list who waits for the locks whose names begin with PREFIX, or all",
		long:  "Exits with 1 if nobody does. PLACE is the place in the queue of the lock.",
		get: func(ctx context.Context, s *client.Session, prefix string) ([]client.Waiter, error) {
			return s.Waiters(ctx, prefix)
		},
		object: asWaiter,
		heads:  []string{"NAME", "TABLE", "PLACE", "WAITED", "WAITER", "BOUND", "CONN"},
		row: func(w client.Waiter) []string {
			return []string{shown(w.Name), table(w.Shared), strconv.Itoa(w.Place), age(w.Waited), shown(w.Waiter), bound(w.Bound), known(w.Conn)}
		},
	}.command(on)
}

// named is a connection that has registered a name, as JSON.
type named struct {
	Addr string `json:"addr"`
	Name string `json:"name"`
}

func whoCommand(on *server) *ffcli.Command {
	return listing[client.Named, named]{
		name: "who", usage: "who [flags]",
		short:  "list the connections that have registered a name",
		long:   "Exits with 1 if none has.",
		get:    func(ctx context.Context, s *client.Session, _ string) ([]client.Named, error) { return s.Who(ctx) },
		object: func(n client.Named) named { return named(n) },
		heads:  []string{"ADDRESS", "NAME"},
		row:    func(n client.Named) []string { return []string{shown(n.Addr), shown(n.Name)} },
	}.command(on)
}
