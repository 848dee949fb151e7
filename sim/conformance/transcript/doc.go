// Package transcript records the conversations of conformance cases, so that a failure
// can be explained by what was sent and received. It keeps a bounded part of each
// conversation, and does not interpret it. Begin with [Transcript].
package transcript
