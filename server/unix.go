package server

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxUnixPath is the longest path of a unix socket, in bytes, that the kernel takes.
const maxUnixPath = 107

// unixListener is a unix socket whose file is removed when it is closed, unless
// another server's socket has replaced it.
type unixListener struct {
	*net.UnixListener
	path string
	made fs.FileInfo // nil if it has no file
	once sync.Once
}

// ListenUnix listens on a unix socket with that path and mode. It replaces the socket
// that a crashed server left; a socket on which a server still listens, or a file that
// is not a socket, is an error. Closing the listener removes the socket, if it is
// still the same. Abstract names, which begin with @, have no permissions: they need
// mode 0777. Concurrent calls in the same directory, in any process, are serialized.
func ListenUnix(path string, mode fs.FileMode) (net.Listener, error) {
	if err := CheckUnix(path, mode); err != nil {
		return nil, err
	}
	if isAbstract(path) {
		return listenAbstract(path)
	}
	dir := filepath.Dir(path)
	unlock, err := lockDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on unix socket %s: %w", path, cause(err))
	}
	defer unlock()
	if err := removeStale(path); err != nil {
		return nil, err
	}
	// It is made in a private directory, out of reach until it has its mode.
	private, err := os.MkdirTemp(dir, "lockd-")
	if err != nil {
		return nil, fmt.Errorf("cannot listen on unix socket %s: %w", path, cause(err))
	}
	defer os.RemoveAll(private)
	made := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: made, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen on unix socket %s: %w", path, cause(err))
	}
	l.SetUnlinkOnClose(false)
	u := &unixListener{UnixListener: l, path: path}
	err = os.Chmod(made, mode.Perm())
	if err == nil {
		err = os.Rename(made, path)
	}
	if err == nil {
		u.made, err = os.Lstat(path)
	}
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("cannot listen on unix socket %s: %w", path, err)
	}
	return u, nil
}

// CheckUnix returns an error if ListenUnix can never listen with that path and mode.
func CheckUnix(path string, mode fs.FileMode) error {
	longest := len(path)
	if !isAbstract(path) {
		// It is made in a temporary directory beside its path.
		longest = max(longest, len(filepath.Dir(path))+len("/lockd-0123456789/s"))
	}
	switch {
	case longest > maxUnixPath:
		return fmt.Errorf("cannot listen on unix socket %s: the path is %d bytes too long", path, longest-maxUnixPath)
	case strings.ContainsRune(path, 0):
		return fmt.Errorf("cannot listen on unix socket %q: the path contains a NUL byte", path)
	case isAbstract(path) && mode.Perm() != 0o777:
		return fmt.Errorf("cannot listen on unix socket %s with mode %04o: an abstract name has no permissions, any user of this machine may connect; choose mode 0777 to allow that, or a path", path, mode.Perm())
	}
	return nil
}

func isAbstract(path string) bool { return path != "" && path[0] == '@' }

// listenAbstract listens on an abstract name.
func listenAbstract(name string) (net.Listener, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("cannot listen on unix socket %s: %w", name, cause(err))
	}
	return &unixListener{UnixListener: l, path: name}, nil
}

// Addr implements net.Listener.
func (u *unixListener) Addr() net.Addr { return &net.UnixAddr{Name: u.path, Net: "unix"} }

// Close implements net.Listener.
func (u *unixListener) Close() error {
	u.remove()
	return u.UnixListener.Close()
}

// remove removes the file, once, if it is still there.
func (u *unixListener) remove() {
	u.once.Do(func() {
		if u.made == nil {
			return
		}
		// Without the lock another socket could replace it between check and removal.
		if unlock, err := lockDir(filepath.Dir(u.path)); err == nil {
			defer unlock()
		}
		if there, err := os.Lstat(u.path); err == nil && os.SameFile(there, u.made) {
			os.Remove(u.path)
		}
	})
}

// removeStale removes the socket of a server that no longer runs.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot listen on unix socket: %w", err)
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("cannot listen on unix socket %s: the file there is not a socket; choose another path or remove it", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		conn.Close()
		return fmt.Errorf("cannot listen on unix socket %s: another server is listening on it", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("cannot listen on unix socket %s: cannot tell whether another server is listening on it: %w", path, cause(err))
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("cannot replace the stale unix socket: %w", err)
	}
	return nil
}
