// Package hub is what the connections of all drivers share: Core behind the one
// mutex, the delivery of its outputs to other connections, and the account of the
// bytes that wait for slow readers.
//
// # Order
//
// All calls of Core are made under the mutex, and so is the delivery of outputs: the
// replies to the connection that sent the input are returned to the driver that called;
// every other output goes into the inbox of its connection's driver. A driver takes the
// items out of its inbox under the mutex as well, at the end of each of its calls. They
// were made before the replies that the call returns, and later items are made later: a
// driver keeps the order if it delivers the items before the replies.
//
// A Hub sends nothing, and knows no sockets: its drivers do. Begin with [Hub] and its
// Receive.
package hub
