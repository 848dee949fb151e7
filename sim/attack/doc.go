// Package attack does to a server what a hostile or broken client would, and
// measures what an honest one notices of it: how long it waits, whether it keeps
// its locks, and how much memory the server takes.
package attack
