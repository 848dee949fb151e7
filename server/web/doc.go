// Package web is what the HTTP port answers besides WebSockets: metrics for Prometheus
// (/metrics), health checks (/healthz, /readyz), profiles if they are wanted
// (/debug/pprof/), and the status page for people (/), which is kept up to date by /feed.
//
// Everything that it shows comes from server.Measures, which costs some microseconds, or
// from server.Walk, which looks at all locks in pieces. What looks at all of them is paced,
// so that it takes some percent of a processor at most, however many viewers and locks there
// are. Names of locks and clients are hostile: text.go makes them readable, and
// html/template escapes them. Begin with web.go; metrics.go, page.go and pace.go are its
// three parts.
package web
