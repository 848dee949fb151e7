package lock

const (
	// maxFree is how many free locks stay in the table. A released name is often
	// acquired again soon; then neither the release nor the acquisition changes
	// the table or allocates, which is half of their cost.
	maxFree = 4096
	// maxFreeName is the longest name in bytes of a free lock that stays.
	maxFreeName = 64
)

// freeLocks is a ring of the locks in the table that no connection holds. The zero
// value is empty.
type freeLocks struct {
	ring []*exclusive // nil where one was acquired again
	next int          // where the next one goes; it replaces the oldest
}

// add makes a lock free, and returns the lock to be removed from the table instead:
// the oldest free one, or the lock itself if its name is long, or nil.
func (f *freeLocks) add(l *exclusive) (out *exclusive) {
	if len(l.name) > maxFreeName {
		return l
	}
	if len(f.ring) < maxFree {
		l.setAt(len(f.ring))
		f.ring = append(f.ring, l)
		return nil
	}
	out = f.ring[f.next]
	l.setAt(f.next)
	f.ring[f.next] = l
	f.next = (f.next + 1) % maxFree
	return out
}

// remove removes a lock that is acquired again.
func (f *freeLocks) remove(l *exclusive) { f.ring[l.at()] = nil }
