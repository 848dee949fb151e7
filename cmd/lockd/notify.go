package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
)

const (
	// statusEvery is how often the status is looked at, and told if it has changed.
	statusEvery = 5 * time.Second
	// notifyTimeout is how long a service manager may take to receive a message.
	notifyTimeout = time.Second
)

// notifier tells the service manager how the daemon is (sd_notify(3)). It does nothing if
// there is none.
//
// It keeps its socket open: a daemon without free descriptors must still be able to say
// that it works.
type notifier struct {
	conn     net.Conn // nil if there is no service manager
	held     func() (connections, locks int)
	status   time.Duration // between two looks at it
	watchdog time.Duration // the manager ends a daemon that was silent for so long; 0 is never
	log      *slog.Logger
	told     string // the last status
}

// newNotifier reads the variables of the service manager, and removes them, so that
// nothing inherits them.
func newNotifier(held func() (connections, locks int), log *slog.Logger) *notifier {
	n := &notifier{held: held, status: statusEvery, log: log}
	path := os.Getenv("NOTIFY_SOCKET")
	os.Unsetenv("NOTIFY_SOCKET")
	watchdog, err := systemd.SdWatchdogEnabled(true)
	if err != nil {
		log.Warn("there is no watchdog", "error", err)
	}
	if path == "" {
		return n
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		log.Warn("the service manager will not know that lockd is ready", "error", err)
		return n
	}
	n.conn, n.watchdog = conn, watchdog
	return n
}

// ready tells that the daemon is ready, and from then on how it is, until stop is called.
func (n *notifier) ready() (stop func()) {
	if n.conn == nil {
		return func() {}
	}
	n.told = n.now()
	n.tell(systemd.SdNotifyReady + "\nSTATUS=" + n.told)
	done := make(chan struct{})
	go n.run(done)
	return func() { close(done) }
}

// stopping tells that the daemon is stopping.
func (n *notifier) stopping() {
	if n.conn != nil {
		n.tell(systemd.SdNotifyStopping)
	}
}

// run tells the status and feeds the watchdog. Both need the server's answer: a server
// that is stuck makes the watchdog starve.
func (n *notifier) run(done <-chan struct{}) {
	status := time.NewTicker(n.status)
	defer status.Stop()
	var watchdog <-chan time.Time
	if n.watchdog > 0 {
		t := time.NewTicker(n.watchdog / 2)
		defer t.Stop()
		watchdog = t.C
	}
	for {
		select {
		case <-done:
			return
		case <-status.C:
			if now := n.now(); now != n.told {
				n.told = now
				n.tell("STATUS=" + now)
			}
		case <-watchdog:
			n.held()
			n.tell(systemd.SdNotifyWatchdog)
		}
	}
}

// now returns the status.
func (n *notifier) now() string {
	connections, locks := n.held()
	return fmt.Sprintf("%s held, %s", count(locks, "lock"), count(connections, "connection"))
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// tell sends a message.
func (n *notifier) tell(state string) {
	n.conn.SetWriteDeadline(time.Now().Add(notifyTimeout))
	if _, err := n.conn.Write([]byte(state)); err != nil {
		n.log.Warn("cannot notify the service manager", "error", err)
	}
}
