package kernel

// Fault is a fault that Faulty can inject. The list is complete: everything else that a
// program sees results from what the two ends did. Read and Write never return EINTR,
// since they do not block.
type Fault int

const (
	// ShortRead is a Read of fewer bytes than available and requested, but at
	// least one.
	ShortRead Fault = iota
	// ShortWrite is a Write of fewer bytes than there is room for, but at least
	// one.
	ShortWrite
	// ReadAgain is EAGAIN from Read although there is data. The readiness of the
	// descriptor does not change.
	ReadAgain
	// WriteAgain is EAGAIN from Write although there is room. The readiness of
	// the descriptor does not change.
	WriteAgain
	// Interrupted is a Wait without events (EINTR) although there are some or Wake
	// was called; the next Wait has them.
	Interrupted
	// Spurious is an event for something that a descriptor is watched for but not
	// ready for.
	Spurious
	// Late is a ready descriptor that a Wait omits, as if it became ready just
	// after; so the events of several Waits come in one.
	Late
	// Few is a Wait that reports only some ready descriptors, although there is
	// room for more. The others are the first in the next Wait.
	Few
	// Reordered is a Wait with its events in another order.
	Reordered
	// AcceptEMFILE is EMFILE from Accept. The connection stays in the queue.
	AcceptEMFILE
	// AcceptENFILE is ENFILE from Accept. The connection stays in the queue.
	AcceptENFILE
	// AcceptENOBUFS is ENOBUFS from Accept. The connection stays in the queue.
	AcceptENOBUFS
	// AcceptEINTR is EINTR from Accept. The connection stays in the queue.
	AcceptEINTR
	// AcceptECONNABORTED is ECONNABORTED from Accept. The connection leaves the
	// queue, and its client sees a reset.
	AcceptECONNABORTED
	// WatchENOMEM is ENOMEM from Watch. What the descriptor is watched for does
	// not change.
	WatchENOMEM

	faults
)

// Faults is the number of faults: they are numbered from 0.
const Faults = int(faults)

var faultNames = [Faults]string{
	"short read", "short write", "EAGAIN from Read", "EAGAIN from Write", "interrupted Wait",
	"spurious event", "late event", "few events", "reordered events",
	"EMFILE from Accept", "ENFILE from Accept", "ENOBUFS from Accept", "EINTR from Accept",
	"ECONNABORTED from Accept", "ENOMEM from Watch",
}

// String returns a short description of the fault.
func (f Fault) String() string { return faultNames[f] }

// Rates is the probability of each fault where it can occur, in percent.
type Rates [Faults]uint8

// Uniform returns Rates that are the same for all faults.
func Uniform(percent uint8) (r Rates) {
	for i := range r {
		r[i] = percent
	}
	return r
}

// Counts is how often each fault has occurred.
type Counts [Faults]int
