package correlate

import (
	"cmp"
	"slices"

	"jitaudit/schemas"
)

// Distinct keeps one copy of each event, sorted by time, source and id, and
// counts the others: a duplicate is equal to a copy already counted, a
// corrected copy has other content and lost. Among different contents the
// addendum wins, else the lower content hash (CloudTrail record contents: an
// addendum marks a late or corrected copy). It changes nothing behind facts.
func Distinct(facts []*schemas.Fact) (kept []*schemas.Fact, duplicates, corrected int) {
	kept = slices.Clone(facts)
	if !slices.IsSortedFunc(kept, byTime) {
		slices.SortFunc(kept, byTime)
	}
	if !repeats(kept) {
		return kept, 0, 0
	}
	slices.SortFunc(kept, byCopy)
	out := kept[:0]
	var last *schemas.Fact // the copy before, kept or not
	for _, f := range kept {
		switch {
		case last == nil || last.Source != f.Source || last.ID != f.ID:
			out = append(out, f)
		case sameContent(last, f):
			duplicates++
		default:
			corrected++
		}
		last = f
	}
	slices.SortFunc(out, byTime)
	return out, duplicates, corrected
}

// repeats reports whether two facts may be copies of one event.
func repeats(facts []*schemas.Fact) bool {
	seen := make(map[string]struct{}, len(facts))
	for _, f := range facts {
		seen[f.ID] = struct{}{}
	}
	return len(seen) < len(facts)
}

func sameContent(a, b *schemas.Fact) bool { return a.Hash == b.Hash && a.Addendum == b.Addendum }

func byTime(a, b *schemas.Fact) int {
	if c := a.At.Compare(b.At); c != 0 {
		return c
	}
	if c := cmp.Compare(a.Source, b.Source); c != 0 {
		return c
	}
	return cmp.Compare(a.ID, b.ID)
}

// byCopy brings copies of one event together, the winner first.
func byCopy(a, b *schemas.Fact) int {
	if c := cmp.Compare(a.Source, b.Source); c != 0 {
		return c
	}
	if c := cmp.Compare(a.ID, b.ID); c != 0 {
		return c
	}
	if a.Addendum != b.Addendum {
		if a.Addendum {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Hash, b.Hash)
}
