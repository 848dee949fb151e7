//go:build !linux || !(amd64 || arm64 || riscv64)

package load

import (
	"context"
	"errors"
	"net"
)

var errNoLinux = errors.New("the load generator needs Linux, on amd64, arm64 or riscv64")

// Run fails: the generator needs Linux.
func Run(context.Context, Protocol, Options) (Result, error) { return Result{}, errNoLinux }

// Echo fails: it needs Linux.
func Echo(context.Context, net.Listener) error { return errNoLinux }
