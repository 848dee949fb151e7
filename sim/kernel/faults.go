package kernel

// Fault is a misfortune that Faulty can add. This is the whole list; whatever
// else a program sees, the honest layer made of what the two ends did. Read and
// Write never fail by a fault: they do not return EINTR, since they do not block.
type Fault int

const (
	// ShortRead is a Read of fewer bytes than there are and were asked for, but
	// at least one.
	ShortRead Fault = iota
	// ShortWrite is a Write of fewer bytes than there is room for, but at least
	// one.
	ShortWrite
	// ReadAgain is EAGAIN from Read, though there is data. The descriptor is as
	// ready as before.
	ReadAgain
	// WriteAgain is EAGAIN from Write, though there is room. The descriptor is
	// as ready as before.
	WriteAgain
	// Interrupted is Wait returning no events, though there are some or Wake
	// was called; the next Wait has them. It is EINTR.
	Interrupted
	// Spurious is an event for something that a watched descriptor is not ready
	// for, and that was wanted.
	Spurious
	// Late is a ready descriptor that is left out of a Wait, as if it became
	// ready just after; so the events of several Waits come in one.
	Late
	// Few is a Wait that reports only some of what is ready, although there is
	// room. The others are first in the next.
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
	// AcceptECONNABORTED is ECONNABORTED from Accept. The connection is gone,
	// and its client sees a reset.
	AcceptECONNABORTED
	// WatchENOMEM is ENOMEM from Watch. A descriptor that was watched still is,
	// for what it was before.
	WatchENOMEM

	faults
)

// Faults is how many there are: they are numbered from 0.
const Faults = int(faults)

var faultNames = [Faults]string{
	"short read", "short write", "EAGAIN from Read", "EAGAIN from Write", "interrupted Wait",
	"spurious event", "late event", "few events", "reordered events",
	"EMFILE from Accept", "ENFILE from Accept", "ENOBUFS from Accept", "EINTR from Accept",
	"ECONNABORTED from Accept", "ENOMEM from Watch",
}

// String returns a few words that say what the fault is.
func (f Fault) String() string { return faultNames[f] }

// Rates says how often each fault strikes where it could, in percent.
type Rates [Faults]uint8

// Uniform returns the Rates of all faults striking equally often.
func Uniform(percent uint8) (r Rates) {
	for i := range r {
		r[i] = percent
	}
	return r
}

// Counts says how often each fault has struck.
type Counts [Faults]int
