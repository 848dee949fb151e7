package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// signals are the signals that lockctl run gets. HUP and INT stay ignored if they were
// ignored at its start, as under nohup and in the background of a script.
type signals struct {
	got    chan os.Signal
	waits  chan struct{} // closed when the command starts
	once   sync.Once
	ended  sync.WaitGroup
	ending syscall.Signal // the one that ended the wait; 0: none
}

// untilSignal returns a context that ends with the first signal, until next is called.
func untilSignal(ctx context.Context) (context.Context, *signals) {
	s := &signals{got: make(chan os.Signal, 16), waits: make(chan struct{})}
	s.add(ending)
	ctx, cancel := context.WithCancel(ctx)
	s.ended.Go(func() {
		select {
		case sig := <-s.got:
			s.ending, _ = sig.(syscall.Signal)
			cancel()
		case <-s.waits:
		}
	})
	return ctx, s
}

// add adds signals that are not ignored.
func (s *signals) add(all []os.Signal) {
	for _, sig := range all {
		if !signal.Ignored(sig) {
			signal.Notify(s.got, sig)
		}
	}
}

// next ends the first part: signals are for the command now. It returns the signal that
// has ended the wait, or 0.
func (s *signals) next() syscall.Signal {
	s.once.Do(func() {
		close(s.waits)
		s.ended.Wait()
		if s.ending == 0 { // one may have come just before
			select {
			case sig := <-s.got:
				s.ending, _ = sig.(syscall.Signal)
			default:
			}
		}
	})
	return s.ending
}

// stop gives all signals their usual effect.
func (s *signals) stop() {
	s.next()
	signal.Stop(s.got)
}

// or returns the exit code for the signal that has ended the wait, else err.
func (s *signals) or(err error) error {
	if sig := s.next(); sig != 0 {
		return &exitError{code: exitSignal + int(sig)}
	}
	return err
}
