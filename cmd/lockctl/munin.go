package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/peterbourgon/ff/v3/ffcli"
)

// munin is a plugin.
type munin struct {
	on      *server
	graph   string
	timeout time.Duration
}

func muninCommand(on *server) *ffcli.Command {
	m := munin{on: on}
	fs := on.flagSet("munin")
	fs.StringVar(&m.graph, "graph", "", "the `graph`: "+strings.Join(graphNames(), ", "))
	fs.DurationVar(&m.timeout, "timeout", 8*time.Second, "take the server for unreachable after this `duration`; munin-node ends plugins after 10s or more")
	return &ffcli.Command{
		Name:       "munin",
		ShortUsage: "lockctl munin [flags] [config|autoconf|suggest]",
		ShortHelp:  "be a plugin of munin",
		LongHelp: `Prints the values of a graph, what munin needs to know about it (config), whether there is
a server (autoconf), or the names of all graphs (suggest). A link to lockctl that is
called lockd_GRAPH does the same without any other word. docs/lockctl.md says how to
install it. warning and critical, or FIELD_warning and FIELD_critical, in the environment
are thresholds.`,
		FlagSet: fs,
		Exec: func(ctx context.Context, args []string) error {
			ctx, cancel := context.WithTimeout(ctx, m.timeout)
			defer cancel()
			return m.run(ctx, args)
		},
	}
}

// muninArgs returns the arguments of lockctl, for a program that may have been called as a
// plugin.
func muninArgs(args []string) []string {
	if name, found := strings.CutPrefix(filepath.Base(args[0]), "lockd_"); found {
		return append([]string{"munin", "-graph", name}, args[1:]...)
	}
	return args[1:]
}

func graphNames() []string {
	var names []string
	for _, g := range graphs {
		names = append(names, g.name)
	}
	return names
}

func (m *munin) run(ctx context.Context, args []string) error {
	action := "fetch"
	if len(args) > 0 {
		action = args[0]
	}
	if len(args) > 1 || !slices.Contains([]string{"fetch", "config", "autoconf", "suggest"}, action) {
		return usageError("munin does not know %q; want config, autoconf, suggest or nothing", strings.Join(args, " "))
	}
	switch action {
	case "suggest":
		_, err := fmt.Println(strings.Join(graphNames(), "\n"))
		return err
	case "autoconf":
		return m.autoconf(ctx)
	}
	at := slices.Index(graphNames(), m.graph)
	if at < 0 {
		return usageError("there is no graph %q; -graph, or the end of the plugin's name behind lockd_, is one of %s", m.graph, strings.Join(graphNames(), ", "))
	}
	if action == "config" {
		return graphs[at].config()
	}
	return m.fetch(ctx, graphs[at])
}

// autoconf says whether there is a server. That there is none is no failure.
func (m *munin) autoconf(ctx context.Context) error {
	answer := "yes"
	c, err := m.on.dial(ctx)
	if err != nil {
		answer = "no (" + strings.Join(strings.Fields(err.Error()), " ") + ")"
	} else {
		c.Close()
	}
	_, err = fmt.Println(answer)
	return err
}

// config prints what munin needs to know.
func (g graph) config() error {
	kind := "GAUGE"
	if g.counts {
		kind = "DERIVE"
	}
	lines := []string{
		"graph_title lockd: " + g.title,
		"graph_args --base 1000 --lower-limit 0",
		"graph_vlabel " + g.unit,
		"graph_scale no",
		"graph_category lockd",
		"graph_info " + g.info,
	}
	for _, f := range g.fields {
		lines = append(lines, f.name+".label "+f.label, f.name+".info "+f.info, f.name+".type "+kind, f.name+".min 0")
		for _, level := range []string{"warning", "critical"} {
			for _, variable := range []string{f.name + "_" + level, level} {
				if value := os.Getenv(variable); value != "" {
					lines = append(lines, f.name+"."+level+" "+value)
					break
				}
			}
		}
	}
	_, err := fmt.Println(strings.Join(lines, "\n"))
	return err
}

// fetch prints the values. Those of a server that cannot be reached are not known.
func (m *munin) fetch(ctx context.Context, g graph) error {
	var values []string
	_, s, err := m.on.session(ctx)
	if err == nil {
		values, err = g.values(ctx, s)
	}
	if exit := new(exitError); errors.As(err, &exit) {
		return err // wrong usage
	}
	if err != nil {
		warn("%v", err)
		values = slices.Repeat([]string{unknownValue}, len(g.fields))
	}
	for i, f := range g.fields {
		if _, err := fmt.Printf("%s.value %s\n", f.name, values[i]); err != nil {
			return err
		}
	}
	return nil
}
