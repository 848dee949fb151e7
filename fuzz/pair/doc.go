// Package pair runs a core.Core and the naive model of sim/model side by side
// and compares every reply. Fuzz targets and properties share it.
package pair
