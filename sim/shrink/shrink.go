// Package shrink makes lists that fail smaller.
package shrink

// Remove takes out ever smaller groups of elements as long as the rest fails, and
// returns what is left. The list itself is taken to fail, and is not changed.
func Remove[T any](list []T, fails func([]T) bool) []T {
	for size := (len(list) + 1) / 2; size > 0; {
		removed := false
		for at := 0; at < len(list); {
			rest := append(append([]T(nil), list[:at]...), list[min(at+size, len(list)):]...)
			if fails(rest) {
				list, removed = rest, true
			} else {
				at += size
			}
		}
		if size > 1 {
			size = (size + 1) / 2
		} else if !removed {
			size = 0
		}
	}
	return list
}
