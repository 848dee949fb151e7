package lock_test

import (
	"fmt"

	"lockd/lock"
)

func Example() {
	m := lock.New(lock.Options{Reentrant: true})
	m.Open(1)
	m.Open(2)
	fmt.Println(m.Get(1, []byte("job")) == lock.Granted)
	fmt.Println(m.Get(2, []byte("job")) == lock.Granted)
	fmt.Println(m.Close(1).Exclusive, "released")
	fmt.Println(m.Get(2, []byte("job")) == lock.Granted)
	// Output:
	// true
	// false
	// 1 released
	// true
}
