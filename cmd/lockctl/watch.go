package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/client"
)

func watchCommand(on *server) *ffcli.Command {
	fs := on.flagSet("watch")
	asJSON := jsonFlag(fs)
	interval := fs.Duration("interval", 500*time.Millisecond, "the `duration` between two looks")
	return &ffcli.Command{
		Name:       "watch",
		ShortUsage: "lockctl watch [flags] NAME",
		ShortHelp:  "print who holds a lock, whenever that changes",
		LongHelp:   "What is shorter than -interval may be missed.",
		FlagSet:    fs,
		Exec: func(ctx context.Context, args []string) error {
			name, err := oneName(args)
			if err != nil {
				return err
			}
			if *interval <= 0 {
				return usageError("-interval %v: it must be positive", *interval)
			}
			_, s, err := on.session(ctx)
			if err != nil {
				return err
			}
			before := "-" // what no text is
			for {
				all, err := s.Holders(ctx, name)
				if ctx.Err() != nil {
					return nil
				}
				if err != nil {
					return err
				}
				all = merged(all)
				all = slices.DeleteFunc(all, func(h client.Holder) bool { return h.Name != name })
				if now := identity(all); now != before {
					before = now
					if err := printChange(name, all, *asJSON); err != nil {
						return err
					}
				}
				select {
				case <-time.After(*interval):
				case <-ctx.Done():
					return nil
				}
			}
		},
	}
}

// identity differs between two sets of holders.
func identity(all []client.Holder) string {
	var text strings.Builder
	for _, h := range all {
		fmt.Fprintln(&text, h.Shared, h.Conn, h.Token, h.Holder)
	}
	return text.String()
}

func printChange(name string, all []client.Holder, asJSON bool) error {
	now := time.Now()
	if asJSON {
		holders := []holder{}
		for _, h := range all {
			holders = append(holders, asHolder(h))
		}
		return printJSON(struct {
			Time    time.Time `json:"time"`
			Name    string    `json:"name"`
			Holders []holder  `json:"holders"`
		}{now, name, holders})
	}
	text := "free"
	if len(all) > 0 {
		var parts []string
		for _, h := range all {
			parts = append(parts, fmt.Sprintf("%s by %s for %s", map[bool]string{false: "held", true: "shared"}[h.Shared], shown(h.Holder), age(h.Held)))
		}
		text = strings.Join(parts, ", ")
	}
	_, err := fmt.Printf("%s  %s  %s\n", now.Format(time.DateTime), shown(name), text)
	return err
}
