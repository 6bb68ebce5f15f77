//go:build !race

package records_test

const underRace = false
