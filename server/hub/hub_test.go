package hub

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockd/server/core"
)

// fake is a Core whose results a test sets.
type fake struct {
	open    int
	now     []core.Time
	next    core.Time
	effects map[core.ID]string // of the next call
	refuse  bool
}

func (f *fake) do(now core.Time, fx *core.Effects) {
	f.now = append(f.now, now)
	for id := range core.ID(10) {
		fx.Append(id, []byte(f.effects[id]))
	}
	f.effects = nil
}

func (f *fake) Open(now core.Time, _ core.Peer, fx *core.Effects) (core.ID, bool) {
	f.do(now, fx)
	if f.refuse {
		fx.Append(0, []byte("no"))
		return 0, false
	}
	f.open++
	return core.ID(f.open), true
}

func (f *fake) Receive(now core.Time, _ core.ID, data []byte, fx *core.Effects) ([]byte, core.State) {
	f.do(now, fx)
	return data[1:], core.State{Held: len(data)}
}
func (f *fake) EndMessage(now core.Time, _ core.ID, fx *core.Effects) core.State {
	f.do(now, fx)
	return core.State{}
}
func (f *fake) Close(now core.Time, _ core.ID, fx *core.Effects) core.Orphans {
	f.do(now, fx)
	return core.Orphans{Exclusive: 3}
}
func (f *fake) Tick(now core.Time, fx *core.Effects)                   { f.do(now, fx) }
func (f *fake) Finish(now core.Time, _ *core.Dump, fx *core.Effects)   { f.do(now, fx) }
func (f *fake) EndOfStream(now core.Time, _ core.ID, fx *core.Effects) { f.do(now, fx) }
func (f *fake) Stop(core.Time, *core.Effects)                          {}
func (f *fake) Next() core.Time                                        { return f.next }
func (f *fake) Conns() int                                             { return f.open }
func (f *fake) Locks() int                                             { return 7 }
func (f *fake) LastToken() uint64                                      { return 9 }
func (f *fake) Commands() uint64                                       { return 8 }
func (f *fake) Walk(*core.Walk) bool                                   { return false }
func (f *fake) Measures() *core.Measures                               { return new(core.Measures) }

// driver has some connections.
type driver struct {
	inbox *Inbox
	woken int
}

func newDriver() *driver {
	d := &driver{}
	d.inbox = NewInbox(func() { d.woken++ })
	return d
}

// taken returns what the driver has taken.
func (d *driver) taken() (items []string) {
	d.inbox.Taken(func(i Item) {
		switch o, _ := i.Owner.(*owner); {
		case i.Run != nil:
			items = append(items, "run")
		case i.New():
			items = append(items, fmt.Sprintf("take over %d", o.id))
		default:
			items = append(items, fmt.Sprintf("%d: %s", o.id, i.Data))
		}
	})
	return items
}

type owner struct {
	driver *driver
	id     core.ID
}

func (o *owner) Inbox() *Inbox     { return o.driver.inbox }
func (o *owner) Opened(id core.ID) { o.id = id }

func expect(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func newHub() (*Hub, *fake, *core.Effects) {
	f := &fake{next: core.Never}
	return New(f, nil), f, new(core.Effects)
}

// TestOutputs checks that outputs go to their connections, in the order in which they
// were made, and wake each driver once.
func TestOutputs(t *testing.T) {
	h, f, fx := newHub()
	here, there := newDriver(), newDriver()
	for _, d := range []*driver{here, here, there, there} { // numbers 1 to 4
		id, _ := h.Open(0, core.Peer{}, &owner{driver: d}, d.inbox, fx)
		expect(t, "a number", id, f.open)
	}
	f.effects = map[core.ID]string{1: "mine", 2: "neighbour", 3: "x", 4: "y", 9: "nobody"}
	expect(t, "the rest", received(h.Receive(0, 1, []byte("ab"), here.inbox, fx)), "b2")
	expect(t, "my replies", string(fx.To(1)), "mine")
	expect(t, "what I have taken", here.taken(), "[2: neighbour]")
	expect(t, "who was woken", []int{here.woken, there.woken}, "[0 1]")
	expect(t, "whether there is something", []bool{here.inbox.Some(), there.inbox.Some()}, "[false true]")

	// The items that the other driver takes with its call were made before that call.
	f.effects = map[core.ID]string{3: "later"}
	h.EndMessage(0, 3, there.inbox, fx)
	expect(t, "what they have taken", there.taken(), "[3: x 4: y]")
	expect(t, "their replies", string(fx.To(3)), "later")
	expect(t, "what is left", there.taken(), "[]")
	h.Collect(there.inbox)
	expect(t, "what is there", there.taken(), "[]")
	if there.inbox.Some() || len(there.inbox.items) > 0 {
		t.Error("the inbox is not empty")
	}

	// Outputs for a connection that has ended are dropped, and it ends once.
	f.effects = map[core.ID]string{3: "granted", 4: "too late"}
	orphans, open := h.Close(0, 4, nil, fx)
	expect(t, "the first end", fmt.Sprint(orphans.Exclusive, open), "3 true")
	_, open = h.Close(0, 4, nil, fx)
	expect(t, "the second end", open, false)
	f.effects = map[core.ID]string{4: "much too late"}
	h.Receive(0, 1, []byte("x"), here.inbox, fx)
	h.Collect(there.inbox)
	expect(t, "after the end", there.taken(), "[3: granted]")
}

// TestHandOver checks that a driver gets a connection that another driver has accepted
// before any output for it.
func TestHandOver(t *testing.T) {
	h, f, fx := newHub()
	here, there := newDriver(), newDriver()
	h.Open(0, core.Peer{}, &owner{driver: here}, here.inbox, fx)
	h.Open(0, core.Peer{}, &owner{driver: there}, here.inbox, fx)
	f.effects = map[core.ID]string{2: "welcome"}
	h.Receive(0, 1, []byte("x"), here.inbox, fx)
	if there.woken == 0 {
		t.Error("the other driver is not woken")
	}
	h.Post(there.inbox, Item{Run: func() {}})
	h.Collect(there.inbox)
	expect(t, "what the other one finds", there.taken(), "[take over 2 2: welcome run]")
	expect(t, "what this one finds", here.taken(), "[]")
	f.refuse = true
	id, refusal := h.Open(0, core.Peer{}, &owner{driver: there}, here.inbox, fx)
	expect(t, "a refusal", fmt.Sprintf("%d %s", id, refusal), "0 no")
	fx.Append(0, []byte("x"))
	expect(t, "what is kept of it", string(refusal), "no")
	h.Collect(there.inbox)
	expect(t, "what the other one finds", there.taken(), "[]")
}

// TestAlarm checks that the keeper is woken when Core.Next becomes earlier, and only
// then.
func TestAlarm(t *testing.T) {
	h, f, fx := newHub()
	d := newDriver()
	woken := 0
	h.OnAlarm(func() { woken++ })
	for _, step := range []struct{ next, alarm, woken core.Time }{
		{core.Never, core.Never, 0}, {500, 500, 1}, {500, 500, 1}, {700, 500, 1}, {300, 300, 2},
	} {
		f.next = step.next
		h.Receive(0, 1, []byte("x"), d.inbox, fx)
		expect(t, "the alarm and who was woken", fmt.Sprint(h.Alarm(), woken), fmt.Sprint(step.alarm, step.woken))
	}
	f.next = 900
	f.effects = map[core.ID]string{0: "x"}
	h.Tick(300, d.inbox, fx)
	expect(t, "the alarm after a tick", fmt.Sprint(h.Alarm(), woken), "900 2")
}

// TestTimeNeverGoesBack checks the times passed to Core by drivers whose clocks differ.
func TestTimeNeverGoesBack(t *testing.T) {
	h, f, fx := newHub()
	d := newDriver()
	h.Open(10, core.Peer{}, &owner{driver: d}, d.inbox, fx)
	h.Receive(5, 1, []byte("x"), d.inbox, fx)
	h.EndMessage(20, 1, d.inbox, fx)
	h.Tick(19, d.inbox, fx)
	h.Close(18, 1, d.inbox, fx)
	if want := []core.Time{10, 10, 20, 20, 20}; !slices.Equal(f.now, want) {
		t.Errorf("Core got the times %v, want %v", f.now, want)
	}
	conns, locks := h.Held()
	expect(t, "figures", fmt.Sprint(conns, locks, h.Commands()), "1 7 8")
}

// received shows what Receive returns.
func received(rest []byte, state core.State) string { return fmt.Sprint(string(rest), state.Held) }

// counter is a mutex that counts the goroutines that wait for it or hold it.
type counter struct {
	sync.Mutex
	at, most atomic.Int32
}

func (c *counter) Lock() {
	n := c.at.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	c.Mutex.Lock()
}

func (c *counter) Unlock() {
	c.at.Add(-1)
	c.Mutex.Unlock()
}

// TestTurns checks that at most one of the drivers that take turns waits for or holds
// the mutex, whatever it calls, and that other drivers do not take turns.
func TestTurns(t *testing.T) {
	for _, turns := range []bool{true, false} {
		mutex := new(counter)
		h := New(&fake{}, mutex)
		mutex.Lock() // so that all wait
		calls := []func(*Inbox, *core.Effects){
			func(own *Inbox, fx *core.Effects) {
				h.Open(0, core.Peer{}, &owner{driver: &driver{inbox: own}}, own, fx)
			},
			func(own *Inbox, fx *core.Effects) { h.Receive(0, 1, []byte("x"), own, fx) },
			func(own *Inbox, fx *core.Effects) { h.EndMessage(0, 1, own, fx) },
			func(own *Inbox, fx *core.Effects) { h.Close(0, 1, own, fx) },
			func(own *Inbox, fx *core.Effects) { h.Tick(0, own, fx) },
			func(own *Inbox, _ *core.Effects) { h.Collect(own) },
		}
		var all sync.WaitGroup
		begun := make(chan bool, len(calls))
		for _, call := range calls {
			own := NewInbox(func() {})
			if turns {
				own = NewInboxInTurn(func() {})
			}
			all.Go(func() {
				begun <- true
				call(own, new(core.Effects))
			})
		}
		for range calls {
			<-begun
		}
		if turns {
			time.Sleep(50 * time.Millisecond) // for any others to arrive
		}
		for !turns && mutex.at.Load() < int32(1+len(calls)) {
			runtime.Gosched()
		}
		mutex.Unlock()
		all.Wait()
		if most := mutex.most.Load(); turns && most > 2 {
			t.Errorf("%d goroutines waited for or held the mutex at a time, want 2", most)
		}
	}
}
