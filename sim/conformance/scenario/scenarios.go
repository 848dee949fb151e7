// Package scenario holds the conformance cases that need loops and goroutines: crowds
// that contend, ends that others watch, hostile input, limits, packets, histories that
// must be linearizable. A case of sim/conformance/cases calls one by its name.
//
// It starts no server and knows none from inside; what it says to one goes through
// [engine.Run]. Begin with [All].
package scenario

import "lockd/sim/conformance/engine"

// All are the scenarios, by the name that scripts call.
var All = map[string]engine.Scenario{
	"one-winner":               oneWinner,
	"counts-in-turn":           countsInTurn,
	"hand-over":                handOver,
	"reconnect-storm":          reconnectStorm,
	"many-connections":         manyConnections,
	"slow-reader":              slowReader,
	"replies-in-one-packet":    repliesInOnePacket,
	"statistics-in-one-packet": statisticsInOnePacket,
	"statistics-with-a-name":   statisticsWithAName,
	"unix-address":             unixAddress,
	"address-reuse":            addressReuse,
	"garbage":                  garbage,
	"come-and-go":              comeAndGo,
	"whole-statistics-message": wholeStatisticsMessage,
	"released-in-one-step":     releasedInOneStep,
	"statistics-in-one-step":   statisticsInOneStep,
	"dump-in-one-step":         dumpInOneStep,
	"full-in-one-step":         fullInOneStep,
	"connection-limit":         connectionLimit,
	"lock-limit":               lockLimit,
	"leave-together":           leaveTogether,
	"linearizable-exclusive":   linearizable([]string{"g", "r", "i"}, 0),
	"linearizable-shared":      linearizable([]string{"sg", "sr"}, 0),
	"linearizable-disconnects": linearizable([]string{"g", "r", "i", "sg", "sr"}, 0.06),
}
