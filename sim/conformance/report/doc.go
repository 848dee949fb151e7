// Package report has the results of a run of the conformance suite, and writes them as
// text, HTML, JSON and JUnit XML. It runs no case and connects to no server; it decides
// the verdict and which failures are shown first. Begin with [Report].
package report
