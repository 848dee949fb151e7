package fuzz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"testing"
	"unicode/utf8"

	"lockd/fuzz/schedule"
	"lockd/server"
	"lockd/server/core"
	"lockd/sim/judge"
)

const handshake = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// bitRaw makes FuzzWebSocket send bytes without framing them.
const bitRaw = 0x80

// FuzzWebSocket plays a schedule against the production WebSocket code. The data
// between two steps is a frame, and EndMessage makes the frame before it the last of its
// message. The stream ends with the schedule, often inside a message, whose torn line
// must not be executed (LINE-7, WS-1 to WS-3). With bitRaw the bytes are sent as they
// are, and the server must only survive them.
func FuzzWebSocket(f *testing.F) {
	for _, seed := range []string{
		"0g a\xf5i a\ni b\xf5q\xf5", "0g a\ng b\xf6\xf5", "0g\xf6 a\xf6\xf5i a\xf5", "0nonsense\xf5\n\xf5g a",
		"1g a\xf5g a\xf5", "8g 12345678901234\xf5i 1\xf5", "\xb0\x81\x83\x00\x00\x00\x00g a", "\xb0\x88\x80\x00\x00\x00\x00", "\xb0GET / HTTP/1.1\r\n\r\n",
		"0g a\n\xf6torn", "0g caf\xe9\xf5d\xf5",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, coded []byte) {
		if len(coded) == 0 {
			return
		}
		config := schedule.Config(coded[0])
		config.LastToken = 1 << 62 // from which tokens count on, although the clocks differ
		c := newScriptedConn()
		raw := coded[0]&bitRaw != 0
		var want [][]byte
		if raw {
			c.pieces = [][]byte{[]byte(handshake), coded[1:]}
		} else {
			c.pieces, want = messages(coded[1:], config)
		}
		if err := serveWebSocket(config, c); err != nil {
			t.Fatal(err)
		}
		_, body, ok := bytes.Cut(c.written.Bytes(), []byte("\r\n\r\n"))
		if !ok {
			t.Fatalf("the handshake is answered %q", c.written.Bytes())
		}
		if raw {
			reached(f, true)
			return
		}
		got, err := readMessages(body)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("%q is answered %q, want %q", coded, got, want)
		}
		reached(f, len(want) > 0)
	})
}

// messages returns the packets of a schedule, and the messages with which the model
// answers.
func messages(coded []byte, config core.Config) (packets, want [][]byte) {
	packets = [][]byte{[]byte(handshake)}
	model := judge.Model(config)
	id, _ := model.Open("h:0")
	var payloads [][]byte // of the message so far
	message := func(fin bool) {
		kind := byte(binaryKind) // text would have to be UTF-8 (WS-3)
		if utf8.Valid(slices.Concat(payloads...)) {
			kind = textKind
		}
		var reply []byte
		for i, payload := range payloads {
			packets = append(packets, appendFrame(nil, kind, fin && i == len(payloads)-1, payload))
			replies, _ := model.Receive(id, payload)
			reply = append(reply, replies...)
			kind = continuationKind
		}
		dismissed := model.Dismissed(id) // and answered before its message ends (BAD-7)
		if fin {
			reply = append(reply, model.EndMessage(id)...)
		}
		if (fin || dismissed) && len(reply) > 0 {
			want = append(want, reply)
		}
		payloads = nil
	}
	for s := range schedule.Steps(coded) {
		switch {
		case len(s.Data) > 0:
			payloads = append(payloads, s.Data)
		case s.What == schedule.EndMessage:
			if len(payloads) == 0 {
				payloads = [][]byte{nil}
			}
			message(true)
		}
	}
	message(false)
	return packets, want
}

// The kinds of frames.
const (
	continuationKind = iota
	textKind
	binaryKind
)

// appendFrame appends a client's frame, masked by zeros.
func appendFrame(dst []byte, kind byte, fin bool, payload []byte) []byte {
	head := kind
	if fin {
		head |= 0x80
	}
	const masked = 0x80
	switch n := len(payload); {
	case n < 126:
		dst = append(dst, head, masked|byte(n))
	case n < 1<<16:
		dst = binary.BigEndian.AppendUint16(append(dst, head, masked|126), uint16(n))
	default:
		dst = binary.BigEndian.AppendUint64(append(dst, head, masked|127), uint64(n))
	}
	return append(append(dst, 0, 0, 0, 0), payload...)
}

// readMessages reads the server's frames up to its close frame.
func readMessages(stream []byte) (all [][]byte, err error) {
	var message []byte
	isText := false
	for len(stream) >= 2 {
		head, n := stream[0], int(stream[1])
		stream = stream[2:]
		switch {
		case n == 126 && len(stream) >= 2:
			n, stream = int(binary.BigEndian.Uint16(stream)), stream[2:]
		case n == 127 && len(stream) >= 8:
			n, stream = int(binary.BigEndian.Uint64(stream)), stream[8:]
		}
		if n > len(stream) {
			return nil, fmt.Errorf("a frame of %d bytes has %d", n, len(stream))
		}
		if head&0x0F == 8 {
			return all, nil
		}
		message = append(message, stream[:n]...)
		stream = stream[n:]
		isText = isText || head&0x0F == textKind
		if head&0x80 != 0 {
			if isText && !utf8.Valid(message) {
				return nil, fmt.Errorf("%q is sent as text", message)
			}
			isText = false
			all = append(all, message)
			message = nil
		}
	}
	return nil, errors.New("there is no close frame")
}

// serveWebSocket serves one connection to its end, and checks that no connection or lock
// is left.
func serveWebSocket(config core.Config, c *scriptedConn) error {
	s := server.New(server.Config{Core: config})
	l := &memoryListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	served := make(chan error, 1)
	go func() { served <- s.ServeWebSocket(l) }()
	l.conns <- c
	<-c.closed
	if conns, locks := s.Held(); conns+locks > 0 {
		return fmt.Errorf("%d connections and %d locks are left at the end of the stream", conns, locks)
	}
	s.Close()
	if err := <-served; !errors.Is(err, server.ErrClosed) {
		return err
	}
	return nil
}
