// Package cases embeds the cases of the conformance suite: one file for each chapter of
// docs/protocol.md, in the language that package sim/conformance/script explains. It does
// not parse them. To add a case, write it into the file of its chapter; begin with
// exclusive.case, as an example.
package cases

import "embed"

// Files are the case files.
//
//go:embed *.case
var Files embed.FS
