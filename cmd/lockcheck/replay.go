package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/peterbourgon/ff/v3/ffcli"

	"lockd/sim/campaign"
)

// replayCommand replays evidence of a violation.
func replayCommand() *ffcli.Command {
	flags := newFlagSet("lockcheck replay")
	picture := flags.String("picture", "", "draw a history with a violation into this `file` (default: picture.html beside it)")
	return &ffcli.Command{
		Name:       "replay",
		ShortUsage: "lockcheck replay [-picture FILE] FILE...",
		ShortHelp:  "replay evidence of a violation",
		LongHelp: `Replays files that sim and soak wrote when they found a violation, and says whether
and how the violation shows again. The contents of a file determine its kind:

  trace.txt, shrunk.txt       the operations are applied to the server of this
                              source tree and compared with the model
  history.json, shrunk.json,  porcupine checks what the clients saw; if there is a
  unfinished-*.json           violation, a picture of the relevant part is drawn
  summary.json, or a folder   the seed is played once in its layer

A race that was found on real sockets may not show again, but its history does. A
violation that only an oracle of the run noticed shows when the folder is replayed.

Exit codes: 0 no violation, 1 violation, 2 usage or not evidence, 3 could not run.`,
		FlagSet: flags,
		Exec: func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return usageError("replay what? give files or folders that sim or soak wrote")
			}
			if *picture != "" && len(args) > 1 {
				return usageError("-picture is for one file, got %q", args)
			}
			return replayAll(ctx, args, *picture)
		},
	}
}

// replayAll replays files, after it has read all of them.
func replayAll(ctx context.Context, paths []string, picture string) error {
	var list []*campaign.Saved
	for _, path := range paths {
		saved, err := campaign.ReadSaved(path)
		if err != nil {
			return &exitError{exitUsage, err}
		}
		list = append(list, saved)
	}
	if err := writable(picture); err != nil {
		return &exitError{exitBroken, err}
	}
	violations := 0
	for _, saved := range list {
		violated, err := replay(ctx, saved, picture)
		if err != nil {
			return err
		}
		if violated {
			violations++
		}
	}
	if violations > 0 {
		return &exitError{exitViolation, fmt.Errorf("replay: %d of %d show a violation", violations, len(list))}
	}
	return nil
}

func replay(ctx context.Context, saved *campaign.Saved, picture string) (violated bool, err error) {
	fmt.Printf("%s: %s\n", saved.Path, saved.What)
	err = saved.Play(ctx)
	var failure *campaign.Failure
	switch {
	case err == nil:
		fmt.Println("no violation")
		return false, nil
	case errors.Is(err, campaign.ErrNoEvidence):
		return false, &exitError{exitUsage, err}
	case !errors.As(err, &failure):
		return false, &exitError{exitBroken, err}
	}
	fmt.Printf("violation: %s\n", firstLine(failure))
	notes, err := saved.Picture(failure, picture)
	if err != nil {
		return true, &exitError{exitBroken, fmt.Errorf("cannot draw the picture: %w; choose another place with -picture", err)}
	}
	for _, note := range notes {
		fmt.Println(note)
	}
	return true, nil
}

// writable checks, before long work, that a file can be written afterwards. It does not
// change the contents. An empty path is no file.
func writable(path string) error {
	if path == "" {
		return nil
	}
	_, err := os.Stat(path)
	missing := errors.Is(err, os.ErrNotExist)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("cannot write the result: %w", err)
	}
	f.Close()
	if missing {
		return os.Remove(path)
	}
	return nil
}

// calledAs returns how a user calls this program; "" is go run inside the source tree.
func calledAs() string {
	if strings.Contains(filepath.ToSlash(os.Args[0]), "/go-build") {
		return ""
	}
	return os.Args[0]
}
