package engine

import (
	"slices"
	"testing"
)

// TestUnordered checks that tables are compared without regard to order, and that other
// differences are still noticed.
func TestUnordered(t *testing.T) {
	for _, c := range []struct {
		a, b []string
		same bool
	}{
		{[]string{"a: 1", "b: 2"}, []string{"b: 2", "a: 1"}, true},
		{[]string{"a: 1", "b: 2"}, []string{"a: 2", "b: 1"}, false},
		{[]string{"map[a:1 b:2]"}, []string{"map[b:2 a:1]"}, true},
		{[]string{"map[a:1 b:2]"}, []string{"map[a:2 b:1]"}, false},
		{[]string{"map[a:1 b:2]"}, []string{"map[a:1]"}, false},
		{[]string{"map[a:[1 2] b:[3]]"}, []string{"map[b:[3] a:[2 1]]"}, true},
		{[]string{"map[a:[1 2] b:[3]]"}, []string{"map[a:[1 3] b:[2]]"}, false},
		{[]string{"map[]"}, []string{"map[]"}, true},
		{[]string{"map[]"}, nil, false},
		{[]string{"map[a]b:1 c:2]"}, []string{"map[c:2 a]b:1]"}, true},
		{[]string{"map[a[b:[1]]"}, []string{"map[a[b:[2]]"}, false},
	} {
		if got := slices.Equal(unordered(c.a), unordered(c.b)); got != c.same {
			t.Errorf("%q and %q: %v", c.a, c.b, got)
		}
	}
}
