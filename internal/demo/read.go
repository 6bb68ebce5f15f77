package demo

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"jitaudit/correlate"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
)

// Read reads back from ClickHouse what the pipeline has come to, person by
// person in the order of their keys.
func (d *Demo) Read(ctx context.Context) ([]scan.Result, scan.Summary, error) {
	var sum scan.Summary
	people := make(map[string]*scan.Result)
	of := func(p schemas.Person) *scan.Result {
		if people[p.Key] == nil {
			people[p.Key] = &scan.Result{Person: p}
		}
		return people[p.Key]
	}
	err := cmp.Or(
		each(ctx, d.db.Grants, func(g schemas.Grant) { r := of(g.Person); r.Grants = append(r.Grants, g) }),
		each(ctx, d.db.Assumptions, func(a schemas.Assumption) { r := of(a.Person); r.Assumptions = append(r.Assumptions, a) }),
		each(ctx, d.db.Sessions, func(s schemas.Session) { r := of(s.Person); r.Sessions = append(r.Sessions, s) }),
		each(ctx, d.db.Findings, func(f schemas.Finding) { r := of(f.Person); r.Findings = append(r.Findings, f) }),
	)
	if err != nil {
		return nil, sum, err
	}
	if sum.Coverage, err = d.db.Coverage(ctx); err != nil {
		return nil, sum, err
	}
	counts := make(map[string]schemas.ActivityCounts)
	if err := each(ctx, d.db.ActivityCounts, func(c schemas.ActivityCounts) { counts[c.Session] = c }); err != nil {
		return nil, sum, err
	}
	results := make([]scan.Result, 0, len(people))
	for _, r := range people {
		order(&r.Outcome)
		for i := range r.Sessions {
			c := counts[r.Sessions[i].ID]
			c.Session = r.Sessions[i].ID
			r.Activity = append(r.Activity, c)
		}
		results = append(results, *r)
	}
	slices.SortFunc(results, func(a, b scan.Result) int { return strings.Compare(a.Person.Key, b.Person.Key) })
	sum.People = len(results)
	return results, sum, nil
}

func each[T any](ctx context.Context, read func(context.Context) ([]T, error), do func(T)) error {
	all, err := read(ctx)
	for _, v := range all {
		do(v)
	}
	return err
}

// order puts sessions and findings into the order of time, as a scan does.
func order(o *correlate.Outcome) {
	slices.SortFunc(o.Sessions, func(a, b schemas.Session) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.ID, b.ID))
	})
	slices.SortFunc(o.Findings, func(a, b schemas.Finding) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Rule, b.Rule), strings.Compare(a.ID, b.ID))
	})
}
