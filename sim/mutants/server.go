package mutants

// serverMutants are bugs of the goroutine driver, of what it shares with the
// loops, and of WebSockets.
var serverMutants = []Mutant{
	{"the socket is closed before the release", "server/session.go",
		"			x.release()\n", "			x.conn.Close()\n			x.release()\n"},
	{"a goroutine that was too busy to read takes its client for silent", "server/receive.go",
		"!errors.Is(err, os.ErrDeadlineExceeded) || x.server", "true || x.server"},
	{"a client that goes on asking keeps the server from stopping", "server/receive.go",
		"		if n, err = look(socket, buf); !errors", "		if n, err = look(socket, nil); false && !errors"},
	{"an error skips the release", "server/session.go",
		"			x.release()\n", "			if x.life.End() == life.Failed {\n				x.life.Released()\n			} else {\n				x.release()\n			}\n"},
	{"the end of the stream skips the release", "server/session.go",
		"			x.release()\n", "			if x.life.End() == life.Finished {\n				x.life.Released()\n			} else {\n				x.release()\n			}\n"},
	{"the socket is never closed", "server/session.go",
		"			x.conn.Close()\n			x.life.Closed()", "			x.life.Closed()"},
	{"orphaning is atomic for one name only", "server/session.go",
		"	orphans, open := x.server.hub.Close(x.server.clock.now(), x.id(), x.inbox, fx)\n	x.mail()", `	for _, name := range []string{"n0", "n1", "n2"} {
		x.server.hub.Receive(x.server.clock.now(), x.id(), []byte("r "+name+"\n"), x.inbox, fx)
	}
	orphans, open := x.server.hub.Close(x.server.clock.now(), x.id(), x.inbox, fx)
	x.mail()`},
	{"get checks, then acts", "server/hub/hub.go",
		"	rest, state = h.core.Receive(h.time(now), id, data, fx)\n", `	if n := len(data); n > 3 && string(data[:2]) == "g " && data[n-1] == '\n' {
		asked := new(core.Effects)
		h.core.Receive(h.time(now), id, append([]byte("i "), data[2:]...), asked)
		if out := asked.To(id); len(out) > 0 && out[0] == '0' {
			h.mu.Unlock()
			h.mu.Lock()
			for other := range h.owners {
				if other != id {
					h.core.Receive(h.time(now), other, append([]byte("r "), data[2:]...), asked)
				}
			}
		}
	}
	rest, state = h.core.Receive(h.time(now), id, data, fx)
`},
	{"a count is read after the mutex", "server/hub/hub.go",
		"	h.unlock(id, own, fx)\n	return rest, state\n", `	h.unlock(id, own, fx)
	if n := len(data); n > 4 && string(data[:3]) == "sg " && len(fx.To(id)) < 60 && fx.To(id)[0] != '0' {
		asked := new(core.Effects)
		h.mu.Lock()
		h.core.Receive(h.time(now), id, append([]byte("si "), data[3:]...), asked)
		h.mu.Unlock()
		if out := asked.To(id); len(out) > 0 {
			fx.To(id)[0] = out[0]
		}
	}
	return rest, state
`},
	{"a command is applied after its connection was orphaned", "server/session.go",
		"	x.life.Released()\n", `	x.life.Released()
	if x.life.End() == life.Failed && true {
		id, _ := x.server.hub.Open(0, core.Peer{Addr: "late"}, x, x.inbox, fx)
		x.server.hub.Receive(0, id, x.small[:], x.inbox, fx)
	}
`},
	{"every read is its own connection", "server/session.go",
		"	x.input, state = x.server.hub.Receive(", "	x.server.hub.Close(x.server.clock.now(), x.id(), x.inbox, x.fx)\n	x.open()\n	x.life.Received(1)\n	x.input, state = x.server.hub.Receive("},
	{"commands run without the mutex", "server/hub/hub.go",
		"	rest, state = h.core.Receive(h.time(now), id, data, fx)\n	h.unlock(id, own, fx)\n", "	h.mu.Unlock()\n	rest, state = h.core.Receive(now, id, data, fx)\n	h.mu.Lock()\n	h.unlock(id, own, fx)\n"},
	{"a great batch loses its rest", "server/session.go",
		"	x.life.Executed(x.server.clock.now(), len(x.input) > 0, len(out) > 0, state)\n", "	x.life.Executed(x.server.clock.now(), false, len(out) > 0, state)\n"},
	{"replies share a buffer", "server/session.go",
		"	x.mail()\n	x.out.Add(out)\n", "	x.mail()\n	x.out.Add(out)\n	effects.Put(x.fx)\n"},
	{"replies are cut", "server/session.go",
		"	x.out.Sent(n)\n", "	x.out.Sent(n)\n	if n > 40 {\n		x.out.Clear()\n	}\n"},
	{"a refused connection is served", "server/session.go",
		"		x.life = life.Refused(now, &x.server.limits)\n		x.out.Add(refusal)\n		return\n", "		x.out.Add(refusal)\n"},
	{"a failed accept ends the server", "server/serve.go",
		"		p.server.log.notAccepted(err, pause)\n", "		if err != nil {\n			return nil, err\n		}\n"},
	{"a server that stops goes on accepting", "server/server.go",
		"	for l := range s.listeners {\n		l.Close()\n	}\n", ""},
	{"shutdown waits for nobody", "server/server.go",
		"	go func() {\n		s.running.Wait()\n		s.making.Wait()\n		close(done)\n	}()", "	close(done)"},
	{"shutdown forgets the open connections", "server/server.go",
		"		if x.conn != nil {\n			open", "		if x.conn == nil {\n			open"},
	{"stopping is not noticed", "server/receive.go",
		"	if x.stopping.Load() {\n		x.life.Stop", "	if false {\n		x.life.Stop"},
	{"a goroutine does not look into its inbox", "server/receive.go",
		"	if x.inbox.Some() {\n", "	if false {\n"},
	{"a goroutine sends what others have caused behind its own replies", "server/session.go",
		"	x.mail()\n	x.out.Add(out)\n", "	x.out.Add(out)\n	x.mail()\n"},
	{"nobody wakes Core where there are no loops", "server/keeper.go",
		"	k.timer = time.AfterFunc(", "	_ = time.AfterFunc\n	k.timer = time.AfterFunc(time.Hour+"},
	{"a WebSocket is not told what others have caused", "server/session.go",
		"			x.told = append(x.told, item.Data)\n", ""},
	{"a message without LF is not executed", "server/websocket.go",
		"	state := x.server.hub.EndMessage(x.server.clock.now(), x.id(), x.inbox, fx)\n", "	fx.Reset()\n	state := core.State{}\n"},
	{"a close frame is answered before the release", "server/guard.go",
		"		x.end(life.Finished)\n	}\n", "		defer x.end(life.Finished)\n	}\n"},
	{"a websocket is never released", "server/websocket.go",
		"	if x.life.Step() == life.Release {\n		x.release()\n", "	if x.life.Step() == life.Release {\n		x.life.Released()\n"},
}
