package backtest

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"jitaudit/schemas"
)

// Change says how a finding differs.
type Change string

// The changes.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Difference is a finding that the new policies judge otherwise.
type Difference struct {
	Change Change `json:"change"`
	// Fields are those of the record in which a changed one differs.
	Fields []string `json:"fields,omitempty"`
	// Old is nil for one that is added, New for one that is removed.
	Old *schemas.Finding `json:"old,omitempty"`
	New *schemas.Finding `json:"new,omitempty"`
}

// Finding is the one that there is, the new one if there are two.
func (d *Difference) Finding() *schemas.Finding { return cmp.Or(d.New, d.Old) }

// compare tells what differs: what is added first, then what is changed and what
// is removed, each by time.
func compare(before, after map[string]schemas.Finding) (same int, all []Difference) {
	all = []Difference{}
	for id, old := range before {
		found, ok := after[id]
		if !ok {
			all = append(all, Difference{Change: Removed, Old: &old})
		} else if fields := differing(&old, &found); len(fields) > 0 {
			all = append(all, Difference{Changed, fields, &old, &found})
		} else {
			same++
		}
	}
	for id, found := range after {
		if _, ok := before[id]; !ok {
			all = append(all, Difference{Change: Added, New: &found})
		}
	}
	slices.SortFunc(all, func(a, b Difference) int {
		x, y := a.Finding(), b.Finding()
		return cmp.Or(strings.Compare(string(a.Change), string(b.Change)), x.At.Compare(y.At), strings.Compare(x.ID, y.ID))
	})
	return same, all
}

// differing are the fields in which two findings of one id differ, as JSON names
// them. That another policy judged is no difference.
func differing(a, b *schemas.Finding) (fields []string) {
	x, y := reflect.ValueOf(*a), reflect.ValueOf(*b)
	for i := range x.NumField() {
		f := x.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Name == "Policy" || f.Anonymous {
			continue
		}
		if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			fields = append(fields, name)
		}
	}
	return fields
}
