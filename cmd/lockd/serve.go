package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"

	"lockd/server"
	"lockd/server/core"
	"lockd/server/web"
)

// ownDescriptors is how many descriptors the daemon needs for itself, its listeners, and
// short-lived connections.
const ownDescriptors = 32

// secondSignal is the time within which signals count as one: supervisors often send
// two at once.
const secondSignal = time.Second

// spareProcessor raises GOMAXPROCS so that one goroutine can run beside the loops: a
// saturated loop never yields its processor, and WebSockets, signals and the log would
// wait for the runtime's preemption every 10 ms.
func spareProcessor(loops int) {
	if n := runtime.GOMAXPROCS(0); n < loops+1 {
		runtime.GOMAXPROCS(loops + 1)
	}
}

// serve runs the daemon until a signal ends it. queue is where the log is written to.
func serve(o *options, log *slog.Logger, queue *queueWriter) error {
	// A closed terminal, or the end of the log's reader, must not end the daemon.
	signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
	pidfile, err := claimPidfile(o.pidfile)
	if err != nil {
		return err
	}
	defer pidfile.release()
	tokens, err := openTokenFile(o.tokenFile, log)
	if err != nil {
		return err
	}
	defer tokens.close() // after the server has ended

	certificates, err := loadCertificates(o)
	if err != nil {
		return err
	}

	spareProcessor(o.loops)
	config := o.serverConfig(log)
	config.Core.LastToken = tokens.last()
	s := server.New(config)
	defer s.Close()
	tokens.keep(s.LastToken)
	status := web.New(web.Options{
		Server: s, Version: version(), Lists: o.dump, Profiles: o.pprof,
		Metrics: append(daemonMetrics(queue, tokens), certificates.metrics()...),
	})
	defer status.Close()
	s.Handle(status)

	for _, w := range o.warnings {
		log.Warn(w)
	}
	manager := newNotifier(s.Held, log)
	passed, err := passedEndpoints(o, activation.Files(true), s, certificates)
	if err != nil {
		return err
	}
	opened, err := endpoints(o, s, certificates)
	if err != nil {
		return err
	}
	all := append(passed, opened...)
	if len(all) == 0 {
		return errNothing // the descriptors were for another process
	}
	failed := make(chan error)
	on, err := listenAll(all, failed)
	if err != nil {
		return err
	}
	if limit, known := descriptorLimit(); known && o.maxConnections > limit-ownDescriptors {
		log.Warn("there are not enough file descriptors for so many connections; raise the limit of the process (ulimit -n)",
			"max-connections", o.maxConnections, "descriptors", limit)
	}
	// Until here a signal ends the process at once: looking up names may take long.
	signals := endSignals()
	defer signal.Stop(signals)
	status.SetReady()
	on.log(log, certificates)
	defer certificates.reload(log)()
	defer manager.ready()()

	var sig os.Signal
	select {
	case err := <-failed:
		return err
	case sig = <-signals:
	}
	go func() {
		awaitSecond(signals)
		pidfile.release()
		os.Exit(exitError)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), o.shutdownTimeout)
	defer cancel()
	manager.stopping()
	connections, locks := s.Held()
	log.Info("shutting down; a second signal exits at once", "signal", sig.String(), "connections", connections, "locks", locks)
	if err := s.Shutdown(ctx); err != nil {
		log.Warn("dropped clients that did not end in time", "shutdown-timeout", o.shutdownTimeout)
	}
	log.Info("lockd has stopped")
	return nil
}

// serverConfig is the configuration of the server.
func (o *options) serverConfig(log *slog.Logger) server.Config {
	return server.Config{
		Core: core.Config{
			Dialect:        o.dialect,
			Registry:       o.registry,
			Dump:           o.dump,
			AnswerInvalid:  o.answerInvalid,
			MaxLine:        o.maxLine,
			MaxConnections: o.maxConnections,
			MaxPerAddress:  o.maxPerAddress,
			MaxLocks:       o.maxLocks,
			MaxPerConn:     o.maxPerConn,
			MaxNameBytes:   o.maxNameBytes,
			Kill:           o.kill,
			Version:        shownVersion(),
			PID:            os.Getpid(),
		},
		Loops:        o.loops,
		WriteTimeout: o.writeTimeout,
		IdleTimeout:  o.idleTimeout,
		Origins:      o.origins(),
		Logger:       log,
	}
}

// endSignals returns the signals that end the daemon.
func endSignals() chan os.Signal {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGINT) { // as a script's & makes it
		signal.Notify(signals, syscall.SIGINT)
	}
	return signals
}

// awaitSecond waits for the second signal. Those that follow the first within
// secondSignal count as one with it.
func awaitSecond(signals chan os.Signal) {
	time.Sleep(secondSignal)
	for len(signals) > 0 {
		<-signals
	}
	<-signals
}
