// Package shrink reduces failing inputs: it removes elements from a list as long as what
// remains still fails. It has no clock: the fails of a caller with a time limit returns
// false at its end. Begin with [Remove], the only function.
package shrink

// Remove removes ever smaller groups of elements as long as the rest fails, and returns
// what is left. It assumes that the list itself fails, and does not change it.
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
