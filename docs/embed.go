// Package docs holds the texts that programs and tests of this module quote.
package docs

import _ "embed"

// Protocol is the normative text of the protocol, docs/protocol.md.
//
//go:embed protocol.md
var Protocol string
