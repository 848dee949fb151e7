package bench

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"
	"time"

	"lockd/cmd/lockcheck/load"
	"lockd/sim/attack"
)

const (
	locksHeld       = 1_000_000
	holders         = 20 // hold as many locks each
	idleConnections = 10_000
)

// resident returns the resident size of a server's process in bytes.
func (s *Server) resident() float64 { return float64(attack.Memory(s.process)) }

// memoryOf measures the memory of one more server of the same kind, which has had no load.
func memoryOf(ctx context.Context, like *Server) (Memory, error) {
	s, err := like.another()
	if err != nil {
		return Memory{}, err
	}
	defer s.End()
	m := Memory{Server: s.Name, Empty: s.resident(), Lock: math.NaN(), Connection: math.NaN()}
	idle, err := connectIdle(ctx, s)
	if err != nil {
		return m, err
	}
	m.Connection = (s.resident() - m.Empty) / idleConnections
	closeAll(idle)
	if s.Name == "echo" {
		return m, nil // it holds nothing
	}
	time.Sleep(500 * time.Millisecond) // the ends of the connections are seen
	before := s.resident()
	all, err := hold(ctx, s, locksHeld)
	defer closeAll(all)
	if err != nil {
		return m, fmt.Errorf("%w; -memory=false leaves this out", err)
	}
	m.Lock = (s.resident() - before) / locksHeld
	return m, nil
}

// connectIdle makes connections, each of which has been answered once.
func connectIdle(ctx context.Context, s *Server) (all []net.Conn, err error) {
	defer func() {
		if err != nil {
			closeAll(all)
		}
	}()
	for i := range idleConnections {
		if err := ctx.Err(); err != nil {
			return all, err
		}
		c, err := net.DialTimeout("tcp", s.Addr, 10*time.Second)
		if err != nil {
			return all, fmt.Errorf("idle connection %d to %s: %w; ulimit -n raises the limit of descriptors, -memory=false leaves this out", i, s.Name, err)
		}
		all = append(all, c)
		c.SetDeadline(time.Now().Add(10 * time.Second))
		name := "idle" + strconv.Itoa(i)
		request := s.Protocol.Append(nil, load.Exclusive, name)
		if _, err := c.Write(request); err != nil {
			return all, err
		}
		reply, err := bufio.NewReaderSize(c, 64).ReadString('\n')
		if err != nil {
			return all, fmt.Errorf("idle connection %d to %s: %w", i, s.Name, err)
		}
		if err := release(c, s, name, reply); err != nil {
			return all, err
		}
	}
	return all, nil
}

// release releases what a connection has acquired, if there is a lock.
func release(c net.Conn, s *Server, name, reply string) error {
	if s.Name == "echo" {
		return nil
	}
	request := s.Protocol.Release(nil, name, reply)
	if _, err := c.Write(request); err != nil {
		return err
	}
	_, err := bufio.NewReaderSize(c, 64).ReadString('\n')
	return err
}

// hold makes connections that hold so many locks together. Their names are new in every
// run.
func hold(ctx context.Context, s *Server, locks int) (all []net.Conn, err error) {
	prefix := fmt.Sprintf("h%06x", time.Now().UnixMilli()&0xffffff)
	for i := range holders {
		c, err := holdLocks(ctx, s, prefix, i*locks/holders, (i+1)*locks/holders)
		if err != nil {
			return all, err
		}
		all = append(all, c)
	}
	return all, nil
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

// holdLocks acquires locks on a connection, with names of 15 bytes: a prefix of 7 and
// numbers in a range.
func holdLocks(ctx context.Context, s *Server, prefix string, from, to int) (net.Conn, error) {
	c, err := net.DialTimeout("tcp", s.Addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(2 * time.Minute))
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Now()) })
	defer stop()
	failed := make(chan error, 1)
	go func() {
		var batch []byte
		for i := from; i < to; i++ {
			batch = s.Protocol.Append(batch, load.Exclusive, fmt.Sprintf("%s%08d", prefix, i))
			if len(batch) > 32<<10 || i == to-1 {
				if _, err := c.Write(batch); err != nil {
					failed <- err
					return
				}
				batch = batch[:0]
			}
		}
		failed <- nil
	}()
	replies := bufio.NewScanner(c)
	for got := range to - from {
		if !replies.Scan() {
			c.Close()
			return nil, fmt.Errorf("%s has acquired %d of %d locks: %w", s.Name, got, to-from, cmp.Or(replies.Err(), io.EOF))
		}
		if !s.Protocol.Yes(replies.Bytes()) {
			c.Close()
			return nil, fmt.Errorf("%s has acquired %d of %d locks, then says %q", s.Name, got, to-from, replies.Bytes())
		}
	}
	return c, <-failed
}
