package mutants

var serverMutants = []Mutant{
	{"the socket is closed before the release", "server/session.go",
		"		x.release(x.pump())\n", "		err := x.pump()\n		x.conn.Close()\n		x.release(err)\n"},
	{"an error skips the release", "server/session.go",
		"		x.release(x.pump())\n", "		if err := x.pump(); err == nil {\n			x.release(err)\n		}\n"},
	{"the end of the stream skips the release", "server/session.go",
		"		x.release(x.pump())\n", "		if err := x.pump(); err != nil {\n			x.release(err)\n		}\n"},
	{"the socket is never closed", "server/session.go",
		"	x.conn.Close()\n	x.server.finish(x)", "	x.server.finish(x)"},
	{"orphaning is atomic for one name only", "server/session.go",
		"	orphans := x.server.core.Close(id)\n", `	for _, h := range x.server.core.machine.SnapshotExclusive() {
		if ID(h.Holder) == id && x.server.core.machine.Release(h.Holder, []byte(h.Name)) {
			x.server.core.figures.Orphans++
			x.server.mu.Unlock()
			x.server.mu.Lock()
		}
	}
	orphans := x.server.core.Close(id)
`},
	{"get checks, then acts", "server/session.go",
		"	x.server.mu.Lock()\n	r := x.server.core.Receive(x.id, data, out)\n", `	if n := len(data); n > 3 && string(data[:2]) == "g " && data[n-1] == '\n' {
		name := data[2 : n-1]
		x.server.mu.Lock()
		_, held := x.server.core.machine.Holder(name)
		x.server.mu.Unlock()
		if !held {
			x.server.mu.Lock()
			if holder, taken := x.server.core.machine.Holder(name); taken {
				x.server.core.machine.Release(holder, name)
			}
			x.server.mu.Unlock()
		}
	}
	x.server.mu.Lock()
	r := x.server.core.Receive(x.id, data, out)
`},
	{"a count is read after the mutex", "server/session.go",
		"	r := x.server.core.Receive(x.id, data, out)\n	x.server.mu.Unlock()\n", `	r := x.server.core.Receive(x.id, data, out)
	x.server.mu.Unlock()
	if n := len(data); n > 4 && string(data[:3]) == "sg " && len(r.Out) < 60 && r.Out[0] != '0' {
		x.server.mu.Lock()
		r.Out[0] = byte('0' + x.server.core.machine.Holders(data[3:n-1]))
		x.server.mu.Unlock()
	}
`},
	{"a command is applied after its connection was orphaned", "server/session.go",
		"		if err := x.send(x.conn, r.Out); err != nil {\n			return err\n		}\n", `		if err := x.send(x.conn, r.Out); err != nil {
			x.release(err)
			x.open()
			x.apply(data, nil)
			x.id = 0
			return err
		}
`},
	{"every read is its own connection", "server/session.go",
		"	r := x.server.core.Receive(x.id, data, out)\n", "	x.server.core.Close(x.id)\n	x.id, _ = x.server.core.Open(x.conn.RemoteAddr().String())\n	r := x.server.core.Receive(x.id, data, out)\n"},
	{"commands run without the mutex", "server/session.go",
		"	x.server.mu.Lock()\n	r := x.server.core.Receive(x.id, data, out)\n	x.server.mu.Unlock()\n", "	r := x.server.core.Receive(x.id, data, out)\n"},
	{"a great batch loses its rest", "server/session.go",
		"		data = r.Rest\n", "		data = nil\n"},
	{"replies share a buffer", "server/session.go",
		"	defer putOut(out)\n", "	putOut(out)\n"},
	{"replies are cut", "server/session.go",
		"		n, err := conn.Write(out[:min(len(out), writePiece)])\n", "		out = out[:min(len(out), 40)]\n		n, err := conn.Write(out)\n"},
	{"a refused connection is counted", "server/session.go",
		"	if !ok {\n		x.server.warnRefusal", "	if !ok {\n		x.server.core.last++\n		x.server.core.conns[x.server.core.last] = &conn{}\n		x.server.warnRefusal"},
	{"replies to a deaf client wait for ever", "server/session.go",
		"if timeout := x.server.config.WriteTimeout; timeout > 0 {", "if timeout := x.server.config.WriteTimeout; timeout < 0 {"},
	{"silence is never too long", "server/session.go",
		"if x.server.config.IdleTimeout > 0 {", "if x.server.config.IdleTimeout < 0 {"},
	{"a server that stops does not answer", "server/session.go",
		"	x.stopping.Store(true)\n", "	x.drop(ErrClosed)\n	x.stopping.Store(true)\n"},
	{"a failed accept ends the server", "server/server.go",
		"		default:\n			s.log.Warn(", "		default:\n			return err\n			s.log.Warn("},
	{"a server that stops goes on accepting", "server/server.go",
		"	for l := range s.listeners {\n		l.Close()\n	}\n", ""},
	{"shutdown waits for nobody", "server/server.go",
		"	go func() {\n		s.running.Wait()\n		close(done)\n	}()", "	close(done)"},
	{"shutdown forgets the open connections", "server/server.go",
		"		if x.conn != nil {\n			open", "		if x.conn == nil {\n			open"},
	{"a message without LF is not executed", "server/websocket.go",
		"	result := x.server.core.EndMessage(x.id, reply.out)\n", "	result := Result{Out: reply.out}\n"},
	{"a close frame is answered before the release", "server/guard.go",
		"		g.session.release(errEndOfStream)\n	}\n	if err", "		defer g.session.release(errEndOfStream)\n	}\n	if err"},
	{"a websocket is never released", "server/session.go",
		"	orphans := x.server.core.Close(id)\n", "	var orphans Orphans\n	if _, ws := x.conn.(*guard); !ws {\n		orphans = x.server.core.Close(id)\n	}\n"},
}
