package lock

import (
	"hash/maphash"
	"iter"
)

// table holds exclusive locks by name. It is a hash table with chains that grows and
// shrinks by a few buckets at a time (linear hashing), so that no call moves many locks,
// and the memory is given back: it takes 16 to 24 bytes for each lock while the locks become
// more, and up to 72 when they have become fewer. Make one with newTable. Hashes are random,
// as those of a map; no order in the table reaches an output.
//
// While the number of buckets goes from 2^k to 2^(k+1), the bucket i+2^k, when it is
// added, takes over those locks of bucket i whose hash has the bit 2^k.
type table struct {
	seed     maphash.Seed
	segments []*[segment]*exclusive // the first lock of each bucket
	buckets  int
	level    uint64 // 2^k: buckets is from level to 2*level
	len      int    // locks
}

const (
	segment = 64 // buckets that are allocated at once; there are never fewer
	// Below and above these numbers of buckets for each lock the table grows and shrinks.
	minSpread = 2
	maxSpread = 8
)

// newTable returns an empty table.
func newTable() table {
	return table{seed: maphash.MakeSeed(), segments: []*[segment]*exclusive{new([segment]*exclusive)}, buckets: segment, level: segment}
}

// hash returns the hash of a name, for find and add.
func (t *table) hash(name []byte) uint64 { return maphash.Bytes(t.seed, name) }

// find returns the lock with that name, or nil.
func (t *table) find(hash uint64, name []byte) *exclusive {
	l := *t.bucket(hash)
	for l != nil && l.name != string(name) {
		l = l.next
	}
	return l
}

// named is find for callers without the hash.
func (t *table) named(name []byte) *exclusive { return t.find(t.hash(name), name) }

// add adds a lock whose name is not in the table.
func (t *table) add(hash uint64, l *exclusive) {
	push(t.bucket(hash), l)
	for t.len++; t.buckets < minSpread*t.len; {
		t.grow()
	}
}

// remove removes a lock that is in the table.
func (t *table) remove(l *exclusive) {
	at := t.bucket(maphash.String(t.seed, l.name))
	for *at != l {
		at = &(*at).next
	}
	*at, l.next = l.next, nil
	for t.len--; t.buckets > max(segment, maxSpread*t.len); {
		t.shrink()
	}
}

// bucket returns the bucket of a hash.
func (t *table) bucket(hash uint64) **exclusive {
	i := hash & (2*t.level - 1)
	if i >= uint64(t.buckets) {
		i -= t.level
	}
	return t.at(i)
}

func (t *table) at(i uint64) **exclusive { return &t.segments[i/segment][i%segment] }

// grow adds a bucket.
func (t *table) grow() {
	added := uint64(t.buckets)
	if added == 2*t.level {
		t.level = added
	}
	if added%segment == 0 {
		t.segments = append(t.segments, new([segment]*exclusive))
	}
	t.buckets++
	l := *t.at(added - t.level)
	*t.at(added - t.level) = nil
	for l != nil {
		next := l.next
		push(t.bucket(maphash.String(t.seed, l.name)), l)
		l = next
	}
}

// shrink removes the last bucket.
func (t *table) shrink() {
	t.buckets--
	last := uint64(t.buckets)
	l := *t.at(last)
	*t.at(last) = nil
	for l != nil {
		next := l.next
		push(t.at(last-t.level), l)
		l = next
	}
	if last == t.level {
		t.level /= 2
	}
	if last%segment == 0 {
		t.segments[last/segment] = nil
		t.segments = t.segments[:last/segment]
	}
}

// push puts a lock into a bucket.
func push(bucket **exclusive, l *exclusive) { l.next, *bucket = *bucket, l }

// all returns all locks, in no particular order.
func (t *table) all() iter.Seq[*exclusive] {
	return func(yield func(*exclusive) bool) {
		for i := range uint64(t.buckets) {
			for l := *t.at(i); l != nil; l = l.next {
				if !yield(l) {
					return
				}
			}
		}
	}
}
