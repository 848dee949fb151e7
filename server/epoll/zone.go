//go:build linux && (amd64 || arm64 || riscv64)

package epoll

import (
	"net"
	"strconv"
)

// zone returns the name of the zone of an IPv6 address, as the net package shows it.
func zone(index uint32) string {
	if i, err := net.InterfaceByIndex(int(index)); err == nil {
		return i.Name
	}
	return strconv.FormatUint(uint64(index), 10)
}
