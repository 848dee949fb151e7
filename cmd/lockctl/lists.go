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

// prefix reads the only argument of a list, the beginning of names.
func prefix(args []string) (string, error) {
	if len(args) > 1 {
		return "", usageError("%d arguments; want one, the beginning of the names, or none", len(args))
	}
	return append(args, "")[0], nil
}

// printRows prints a list: as JSON, or as a table. An empty one is a no.
func printRows[T, J any](list []T, asJSON bool, object func(T) J, heads []string, row func(T) []string) error {
	if len(list) == 0 {
		return no
	}
	rows := [][]string{heads}
	for _, one := range list {
		if asJSON {
			if err := printJSON(object(one)); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, row(one))
	}
	if asJSON {
		return nil
	}
	return printTable(rows)
}

func holdersCommand(on *server) *ffcli.Command {
	fs := on.flagSet("holders")
	asJSON := jsonFlag(fs)
	return &ffcli.Command{
		Name:       "holders",
		ShortUsage: "lockctl holders [flags] [PREFIX]",
		ShortHelp:  "list who holds the locks whose names begin with PREFIX, or all",
		LongHelp: `Exits with 1 if there is none. BOUND is the greatest number of holders that the holder
of a shared lock allows, 0 for any. CONN and TOKEN are for lockctl kill.`,
		FlagSet: fs,
		Exec: func(ctx context.Context, args []string) error {
			prefix, err := prefix(args)
			if err != nil {
				return err
			}
			_, s, err := on.session(ctx)
			if err != nil {
				return err
			}
			all, err := s.Holders(ctx, prefix)
			if err != nil {
				return err
			}
			if !*asJSON {
				all = merged(all)
			}
			heads := []string{"NAME", "TABLE", "HELD", "HOLDER", "WAITERS", "BOUND", "CONN", "TOKEN"}
			return printRows(all, *asJSON, asHolder, heads, func(h client.Holder) []string {
				return []string{shown(h.Name), table(h.Shared), age(h.Held), shown(h.Holder), strconv.Itoa(h.Waiters), bound(h.Bound), known(h.Conn), known(h.Token)}
			})
		},
	}
}

func waitersCommand(on *server) *ffcli.Command {
	fs := on.flagSet("waiters")
	asJSON := jsonFlag(fs)
	return &ffcli.Command{
		Name:       "waiters",
		ShortUsage: "lockctl waiters [flags] [PREFIX]",
		ShortHelp:  "list who waits for the locks whose names begin with PREFIX, or all",
		LongHelp:   "Exits with 1 if nobody does. PLACE is the place in the queue of the lock.",
		FlagSet:    fs,
		Exec: func(ctx context.Context, args []string) error {
			prefix, err := prefix(args)
			if err != nil {
				return err
			}
			_, s, err := on.session(ctx)
			if err != nil {
				return err
			}
			all, err := s.Waiters(ctx, prefix)
			if err != nil {
				return err
			}
			heads := []string{"NAME", "TABLE", "PLACE", "WAITED", "WAITER", "BOUND", "CONN"}
			return printRows(all, *asJSON, asWaiter, heads, func(w client.Waiter) []string {
				return []string{shown(w.Name), table(w.Shared), strconv.Itoa(w.Place), age(w.Waited), shown(w.Waiter), bound(w.Bound), known(w.Conn)}
			})
		},
	}
}

func whoCommand(on *server) *ffcli.Command {
	fs := on.flagSet("who")
	asJSON := jsonFlag(fs)
	type named struct {
		Addr string `json:"addr"`
		Name string `json:"name"`
	}
	return &ffcli.Command{
		Name:       "who",
		ShortUsage: "lockctl who [flags]",
		ShortHelp:  "list the connections that have registered a name",
		LongHelp:   "Exits with 1 if none has.",
		FlagSet:    fs,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) > 0 {
				return usageError("who takes no arguments")
			}
			_, s, err := on.session(ctx)
			if err != nil {
				return err
			}
			all, err := s.Who(ctx)
			if err != nil {
				return err
			}
			return printRows(all, *asJSON, func(n client.Named) named { return named(n) }, []string{"ADDRESS", "NAME"}, func(n client.Named) []string {
				return []string{shown(n.Addr), shown(n.Name)}
			})
		},
	}
}
