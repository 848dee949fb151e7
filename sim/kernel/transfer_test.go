//go:build linux && (amd64 || arm64)

package kernel

import (
	"bytes"
	"fmt"
	"syscall"
	"time"

	"lockd/server/loop"
)

// server does one step with the server's descriptor.
func (p *play) server(l *link, s step) error {
	e := endpoint{socket: l.end.s.peer, in: &l.up, out: &l.down}
	for i, k := range p.kernels {
		e.read[i] = func(b []byte) (int, syscall.Errno) { return k.Read(l.server[i], b) }
		e.write[i] = func(b []byte) (int, syscall.Errno) { return k.Write(l.server[i], b) }
		e.closeWrite[i] = func() syscall.Errno { return k.CloseWrite(l.server[i]) }
	}
	switch s.op {
	case opWatch:
		for i, k := range p.kernels {
			if errno := k.Watch(l.server[i], loop.Ready(s.n)&(loop.Readable|loop.Writable|loop.PeerEnded), uint64(s.conn)+1); errno != 0 {
				return errno
			}
		}
	case opUnwatch:
		for i, k := range p.kernels {
			k.Unwatch(l.server[i])
		}
	case serverClose:
		p.seen.closing(p.tcp, e.socket)
		for i, k := range p.kernels {
			k.Close(l.server[i])
		}
		l.ended = true
		p.numbers[l.server[fake]] = true
	default:
		return p.transfer(&e, s.op, int(s.n))
	}
	return nil
}

// client does one step with the client's end.
func (p *play) client(l *link, s step) error {
	e := endpoint{socket: l.end.s, in: &l.down, out: &l.up}
	for i, c := range l.client {
		e.read[i], e.write[i], e.closeWrite[i] = c.Read, c.Write, c.CloseWrite
	}
	switch s.op {
	case clientClose, clientReset:
		p.seen.closing(p.tcp, e.socket)
		l.gone = true
		for _, c := range l.client {
			if s.op == clientClose {
				c.Close()
			} else {
				c.Reset()
			}
		}
	default:
		return p.transfer(&e, s.op-clientRead+serverRead, int(s.n))
	}
	return nil
}

// endpoint is an end of a connection on both operating systems.
type endpoint struct {
	socket      *socket // of the fake
	read, write [2]func([]byte) (int, syscall.Errno)
	closeWrite  [2]func() syscall.Errno
	in, out     *flow
}

// result is what an operation returns.
type result struct {
	n     int
	errno syscall.Errno
}

func (r result) String() string { return fmt.Sprintf("%d, %q", r.n, r.errno.Error()) }

// transfer does an operation that both ends can do; which is the server's one.
func (p *play) transfer(e *endpoint, which op, n int) error {
	var results [2]result
	// Reading makes room; on TCP any segment may acknowledge bytes in a full buffer.
	e.in.touched = e.in.full
	e.out.touched = e.out.touched || p.tcp && e.out.full && e.in.full
	switch which {
	case serverRead:
		p.seen.reading(p.tcp, e.socket)
		for i := range results {
			var err error
			if results[i], err = e.readSome(i, n); err != nil {
				return err
			}
		}
		p.seen.result(p.tcp, "Read", results[fake])
	case serverWrite:
		if e.out.touched {
			return nil
		}
		p.seen.writing(p.tcp, e.socket)
		for i := range results {
			results[i] = e.writeSome(i, n)
		}
		p.seen.result(p.tcp, "Write", results[fake])
	case serverFill:
		if e.out.touched {
			return nil
		}
		for i := range results {
			for results[i].errno == 0 {
				results[i] = e.writeSome(i, 4096)
			}
		}
		e.out.full = e.out.full || results[fake].errno == syscall.EAGAIN
		if e.out.full {
			p.seen.note(p.tcp, filled)
		}
	case serverDrain:
		return p.drain(e)
	case serverEnd:
		for i, f := range e.closeWrite {
			results[i].errno = f()
		}
		p.seen.result(p.tcp, "CloseWrite", results[fake])
		if e.out.full && p.tcp && e.socket.fin && !e.socket.acked {
			p.seen.note(p.tcp, endBehindData)
		}
		if e.socket.state == closing || e.socket.peer.state == closing {
			p.seen.note(p.tcp, bothEnding)
		}
	}
	if results[fake] != results[actual] {
		return different("result", results[fake], results[actual])
	}
	return nil
}

// pattern is the data sent in each direction: its byte i is pattern[i].
var pattern = func() []byte {
	b := make([]byte, 4<<20)
	for i := range b {
		b[i] = byte(i*7 + i>>8)
	}
	return b
}()

func (e *endpoint) readSome(system, n int) (r result, err error) {
	var buffer [8192]byte
	r.n, r.errno = e.read[system](buffer[:n])
	if at := e.in.read[system]; !bytes.Equal(buffer[:r.n], pattern[at:at+r.n]) {
		err = fmt.Errorf("%s: read %q where %q was written", systems[system], buffer[:r.n], pattern[at:at+r.n])
	}
	e.in.read[system] += r.n
	return r, err
}

func (e *endpoint) writeSome(system, n int) (r result) {
	at := e.out.written[system]
	r.n, r.errno = e.write[system](pattern[at : at+n])
	e.out.written[system] += r.n
	return r
}

// patience is how often to poll the real kernel for bytes that must arrive.
const patience = 30

// drain reads until there is nothing more. If more was sent than there was room for, the
// counts differ between the operating systems; then all bytes must arrive if they do on
// the fake.
func (p *play) drain(e *endpoint) error {
	var ends [2]result
	var totals [2]int
	for i := range ends {
		for tries := 0; ; {
			p.seenDraining(e, i)
			r, err := e.readSome(i, 8192)
			if err != nil {
				return err
			}
			totals[i] += r.n
			if r.n > 0 {
				continue
			}
			ends[i] = r
			again := i == actual && e.in.full && (r != ends[fake] || e.complete(fake) && !e.complete(actual))
			if tries++; !again || tries > patience {
				break
			}
			time.Sleep(time.Duration(tries) * 20 * time.Microsecond)
		}
	}
	if ends[fake] != ends[actual] {
		return different("end of a drain", ends[fake], ends[actual])
	}
	if !e.in.full && totals[fake] != totals[actual] || e.complete(fake) && !e.complete(actual) {
		return different("drain", totals[fake], totals[actual])
	}
	if e.in.full {
		p.seen.note(p.tcp, drained)
		if e.complete(fake) && e.socket.peer.dead {
			p.seen.note(p.tcp, readAfterClose)
		}
	}
	e.in.full, e.in.touched = false, false
	p.seen.result(p.tcp, "Read", ends[fake])
	return nil
}

func (p *play) seenDraining(e *endpoint, system int) {
	if system == fake {
		p.seen.reading(p.tcp, e.socket)
	}
}

// complete reports whether all that was written was read.
func (e *endpoint) complete(system int) bool { return e.in.read[system] == e.in.written[system] }
