package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lockd/server/core"
)

// TestTokenFile checks that a horizon is kept, ahead of the tokens in use, over restarts
// and torn writes (TOKEN-4).
func TestTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	var text bytes.Buffer
	log := slog.New(slog.NewTextHandler(&text, nil))
	// run is a daemon that uses tokens up to a number, and crashes or stops.
	run := func(used uint64, crashes bool) (last, horizon uint64) {
		t.Helper()
		f, err := openTokenFile(path, log)
		if err != nil {
			t.Fatal(err)
		}
		last = f.last()
		f.keep(func() uint64 { return max(used, last) })
		if _, err := openTokenFile(path, log); err == nil || !strings.Contains(err.Error(), "another process keeps it locked") {
			t.Errorf("a second daemon: %v", err)
		}
		horizon = f.horizon
		if crashes {
			crash(f)
		} else {
			f.close()
		}
		return last, horizon
	}
	now, ahead := core.TokenAt(core.Time(time.Now().UnixNano())), core.TokenAt(core.Time(reserved))
	_, horizon := run(5, true)
	if horizon < now+ahead || horizon > now+2*ahead {
		t.Errorf("the horizon is %d ahead of the clock", horizon-now)
	}
	for range 10 {
		again, next := run(5, true)
		if again != horizon {
			t.Errorf("after a crash it is %d, not %d", again, horizon)
		}
		if horizon = next; next < again+reservedTokens/2 {
			t.Errorf("the horizon %d is not ahead of the token %d", next, again)
		}
	}
	if horizon > now+2*ahead+10*reservedTokens {
		t.Errorf("after ten crashes the horizon is %d ahead of the clock", horizon-now)
	}
	if again, _ := run(horizon+7, false); again != horizon {
		t.Errorf("after a crash it is %d, not %d", again, horizon)
	}
	for range 3 { // what was not used is not lost
		if again, _ := run(5, false); again != horizon+7 {
			t.Errorf("after a stop it is %d, not %d", again, horizon+7)
		}
	}
	const future = 1 << 62 // the clock was set back
	_, horizon = run(future, true)
	if horizon <= future {
		t.Errorf("the horizon %d is behind the tokens in use", horizon)
	}
	if again, _ := run(5, true); again < horizon {
		t.Errorf("after a crash it is %d, less than %d", again, horizon)
	}
	content, err := os.ReadFile(path)
	if err != nil || len(content) != int(2*recordSize) {
		t.Fatalf("%q, %v", content, err)
	}
	// A write that was torn leaves one record.
	for i := range content {
		torn := bytes.Clone(content)
		torn[i] ^= 0x15
		if err := os.WriteFile(path, torn, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := openTokenFile(path, log)
		if err != nil || f.last() < future {
			t.Fatalf("byte %d is torn: %v", i, err)
		}
		f.close()
	}
	for _, content := range []string{"x", strings.Repeat("x", 200), "pid 12\n"} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := openTokenFile(path, log); err == nil || !strings.Contains(err.Error(), "it holds no token") {
			t.Errorf("%.10q: %v", content, err)
		}
	}
	if _, err := openTokenFile(filepath.Dir(path), log); err == nil {
		t.Error("a folder is a token file")
	}
	if none, err := openTokenFile("", log); err != nil || none.last() != 0 {
		t.Error(none, err)
	}
	if text.Len() > 0 {
		t.Errorf("logged %s", text.String())
	}
}

// crash ends f as the end of its process does, which takes nothing back.
func crash(f *tokenFile) {
	close(f.stop)
	f.done.Wait()
	f.file.Close()
}

// TestTokenFileAdvances checks that the horizon stays ahead of the clock while the daemon
// runs.
func TestTokenFileAdvances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := openTokenFile(filepath.Join(t.TempDir(), "tokens"), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		f.keep(func() uint64 { return 0 })
		time.Sleep(10 * reserved)
		now := core.TokenAt(core.Time(time.Now().UnixNano()))
		if crash(f); f.horizon <= now {
			t.Errorf("the horizon %d is not ahead of the clock, %d", f.horizon, now)
		}
	})
}

// TestTokenFileFails checks that a file that cannot be written is reported once, and that
// it can be written again.
func TestTokenFileFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	var text bytes.Buffer
	f, err := openTokenFile(path, slog.New(slog.NewTextHandler(&text, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	f.used = func() uint64 { return 5 }
	good := f.file
	if f.file, err = os.Open(path); err != nil { // for reading only
		t.Fatal(err)
	}
	f.advance()
	f.advance()
	f.file.Close()
	f.file = good
	f.advance()
	f.advance()
	if n := strings.Count(text.String(), "cannot write the token file"); n != 1 {
		t.Errorf("reported %d times: %s", n, text.String())
	}
	if !strings.Contains(text.String(), "can be written again") || f.horizon == 0 {
		t.Errorf("the horizon is %d: %s", f.horizon, text.String())
	}
}
