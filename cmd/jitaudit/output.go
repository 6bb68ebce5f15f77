package main

import (
	"jitaudit/correlate/policy"
	"jitaudit/internal/scan/truth"
)

// printer returns what writes the results in the format asked for.
func (m *Main) printer(f *scanFlags, set *policy.Set, check *truth.Check) printer {
	switch f.format.value {
	case "json":
		return newJSON(m.Stdout, check)
	case "csv":
		return newCSV(m.Stdout, f.records.value, set)
	}
	return newTable(m.Stdout, terminalOf(m.Stdout), set, check, tableOptions{limit: f.limit})
}
