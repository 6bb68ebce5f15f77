// Command mutants proves that the tests notice when a rule is changed. It
// changes the sources of the rules, and of what they stand on, in one place at
// a time, and runs the scenarios against each change; a change that no test
// notices is alive, and the program fails.
//
// All mutants are compiled at once: each function is given, in front of its own
// body, one changed body per mutant, and JITAUDIT_MUTANT says which one runs.
// The changed files reach the compiler as an overlay; the working tree is never
// written to.
package main
