package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed is returned by Serve and ServeWebSocket after Shutdown or Close.
var ErrClosed = errors.New("the server is closed")

// Config holds the choices that a Server is made with.
type Config struct {
	Core CoreConfig

	// WriteTimeout is how long a client may leave its replies unread before
	// it is dropped and its locks are released. 0 is forever.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection may say nothing before it is
	// dropped. 0 is forever: to hold a lock in silence is normal.
	IdleTimeout time.Duration
	// Origins are the origins besides its own whose pages may open a
	// WebSocket (WS-4), such as "https://example.com" or "*.example.com"; "*"
	// allows all.
	Origins []string
	// Logger gets connections at debug level and trouble above. nil is none.
	Logger *slog.Logger
	// Mutex serializes all calls to Core. nil is a sync.Mutex; a simulation
	// gives one that lets other goroutines run first.
	Mutex sync.Locker
}

// Server serves the connections of any number of listeners with one Core. Make
// one with New; its methods are safe for concurrent use.
type Server struct {
	config Config
	log    *slog.Logger
	// verbose says whether log takes debug messages. Asking first keeps the
	// stack of a connection's goroutine, and so an idle connection, small.
	verbose bool

	mu   sync.Locker // serializes core
	core *Core

	pending pending
	warned  atomic.Int64 // when a refusal was logged last, Unix nanoseconds

	// Below is what is open, guarded by state. state is never held while mu
	// is taken or a connection is read, written or closed.
	state     sync.Mutex
	stopping  bool
	listeners map[net.Listener]bool
	sessions  map[*session]bool
	https     map[*http.Server]bool
	running   sync.WaitGroup // sessions
}

// New returns a Server without listeners.
func New(config Config) *Server {
	s := &Server{
		config:    config,
		log:       config.Logger,
		mu:        config.Mutex,
		core:      NewCore(config.Core),
		listeners: make(map[net.Listener]bool),
		sessions:  make(map[*session]bool),
		https:     make(map[*http.Server]bool),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.verbose = s.log.Enabled(context.Background(), slog.LevelDebug)
	if s.mu == nil {
		s.mu = new(sync.Mutex)
	}
	return s
}

// Pauses after a failed accept, such as one for lack of file descriptors.
const (
	firstAcceptPause = 5 * time.Millisecond
	maxAcceptPause   = time.Second
)

// Serve accepts connections of a stream transport, TCP or a unix socket, until
// Shutdown or Close, and then returns ErrClosed. It closes the listener. Failed
// accepts are logged and tried again after a pause.
func (s *Server) Serve(l net.Listener) error {
	if !s.addListener(l) {
		return ErrClosed
	}
	defer s.removeListener(l)
	pause := firstAcceptPause
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = firstAcceptPause
			s.start(nc)
		case s.isStopping():
			return ErrClosed
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			s.log.Warn("cannot accept a connection; trying again", "error", err, "pause", pause)
			time.Sleep(pause)
			pause = min(2*pause, maxAcceptPause)
		}
	}
}

// start serves a stream connection in a goroutine of its own.
func (s *Server) start(nc net.Conn) {
	x := &session{server: s, conn: nc}
	if s.begin(x) {
		go x.serveStream()
		return
	}
	nc.Close()
}

// Shutdown stops accepting, answers what has been received, releases all locks
// and closes all connections (END-8). When ctx ends first it closes the
// connections that are left, and returns the error of ctx. When it returns, the
// Server has no goroutine left.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, x := range s.stop() {
		x.stop()
	}
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.state.Lock()
	left := s.openSessions()
	s.state.Unlock()
	for _, x := range left {
		x.drop(ctx.Err())
	}
	<-done
	return ctx.Err()
}

// Close drops all connections without answering and releases their locks.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Shutdown(ctx)
	return nil
}

// Held returns how many connections are open and how many names are held, in
// either table. After Shutdown it is none.
func (s *Server) Held() (connections, locks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.core.Conns(), s.core.machine.ExclusiveLocks() + s.core.machine.SharedLocks()
}

// stop closes the listeners, once, and returns the open sessions.
func (s *Server) stop() []*session {
	s.state.Lock()
	defer s.state.Unlock()
	s.stopping = true
	for l := range s.listeners {
		l.Close()
	}
	for h := range s.https {
		h.Close() // closes what is not a WebSocket yet
	}
	return s.openSessions()
}

// openSessions returns the sessions that have a connection. Its caller holds
// state.
func (s *Server) openSessions() []*session {
	open := make([]*session, 0, len(s.sessions))
	for x := range s.sessions {
		if x.conn != nil {
			open = append(open, x)
		}
	}
	return open
}

// warnRefusal logs a refused connection, but not too often.
func (s *Server) warnRefusal(addr string) {
	now := time.Now().UnixNano()
	last := s.warned.Load()
	if now-last > int64(refusalPause) && s.warned.CompareAndSwap(last, now) {
		s.log.Warn("refused a connection: too many are open; more refusals are not logged for a while",
			"addr", addr, "limit", s.config.Core.MaxConnections, "pause", refusalPause)
	}
}

func (s *Server) isStopping() bool {
	s.state.Lock()
	defer s.state.Unlock()
	return s.stopping
}

func (s *Server) addListener(l net.Listener) bool {
	s.state.Lock()
	defer s.state.Unlock()
	if s.stopping {
		l.Close()
		return false
	}
	s.listeners[l] = true
	return true
}

func (s *Server) removeListener(l net.Listener) {
	s.state.Lock()
	defer s.state.Unlock()
	delete(s.listeners, l)
	l.Close()
}

func (s *Server) addHTTP(h *http.Server) bool {
	s.state.Lock()
	defer s.state.Unlock()
	if s.stopping {
		return false
	}
	s.https[h] = true
	return true
}

// begin makes Shutdown wait for a session until finish is called; not while
// stopping.
func (s *Server) begin(x *session) bool {
	s.state.Lock()
	defer s.state.Unlock()
	if s.stopping {
		return false
	}
	s.sessions[x] = true
	s.running.Add(1)
	return true
}

// attach gives a session that has begun its connection, which Shutdown will end;
// not while stopping.
func (s *Server) attach(x *session, conn net.Conn) bool {
	s.state.Lock()
	defer s.state.Unlock()
	x.conn = conn
	return !s.stopping
}

// finish ends what begin began.
func (s *Server) finish(x *session) {
	s.state.Lock()
	delete(s.sessions, x)
	s.state.Unlock()
	s.running.Done()
}
