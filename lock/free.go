package lock

const (
	// maxFree is how many free locks stay in the table, as long as others come
	// after them. A name that was released is often acquired again soon; then
	// neither of the two changes the table or takes memory, which is half of
	// what they cost.
	maxFree = 4096
	// maxFreeName is the longest name in bytes of a lock that stays.
	maxFreeName = 64
)

// freeLocks are the locks of the table that nobody holds, in a ring. The zero
// value has none.
type freeLocks struct {
	ring []*exclusive // nil where one was acquired again
	next int          // the place of the next one; what is there is the oldest
}

// add makes a lock free, and returns the one that leaves the table for it: the
// oldest free one, or the lock itself if its name is long, or none.
func (f *freeLocks) add(l *exclusive) (out *exclusive) {
	if len(l.name) > maxFreeName {
		return l
	}
	if len(f.ring) < maxFree {
		l.at = len(f.ring)
		f.ring = append(f.ring, l)
		return nil
	}
	out = f.ring[f.next]
	l.at, f.ring[f.next] = f.next, l
	f.next = (f.next + 1) % maxFree
	return out
}

// remove takes a lock out that is acquired.
func (f *freeLocks) remove(l *exclusive) { f.ring[l.at] = nil }
