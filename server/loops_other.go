//go:build !(linux && (amd64 || arm64 || riscv64))

package server

import "net"

// LoopsSupported says whether Config.Loops has an effect on this system.
const LoopsSupported = false

// loops has no loops on this system.
type loops struct{}

func (*loops) stop() {}
func (*loops) drop() {}

func (s *Server) serveOnLoops(net.Listener) (taken bool, err error) { return false, nil }

func (s *Server) removeSockets() {}
