//go:build unix

package server

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestUnixMode checks that sockets have the requested mode, however many are made at
// once, and that the umask of the process is unchanged.
func TestUnixMode(t *testing.T) {
	dir := t.TempDir()
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			mode := []fs.FileMode{0o600, 0o660, 0o777}[i%3]
			path := filepath.Join(dir, strings.Repeat("s", i+1))
			l, err := ListenUnix(path, mode)
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			if info, err := os.Lstat(path); err != nil || info.Mode() != mode|fs.ModeSocket {
				t.Errorf("%s has mode %v, %v, want %v", path, info.Mode(), err, mode)
			}
			if l.Addr().String() != path {
				t.Errorf("it listens on %s", l.Addr())
			}
		})
	}
	all.Wait()
	if got := syscall.Umask(0o077); got != 0o077 {
		t.Errorf("the umask is %04o", got)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestUnixOwnership checks that a server removes its own socket and no other, that only
// one of several servers that start at once listens, and that a stale socket is
// replaced.
func TestUnixOwnership(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	first, err := ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ListenUnix(path, 0o600); err == nil || !strings.Contains(err.Error(), "another server is listening on it") {
		t.Errorf("a second server: %v", err)
	}
	if err := os.Rename(path, path+"2"); err != nil {
		t.Fatal(err)
	}
	second, err := ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	if c, err := net.Dial("unix", path); err != nil {
		t.Errorf("the socket of another server was removed: %v", err)
	} else {
		c.Close()
	}
	second.Close()
	if _, err := os.Lstat(path); err == nil {
		t.Error("a server has not removed its socket")
	}

	for range 20 {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
		stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
		if err != nil {
			t.Fatal(err)
		}
		stale.SetUnlinkOnClose(false)
		stale.Close()
		won := make(chan net.Listener, 8)
		var all sync.WaitGroup
		for range cap(won) {
			all.Go(func() {
				if l, err := ListenUnix(path, 0o600); err == nil {
					won <- l
				}
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Fatalf("%d servers listen on one socket", len(won))
		}
		l := <-won
		if c, err := net.Dial("unix", path); err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
		l.Close()
	}
}

// TestUnixRefusals checks the errors for impossible paths, and for abstract names with a
// mode that they cannot have.
func TestUnixRefusals(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	for path, want := range map[string]string{
		"@lockd-test":                           "an abstract name has no permissions",
		long:                                    "too long",
		filepath.Join(t.TempDir(), "none", "s"): "no such file or directory",
	} {
		if l, err := ListenUnix(path, 0o660); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", path, l, err)
		}
	}
}

// TestUnixPathLengths checks that the longest paths that the kernel takes work, and that
// the error for longer ones says so.
func TestUnixPathLengths(t *testing.T) {
	t.Chdir(t.TempDir())
	deep := strings.Repeat("d", maxUnixPath-len("/lockd-0123456789/s"))
	for _, dir := range []string{deep, deep + "d"} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]bool{
		strings.Repeat("s", maxUnixPath):     true,
		strings.Repeat("s", maxUnixPath+1):   false,
		deep + "/" + strings.Repeat("s", 18): true,
		deep + "d/s":                         false,
	} {
		l, err := ListenUnix(path, 0o600)
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "1 bytes too long") {
			t.Errorf("%d bytes: %v", len(path), err)
		}
		if err == nil {
			l.Close()
		}
	}
}

// TestUnreadableDirectory checks that the directory of the socket need not be readable.
func TestUnreadableDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o333); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	if f, err := os.Open(dir); err == nil {
		f.Close()
		t.Skip("skipped: root can read every directory")
	}
	for range 2 {
		l, err := ListenUnix(filepath.Join(dir, "s"), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
	}
}

// TestLockedDirectory checks that a process that keeps the lock of the directory delays
// neither the start nor the end for long.
func TestLockedDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "s")
	l, err := ListenUnix(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := ListenUnix(filepath.Join(dir, "t"), 0o600); !errors.Is(err, errDirLocked) {
		t.Errorf("got %v", err)
	}
	l.Close()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if took := time.Since(began); took > 10*dirPatience {
		t.Errorf("it took %v", took)
	}
}
