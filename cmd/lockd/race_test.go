//go:build race

package main

// slow says that the race detector makes everything some ten times slower.
const slow = true
