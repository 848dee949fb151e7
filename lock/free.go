package lock

const (
	// Fewer than maxFree free locks stay in the table. A released name is often
	// acquired again soon; then neither the release nor the acquisition changes
	// the table or allocates, which is half of their cost.
	maxFree = 4096
	// maxFreeBytes bounds the bytes of their names, so that long ones take little memory.
	maxFreeBytes = 1 << 20
)

// freeLocks is a ring of the locks in the table that no connection has. The zero value is
// empty. Places count from the first lock that was ever added.
type freeLocks struct {
	ring         []*exclusive // place modulo maxFree; nil where one was acquired again
	oldest, next uint64       // the places in use
	bytes        int          // of names
}

// add makes a lock free. The caller then removes locks from the table until excess
// returns nil.
func (f *freeLocks) add(l *exclusive) {
	at := int(f.next % maxFree)
	if len(f.ring) < maxFree {
		f.ring = append(f.ring, nil) // at place at, since nothing has gone round yet
	}
	f.ring[at] = l
	l.setAt(at)
	f.next++
	f.bytes += len(l.name)
}

// excess takes out the oldest free lock if there is one too many, and returns nil
// otherwise.
func (f *freeLocks) excess() *exclusive {
	for f.next-f.oldest == maxFree || f.bytes > maxFreeBytes {
		l := f.ring[f.oldest%maxFree]
		f.oldest++
		if l != nil {
			f.remove(l)
			return l
		}
	}
	return nil
}

// remove removes a lock that is acquired again, or taken out.
func (f *freeLocks) remove(l *exclusive) {
	f.ring[l.at()] = nil
	f.bytes -= len(l.name)
}
