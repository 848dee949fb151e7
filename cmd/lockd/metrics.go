package main

import "github.com/prometheus/client_golang/prometheus"

// daemonMetrics are the metrics of what the daemon has besides its server.
func daemonMetrics(log *queueWriter, tokens *tokenFile) []prometheus.Collector {
	all := []prometheus.Collector{prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "lockd_log_lines_dropped_total", Help: "Lines of the log that were dropped, since they were not read fast enough.",
	}, func() float64 { return float64(log.lost.Load()) })}
	if tokens == nil {
		return all
	}
	return append(all, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lockd_token_file_writable", Help: "Whether the token file could be written the last time: 1 or 0.",
	}, func() float64 {
		if tokens.failing.Load() {
			return 0
		}
		return 1
	}), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lockd_token_horizon", Help: "The token in the token file, which no token in use has passed.",
	}, func() float64 { return float64(tokens.shown.Load()) }))
}
