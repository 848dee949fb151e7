package life

// End says how a connection ended. The log and the simulation use the same four words.
type End uint8

const (
	// Open means that it has not ended.
	Open End = iota
	// Finished means that the client ended its stream, and everything before
	// the end was answered (END-4).
	Finished
	// Failed means that the connection broke: it was reset, or its peer
	// vanished.
	Failed
	// TimedOut means that the client sent nothing, or did not read, for too
	// long.
	TimedOut
	// Dropped means that the server ended it, because it stops (END-8) or to
	// protect itself.
	Dropped

	// NumEnds is the number of values of End, for arrays indexed by it.
	NumEnds
)

var endNames = [NumEnds]string{"open", "finished", "failed", "timed out", "dropped"}

// String returns the word in lower case.
func (e End) String() string { return endNames[e] }
