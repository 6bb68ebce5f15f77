package reference

import (
	"context"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/clickhouse"
)

// Read is what the tables of a database hold, without versions.
func Read(ctx context.Context, db *clickhouse.DB) (*Tables, error) {
	t := newTables()
	if err := read(ctx, t, topics.Grants, db.Grants, func(v *schemas.Grant) *schemas.Meta { return &v.Meta }); err != nil {
		return nil, err
	}
	if err := read(ctx, t, topics.Assumptions, db.Assumptions, func(v *schemas.Assumption) *schemas.Meta { return &v.Meta }); err != nil {
		return nil, err
	}
	if err := read(ctx, t, topics.Sessions, db.Sessions, func(v *schemas.Session) *schemas.Meta { return &v.Meta }); err != nil {
		return nil, err
	}
	if err := read(ctx, t, topics.Findings, db.Findings, func(v *schemas.Finding) *schemas.Meta { return &v.Meta }); err != nil {
		return nil, err
	}
	counts, err := db.ActivityCounts(ctx)
	for _, c := range counts {
		t.Calls[c.Session] = c
	}
	t.sort()
	return t, err
}

func read[T any](ctx context.Context, t *Tables, topic string, from func(context.Context) ([]T, error), meta func(*T) *schemas.Meta) error {
	all, err := from(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		*meta(&all[i]) = schemas.Meta{}
		if err := t.add(topic, &all[i]); err != nil {
			return err
		}
	}
	return nil
}
