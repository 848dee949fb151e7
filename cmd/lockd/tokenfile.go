package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lockd/server/core"
)

const (
	// reserved is how far the horizon in the file is ahead of the clock, and
	// reservedTokens how far it is ahead of the tokens in use, which count if they are
	// ahead of the clock: a daemon that crashes skips so many.
	reserved       = 10 * time.Second
	reservedTokens = 1 << 22 // two seconds' worth, more than can be granted until the next look
	// tokenPause is the pause between two looks at the tokens in use.
	tokenPause = time.Second
)

// tokenFile is a file with a horizon that no token of any daemon with that file has
// passed, so that tokens grow over restarts (TOKEN-4). It holds two records that are
// written in turn, so that a torn write leaves one; the higher one counts. nil is none;
// its methods do nothing.
type tokenFile struct {
	log     *slog.Logger
	file    *os.File
	horizon uint64
	next    int64 // which record is written next
	failing atomic.Bool
	shown   atomic.Uint64 // horizon, for metrics

	stop chan struct{}
	done sync.WaitGroup
	used func() uint64 // the last token in use
}

// openTokenFile opens or creates the file with that path, and locks it; an empty path is
// none.
func openTokenFile(path string, log *slog.Logger) (*tokenFile, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|safeOpenFlags, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot use the token file: %w", err)
	}
	t := &tokenFile{log: log, file: f, stop: make(chan struct{})}
	if err := t.read(); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot use the token file %s: %w", path, err)
	}
	return t, nil
}

// read locks the file and reads its horizon.
func (t *tokenFile) read() error {
	info, err := t.file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return errors.New("it is not a regular file; choose another path")
	}
	if err := lockFile(t.file); errors.Is(err, errLocked) {
		return errors.New("another process keeps it locked, probably a running daemon; give each daemon a file of its own")
	} else if err != nil {
		return err
	}
	content, err := io.ReadAll(io.LimitReader(t.file, 2*recordSize+1))
	if err != nil {
		return err
	}
	found := false
	for i := range int64(2) {
		if from := i * recordSize; int64(len(content)) >= from+recordSize {
			if token, ok := parseRecord(string(content[from : from+recordSize])); ok && token >= t.horizon {
				found, t.horizon, t.next = true, token, 1-i
			}
		}
	}
	if !found && len(content) > 0 {
		return errors.New("it holds no token; choose another path, or remove it if the tokens may begin anew")
	}
	return nil
}

// recordSize is the size of a record in bytes.
const recordSize = int64(len("00000000000000000000 00000000\n"))

func formatRecord(token uint64) string {
	text := fmt.Sprintf("%020d", token)
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

func parseRecord(record string) (token uint64, ok bool) {
	text, _, _ := strings.Cut(record, " ")
	token, err := strconv.ParseUint(text, 10, 64)
	return token, err == nil && record == formatRecord(token)
}

// last returns a token that no earlier daemon with the file has passed.
func (t *tokenFile) last() uint64 {
	if t == nil {
		return 0
	}
	return t.horizon
}

// keep keeps the horizon ahead of the tokens in use, until close. If the file cannot be
// written, the tokens go on: they follow the clock.
func (t *tokenFile) keep(used func() uint64) {
	if t == nil {
		return
	}
	t.used = used
	t.advance()
	t.done.Go(func() {
		tick := time.NewTicker(tokenPause)
		defer tick.Stop()
		for {
			select {
			case <-t.stop:
				return
			case <-tick.C:
				t.advance()
			}
		}
	})
}

// advance writes a new horizon if half of what was reserved is used.
func (t *tokenFile) advance() {
	used, now := t.used(), core.TokenAt(core.Time(time.Now().UnixNano()))
	ahead := core.TokenAt(core.Time(reserved))
	if max(used+reservedTokens/2, now+ahead/2) > t.horizon {
		t.write(max(used+reservedTokens, now+ahead))
	}
}

// write writes a horizon, and logs when that begins to fail or to succeed.
func (t *tokenFile) write(horizon uint64) {
	_, err := t.file.WriteAt([]byte(formatRecord(horizon)), t.next*recordSize)
	if err == nil {
		err = t.file.Sync()
	}
	switch {
	case err == nil:
		if t.failing.Load() {
			t.log.Info("the token file can be written again", "token-file", t.file.Name())
		}
		t.horizon, t.next = horizon, 1-t.next
		t.shown.Store(horizon)
		t.failing.Store(false)
	case !t.failing.Load():
		t.log.Warn("cannot write the token file; tokens follow the clock, and grow over a restart only if it is not set back", "error", err)
		t.failing.Store(true)
	}
}

// close ends keep, and unlocks the file. The server has ended: what was reserved and not
// used is taken back first, in both records, so that the tokens of the next daemon are
// not ahead of the clock.
func (t *tokenFile) close() {
	if t == nil {
		return
	}
	close(t.stop)
	t.done.Wait()
	if t.used != nil {
		t.write(t.used())
		t.write(t.used())
	}
	t.file.Close()
}
