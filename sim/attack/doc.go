// Package attack attacks a server as a hostile or broken client would, and measures
// the effect on a well-behaved client: how long it waits and whether it keeps its
// locks. It also measures how much memory the server takes.
//
// It looks at a server only from outside, and checks none of its replies to attackers.
// Begin with attack.go, the list of attacks; steps.go has what they are made of, and
// probe.go the well-behaved client, a process of its own.
package attack
