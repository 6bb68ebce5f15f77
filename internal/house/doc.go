// Package house holds the tests that keep the rules of the house: which package
// may import which, who may look at a clock, what every package must say of
// itself. There is nothing in it to import.
package house
