package world

import (
	"slices"

	"lockd/sim/kernel"
)

// Fault is a kind of perturbation.
type Fault int

// Every kind of perturbation. A campaign fails if one of them never happened, since it
// has not tested what it claims to.
const (
	SplitAtEveryByte Fault = iota
	ManyCommandsInOnePacket
	TornLastLine
	CRLF
	BareCR
	DoubledCR
	NULByte
	NotUTF8
	BlankLine
	UpperCase
	UnknownCommand
	LineOfMaxMinus1
	LineOfMax
	LineOfMaxPlus1
	EndlessLine
	BytesAfterTheEnd
	EndBeforeReply
	EndInsidePipeline
	HalfClosed
	ResetByClient
	DroppedByServer
	SlowReader
	FailedWrite
	HolderEndsUnderContention
	ReconnectStorm
	RefusedConnection
	AddressReuse
	NameRegisteredTwice
	ExclusiveAndShared
	HundredThousandLocks
	LockLimit
	OutputBatch
	WebSocketMessage
	WebSocketWithoutLF
	DumpDuringChanges
	ServerRestart
	DumpAwaited
	ByteOrderMark
	ForeignProtocol
	GrantAfterWait
	WaitTimedOut
	WaitCancelled
	WaitLimited
	WaitInPipeline
	GrantToFullBuffers
	ServedInPieces
	KilledByCommand
	KilledItself
	SharedLockFull
	StopDuringWaits
	TimeoutInTheInstantOfAGrant

	// The following happen around event loops only.
	TimeJump
	IdleTimeout
	WriteTimeout
	FullBuffers
	NumberUsedAgain
	StoppedGracefully
	StoppedForcibly
	OutputForOthers
	WokenByItself
	TurnWithinTurn
	firstKernelFault
)

// faults is how many kinds there are, those of the kernel included.
const faults = int(firstKernelFault) + kernel.Faults

var faultNames = [firstKernelFault]string{
	"split at every byte", "many commands in one packet", "torn last line",
	"CR LF", "bare CR", "doubled CR", "NUL", "not UTF-8", "blank line", "upper case",
	"unknown command", "line of max-1", "line of max", "line of max+1", "endless line",
	"bytes after the end", "end before the reply", "end inside a pipeline", "half-close",
	"reset", "dropped by the server", "slow reader", "failed write",
	"holder ends under contention", "reconnect storm", "refused connection",
	"address reuse", "one registered name twice", "one name exclusive and shared",
	"100,000 locks on one connection", "limit of locks", "replies over 64 KiB",
	"websocket message", "websocket message without LF", "dump during changes",
	"server restart", "dump awaited", "byte order mark", "HTTP or TLS",
	"grant after a wait", "wait timed out", "wait cancelled", "wait ended by the limit of locks", "lines behind a wait",
	"grant to a connection with full buffers", "waiters served in pieces", "killed by a command", "killed itself",
	"shared lock full", "stop during waits", "time-out in the instant of a grant",
	"time jumps", "idle time-out", "write time-out", "full buffers", "descriptor number used again",
	"server stops gracefully", "server stops forcibly",
	"output for others", "Core wakes by itself", "turn within a turn of another loop",
}

// String returns the name of the kind.
func (f Fault) String() string {
	if f >= firstKernelFault {
		return kernel.Fault(f - firstKernelFault).String()
	}
	return faultNames[f]
}

// Coverage counts how often each fault happened.
type Coverage [faults]int64

// Map returns the counts of the faults that happened, by name.
func (c *Coverage) Map() map[string]int64 {
	m := map[string]int64{}
	for f, n := range c {
		if n > 0 {
			m[Fault(f).String()] = n
		}
	}
	return m
}

// Faults are the names of the kinds of perturbations around Core alone.
func Faults() []string { return slices.Clone(faultNames[:TimeJump]) }

// LoopFaults are the names of the kinds around event loops, which serve no WebSockets
// and leave out the most expensive ones.
func LoopFaults() []string {
	var names []string
	for f := range Fault(faults) {
		switch f {
		case WebSocketMessage, WebSocketWithoutLF, BytesAfterTheEnd, DroppedByServer, HundredThousandLocks:
		default:
			names = append(names, f.String())
		}
	}
	return names
}
