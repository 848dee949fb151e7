package kernel

// queue holds bytes of a stream, in a ring whose size is a power of two.
type queue struct {
	ring []byte
	head int // index of the first byte
	n    int // how many bytes there are
}

const smallestRing = 64

func (q *queue) put(p []byte) {
	if q.n+len(p) > len(q.ring) {
		q.grow(q.n + len(p))
	}
	tail := (q.head + q.n) & (len(q.ring) - 1)
	copied := copy(q.ring[tail:], p)
	copy(q.ring, p[copied:])
	q.n += len(p)
}

func (q *queue) grow(size int) {
	larger := max(2*len(q.ring), smallestRing)
	for larger < size {
		larger *= 2
	}
	ring := make([]byte, larger)
	a, b := q.parts(q.n)
	copy(ring[copy(ring, a):], b)
	q.ring, q.head = ring, 0
}

// parts returns the first n bytes, in two pieces.
func (q *queue) parts(n int) (a, b []byte) {
	end := q.head + n
	if end <= len(q.ring) {
		return q.ring[q.head:end], nil
	}
	return q.ring[q.head:], q.ring[:end-len(q.ring)]
}

// appendTo appends all bytes to dst.
func (q *queue) appendTo(dst []byte) []byte {
	a, b := q.parts(q.n)
	return append(append(dst, a...), b...)
}

func (q *queue) take(p []byte) int {
	n := min(len(p), q.n)
	a, b := q.parts(n)
	copy(p[copy(p, a):], b)
	q.drop(n)
	return n
}

// move moves n bytes into another queue.
func (q *queue) move(to *queue, n int) {
	a, b := q.parts(n)
	to.put(a)
	to.put(b)
	q.drop(n)
}

func (q *queue) drop(n int) {
	q.n -= n
	if q.n == 0 {
		q.head = 0
		return
	}
	q.head = (q.head + n) & (len(q.ring) - 1)
}

// clear drops the bytes and their memory.
func (q *queue) clear() { *q = queue{} }
