// Package report is what a run of the conformance suite found, and how it is shown: as
// text, as a page, as JSON and as JUnit XML. It connects to nothing, and decides only
// what is shown first. Begin with [Report].
package report
