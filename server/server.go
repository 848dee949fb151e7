package server

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"lockd/server/core"
	"lockd/server/hub"
	"lockd/server/life"
)

// ErrClosed is returned by Serve and ServeWebSocket after Shutdown or Close.
var ErrClosed = errors.New("the server is closed")

// Config is the configuration of a Server.
type Config struct {
	Core core.Config

	// Loops is the number of event loops that serve the connections of TCP and
	// unix listeners, if LoopsSupported. 0 gives every connection a goroutine.
	Loops int
	// WriteTimeout is how long a client may leave its replies unread before
	// it is dropped and its locks are released. 0 is forever.
	WriteTimeout time.Duration
	// IdleTimeout is how long a client may send nothing before it is dropped.
	// 0 is forever: holding a lock in silence is normal.
	IdleTimeout time.Duration
	// Origins are the origins, besides the server's own, whose pages may open a
	// WebSocket (WS-4).
	Origins []Origin
	// Logger logs connections at debug level and problems above. nil is none.
	// It must not block for long: serving waits for it.
	Logger *slog.Logger
	// Closed, if not nil, is called with the number of every connection whose
	// socket was closed, in any goroutine; serving waits for it.
	Closed func(core.ID)
	// Mutex serializes all calls of Core. nil is a mutex of the Server; a
	// simulation passes one that lets other goroutines run first.
	Mutex sync.Locker
}

// Server serves the connections of any number of listeners with one Core. Make
// one with New; its methods are safe for concurrent use.
type Server struct {
	config  Config
	log     *log
	clock   clock
	limits  life.Limits
	hub     *hub.Hub
	timed   *timedCore
	turns   turns
	handler http.Handler // of other requests than for WebSockets; may be nil

	// Below is what is open, guarded by state. state is never held while the
	// Hub is called or a connection is read, written or closed.
	state     sync.Mutex
	stopping  bool
	context   context.Context // ends when stopping begins
	halt      func()          // ends it
	listeners map[net.Listener]bool
	sessions  map[*session]bool
	https     map[*http.Server]*brief // with their connections that are not WebSockets
	loops     *loops                  // nil until the first listener that they can serve
	sockets   []*unixListener         // on which the loops listen
	brief     *brief                  // sessions that were refused or speak another protocol; has its own lock
	// handshakes are connections whose TLS handshake is not finished; they have their own
	// lock.
	handshakes *brief
	computing  sync.Mutex     // held by the handshake that computes
	running    sync.WaitGroup // sessions and loops
	making     sync.WaitGroup // goroutines that make a dump
	keeper     *keeper
}

// New returns a Server without listeners.
func New(config Config) *Server {
	config.Core.Events = isVerbose(config.Logger)
	return newServer(config, core.New(config.Core))
}

// newServer returns a Server with the given Core.
func newServer(config Config, c hub.Core) *Server {
	s := &Server{
		config: config,
		log:    newLog(config),
		clock:  newClock(),
		limits: life.Limits{
			Write: core.Time(config.WriteTimeout),
			Idle:  core.Time(config.IdleTimeout),
		},
		listeners:  make(map[net.Listener]bool),
		sessions:   make(map[*session]bool),
		https:      make(map[*http.Server]*brief),
		brief:      newBrief(briefLimit(config.Core.MaxConnections)),
		handshakes: newBrief(briefLimit(config.Core.MaxConnections)),
	}
	s.context, s.halt = context.WithCancel(context.Background())
	if config.Mutex == nil && config.Loops > 1 {
		config.Mutex = new(spinMutex)
	}
	s.timed = &timedCore{Core: c, clock: s.clock, batches: newDurations()}
	s.turns.took = newDurations()
	s.hub = hub.New(s.timed, config.Mutex)
	s.hub.SetDumpMaker(s.makeDump)
	if s.log.verbose {
		s.hub.OnEvent(s.log.happened)
	}
	s.keeper = newKeeper(s)
	return s
}

// Shutdown stops accepting, answers what has been received, releases all locks
// and closes all connections (END-8). If ctx ends first, it closes the remaining
// connections and returns the error of ctx. When it returns, the Server has no
// goroutines left, except, if ctx has ended, one that is still making a large dump.
func (s *Server) Shutdown(ctx context.Context) error {
	sessions, loops := s.stop()
	s.hub.Stop(s.clock.now())
	for _, x := range sessions {
		x.stop()
	}
	loops.stop()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		s.making.Wait()
		close(done)
	}()
	defer s.keeper.stop()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.state.Lock()
	left := s.openSessions()
	s.state.Unlock()
	s.drop(left)
	loops.drop()
	s.running.Wait()
	return ctx.Err()
}

// drop ends sessions at once: it releases all their locks in one step, and then closes
// the sockets. Closing a socket waits for its goroutine, and many may be busy, so drop
// does not wait for that.
func (s *Server) drop(sessions []*session) {
	ids := make([]core.ID, len(sessions))
	for i, x := range sessions {
		x.dropped.Store(true)
		ids[i] = x.id()
	}
	orphans := s.hub.CloseAll(s.clock.now(), ids)
	for i, x := range sessions {
		if o, open := orphans[ids[i]]; open {
			s.log.Released(ids[i], life.Dropped, o)
		}
		if !s.extend(x) {
			continue // it has ended, and its socket is closed
		}
		go func() {
			defer s.running.Done()
			socketOf(x.conn).Close() // TLS would take its time for a goodbye
			x.wake()                 // it may be waiting for something other than the socket
		}()
	}
}

// Close drops all connections without answering and releases their locks.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s.Shutdown(ctx)
	return nil
}

// Held returns how many connections are open and how many names are held, in
// either table. After Shutdown both are 0.
func (s *Server) Held() (connections, locks int) { return s.hub.Held() }

// LastToken returns the last token that was given out (TOKEN-4).
func (s *Server) LastToken() uint64 { return s.hub.LastToken() }

// makeDump makes a dump in a goroutine of its own.
func (s *Server) makeDump(d *core.Dump) {
	s.making.Go(func() {
		d.Make()
		s.hub.Finish(s.clock.now(), d)
	})
}

// stop closes the listeners, once, and returns the sessions and loops to be stopped.
func (s *Server) stop() ([]*session, *loops) {
	defer s.stopHTTP()
	s.state.Lock()
	defer s.state.Unlock()
	if !s.stopping {
		s.stopping = true
		s.halt()
	}
	for l := range s.listeners {
		l.Close()
	}
	s.removeSockets()
	return s.openSessions(), s.loops
}

// stopHTTP closes the listeners of HTTP, and the connections that are not WebSockets yet.
func (s *Server) stopHTTP() {
	s.state.Lock()
	all := maps.Clone(s.https)
	s.state.Unlock()
	for h, connections := range all {
		connections.closeAll()
		h.Close()
	}
}

// openSessions returns the sessions with a connection. Its caller holds state.
func (s *Server) openSessions() []*session {
	open := make([]*session, 0, len(s.sessions))
	for x := range s.sessions {
		if x.conn != nil {
			open = append(open, x)
		}
	}
	return open
}

func (s *Server) isStopping() bool {
	select {
	case <-s.context.Done():
		return true
	default:
		return false
	}
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

func (s *Server) addHTTP(h *http.Server, connections *brief) bool {
	s.state.Lock()
	defer s.state.Unlock()
	if s.stopping {
		return false
	}
	s.https[h] = connections
	return true
}

// begin makes Shutdown wait for a session until finish is called. It returns false
// while the server is stopping.
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

// extend makes Shutdown also wait for another task of a session, until running.Done is
// called. It returns false if the session is finished.
func (s *Server) extend(x *session) bool {
	s.state.Lock()
	defer s.state.Unlock()
	if !s.sessions[x] {
		return false
	}
	s.running.Add(1)
	return true
}

// attach sets the connection of a session that has begun; Shutdown will end it. It
// returns false while the server is stopping.
func (s *Server) attach(x *session, conn net.Conn) bool {
	s.state.Lock()
	defer s.state.Unlock()
	x.conn = conn
	return !s.stopping
}

// finish ends what begin began.
func (s *Server) finish(x *session) {
	s.brief.remove(x.conn)
	s.state.Lock()
	delete(s.sessions, x)
	s.state.Unlock()
	s.running.Done()
}
