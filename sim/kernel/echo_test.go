package kernel

import (
	"bytes"
	"testing"

	"lockd/server/loop"
)

// TestFaults injects all faults into an echo server: all data still arrives, and the
// same random numbers give the same run.
func TestFaults(t *testing.T) {
	first := echo(t)
	for fault, n := range first {
		if n == 0 {
			t.Errorf("%v never occurred", Fault(fault))
		}
	}
	if second := echo(t); first != second {
		t.Errorf("not the same again: %v, %v", first, second)
	}
}

func echo(t *testing.T) Counts {
	f := newFaulty(t, 0, 3)
	f.SetRates(Uniform(30))
	for f.Watch(f.listener, loop.Readable, 0) != 0 {
	}
	aborted, echoed := 0, 0
	var ends []*End
	sent := map[*End][]byte{}
	got := map[*End][]byte{}
	events, buffer := make([]loop.Event, 4), make([]byte, 16)
	for turn := range 3000 {
		if turn < 60 {
			if e, ok := f.Dial(f.listener, somebody); ok {
				ends = append(ends, e)
				for range 3 {
					sent[e] = append(sent[e], "some text for it"...)
				}
				e.Write(sent[e])
			}
		}
		for _, e := range events[:f.Wait(events, 0)] {
			fd := loop.FD(e.Token)
			if e.Token == 0 {
				if fd, _, errno := f.Accept(f.listener); errno == 0 {
					for f.Watch(fd, loop.Readable, uint64(fd)) != 0 {
					}
				}
				continue
			}
			n, _ := f.Read(fd, buffer)
			for rest := buffer[:n]; len(rest) > 0; {
				n, _ := f.Write(fd, rest)
				rest = rest[n:]
			}
		}
	}
	for _, e := range ends {
		if e.ServerClosed() {
			aborted++
			continue
		}
		for e.Buffered() > 0 {
			n, _ := e.Read(buffer)
			got[e] = append(got[e], buffer[:n]...)
		}
		if bytes.Equal(got[e], sent[e]) {
			echoed++
		}
	}
	if aborted != f.Counts()[AcceptECONNABORTED] || aborted+echoed != len(ends) || f.Misuse() != nil {
		t.Errorf("%d echoed, %d aborted of %d: %v; %v", echoed, aborted, len(ends), f.Counts(), f.Misuse())
	}
	return f.Counts()
}
