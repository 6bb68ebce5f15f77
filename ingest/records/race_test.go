//go:build race

package records_test

// The race detector makes reading ten times slower.
const underRace = true
