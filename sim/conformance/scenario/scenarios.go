// Package scenario has the conformance cases that need loops and goroutines: contention,
// ends of connections that others observe, hostile input, limits, packets, histories that
// must be linearizable; and of the extended level waits, tokens, lists, and connections
// that k ends. A case in sim/conformance/cases calls a scenario by its name.
//
// The package starts no server and uses no server code. Scenarios use connections of
// their [engine.Run]. Begin with [All].
package scenario

import (
	"lockd/sim/conformance/engine"
	"lockd/sim/history"
)

// All are the scenarios, by the name in scripts.
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
	"version":                  version,
	"version-with-a-name":      versionWithAName,
	"long-names":               longNames,
	"first-come":               firstCome,
	"leave-the-middle":         leaveTheMiddle,
	"no-barging":               noBarging,
	"time-out":                 timeOut,
	"wait-at-the-limit":        waitAtTheLimit,
	"much-behind-a-wait":       muchBehindAWait,
	"many-waits":               manyWaits,
	"hand-on-in-order":         handOnInOrder,
	"ping-while-waiting":       pingWhileWaiting,
	"tokens-grow":              tokensGrow,
	"token-kept":               tokenKept,
	"token-tells-the-time":     tokenTellsTheTime,
	"list-of-holders":          listOfHolders,
	"list-of-waiters":          listOfWaiters,
	"own-number":               ownNumber,
	"kill":                     kill,
	"kill-with-a-token":        killWithAToken,
	"kill-one-that-waits":      killOneThatWaits,
	"kill-itself":              killItself,
	"leave-together":           leaveTogether,
	"linearizable-exclusive":   linearizable([]string{"g", "r", "i"}, 0),
	"linearizable-shared":      linearizable([]string{"sg", "sr"}, 0),
	"linearizable-waits":       linearizable([]string{history.WaitGet, history.WaitGet, "r", "r", "g", "i", history.WaitBounded, history.GetBounded, "sr", "sr"}, 0.06),
	"linearizable-disconnects": linearizable([]string{"g", "r", "i", "sg", "sr"}, 0.06),
}
