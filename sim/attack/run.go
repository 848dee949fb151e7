package attack

import (
	"context"
	"fmt"
	"time"
)

// Result is the result of an attack.
type Result struct {
	Attack  *Attack
	Asked   int           // requests of the well-behaved client
	Median  time.Duration // of its waiting times
	P99     time.Duration
	Worst   time.Duration
	Held    int64 // bytes of memory before the attack; 0 if it is not known
	Growth  int64 // maximum of additional bytes during the attack
	Open    int   // maximum of open descriptors
	Elapsed time.Duration
	Broken  []string // the broken bounds
}

// Run runs one attack. It returns an error if the attack could not run.
func Run(ctx context.Context, a *Attack, t *Target) (Result, error) {
	r := Result{Attack: a}
	if a.Prepare != nil {
		if err := a.Prepare(ctx, t); err != nil {
			return r, fmt.Errorf("%s: cannot prepare: %w", a.Name, err)
		}
	}
	w, err := startProbe(ctx, t)
	if err != nil {
		return r, fmt.Errorf("%s: %w", a.Name, err)
	}
	began := time.Now()
	watching, stop := context.WithCancel(ctx)
	r.Held = Memory(t.PID)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		r.watch(watching, t.PID)
	}()
	if err := a.Do(ctx, t); err != nil {
		r.Broken = append(r.Broken, err.Error())
	}
	time.Sleep(200 * time.Millisecond)
	stop()
	<-watched
	n, err := w.end()
	if err != nil {
		return r, fmt.Errorf("%s: the well-behaved client: %w", a.Name, err)
	}
	if n.Broken != "" {
		r.Broken = append(r.Broken, n.Broken)
	}
	r.Elapsed = time.Since(began)
	r.judge(n.Waits)
	return r, nil
}

// watch measures the process of the server until ctx ends.
func (r *Result) watch(ctx context.Context, pid int) {
	for pid != 0 && ctx.Err() == nil {
		r.Growth = max(r.Growth, Memory(pid)-r.Held)
		r.Open = max(r.Open, Descriptors(pid))
		time.Sleep(20 * time.Millisecond)
	}
}

// judge compares the measurements with the bounds.
func (r *Result) judge(waits []time.Duration) {
	a := r.Attack
	r.Asked = len(waits)
	r.Median, r.P99, r.Worst = percentile(waits, 500), percentile(waits, 990), percentile(waits, 1000)
	if r.Worst > a.Stall {
		r.Broken = append(r.Broken, fmt.Sprintf("a well-behaved client waited for %v, at most %v are allowed", r.Worst.Round(time.Millisecond), a.Stall))
	}
	if r.Growth > a.Growth {
		r.Broken = append(r.Broken, fmt.Sprintf("the server grew by %d MiB, at most %d are allowed", r.Growth/mib, a.Growth/mib))
	}
	if a.Descriptors > 0 && r.Open > a.Descriptors {
		r.Broken = append(r.Broken, fmt.Sprintf("the server had %d descriptors open, at most %d are allowed", r.Open, a.Descriptors))
	}
}

// String is a line of a report.
func (r Result) String() string {
	verdict := "held"
	if len(r.Broken) > 0 {
		verdict = "BROKEN"
	}
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return fmt.Sprintf("%-20s %-7s well-behaved client: p50 %6.2f ms, p99 %7.2f, worst %7.2f of %4.0f   memory %5d MiB + %4d of %4d   %5.1f s",
		r.Attack.Name, verdict, ms(r.Median), ms(r.P99), ms(r.Worst), ms(r.Attack.Stall),
		r.Held/mib, r.Growth/mib, r.Attack.Growth/mib, r.Elapsed.Seconds())
}
