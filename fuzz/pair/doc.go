// Package pair runs a server.Core and the naive model of sim/model side by side
// and compares every reply. Fuzz targets and properties share it.
package pair
