package shrink

import (
	"slices"
	"testing"
)

// Exactly the elements that matter are left, wherever in the list they are.
func TestRemove(t *testing.T) {
	for _, matter := range [][]int{{}, {0}, {99}, {0, 99}, {17, 18, 63}, {1, 3, 5, 7, 9, 11}} {
		var list []int
		for i := range 100 {
			list = append(list, i)
		}
		tries := 0
		left := Remove(list, func(rest []int) bool {
			tries++
			for _, i := range matter {
				if !slices.Contains(rest, i) {
					return false
				}
			}
			return true
		})
		if !slices.Equal(left, matter) {
			t.Errorf("%v is left, want %v", left, matter)
		}
		if tries > 200 {
			t.Errorf("%v was found after %d tries", matter, tries)
		}
		if len(list) != 100 || list[50] != 50 {
			t.Error("the list was changed")
		}
	}
}
