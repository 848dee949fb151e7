// Package attack attacks a server as a hostile or broken client would, and measures
// the effect on a well-behaved client: how long it waits and whether it keeps its
// locks. It also measures how much memory the server takes.
package attack
