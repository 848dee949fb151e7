// Package hub is what the connections of all drivers share: Core behind the one
// mutex, the way of its outputs to whomever they are for, and the account of the
// large replies that wait for slow readers.
//
// # Order
//
// All calls of Core are made under the mutex, and so are outputs handed over: the
// replies to the connection that spoke are returned to the driver that called;
// every other output goes into the inbox of its connection's driver. A driver
// takes its inbox under the mutex as well, at the end of each of its own calls.
// So what it took was decided before what the call returned, and what comes
// later was decided later: outputs are in order if it delivers what it took first.
package hub
