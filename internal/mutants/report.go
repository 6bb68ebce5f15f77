package main

import (
	"fmt"
	"maps"
	"slices"
)

// tally counts the mutants of one area.
type tally struct{ total, killed, alive, equivalent, invalid int }

func (t *tally) add(m *mutant) {
	if m.result == equivalent {
		t.equivalent++
		return
	}
	t.total++
	switch m.result {
	case killed:
		t.killed++
	case alive:
		t.alive++
	default:
		t.invalid++
	}
}

// report prints the numbers and fails unless all mutants were killed.
func (r *runner) report(all []*mutant) error {
	areas := make(map[string]*tally)
	var sum tally
	for _, m := range all {
		t := areas[m.area()]
		if t == nil {
			t = &tally{}
			areas[m.area()] = t
		}
		t.add(m)
		sum.add(m)
	}
	fmt.Fprintf(r.out, "%-22s %6s %6s %6s %6s %6s\n", "", "total", "killed", "alive", "error", "equal")
	for _, area := range slices.Sorted(maps.Keys(areas)) {
		t := areas[area]
		fmt.Fprintf(r.out, "%-22s %6d %6d %6d %6d %6d\n", area, t.total, t.killed, t.alive, t.invalid, t.equivalent)
	}
	fmt.Fprintf(r.out, "mutants: total=%d killed=%d alive=%d\n", sum.total, sum.killed, sum.alive)
	switch {
	case sum.invalid > 0:
		return fmt.Errorf("%d mutants could not be judged: see ERROR above", sum.invalid)
	case sum.alive > 0:
		return fmt.Errorf("%d mutants are alive: write the test that notices each, or show in equivalent.go that none can", sum.alive)
	}
	return nil
}
