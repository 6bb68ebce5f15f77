package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"jitaudit/schemas"
)

type policyRow struct {
	id, name, text string
	from           time.Time
	published      time.Time
}

const (
	policiesLog  = "policies_log"
	policiesView = "policies"
)

func policyColumns() []column[policyRow] {
	return []column[policyRow]{
		text("id", func(r *policyRow) *string { return &r.id }),
		text("name", func(r *policyRow) *string { return &r.name }),
		optional("effective_from", func(r *policyRow) *time.Time { return &r.from }),
		instant("published", func(r *policyRow) *time.Time { return &r.published }),
		text("text", func(r *policyRow) *string { return &r.text }),
	}
}

// decodePolicy reads a policy. The error is about the record and nothing else.
func decodePolicy(value []byte) (policyRow, error) {
	var p schemas.PublishedPolicy
	if err := json.Unmarshal(value, &p); err != nil {
		return policyRow{}, fmt.Errorf("it is no JSON of this record: %w", err)
	}
	if p.ID == "" {
		return policyRow{}, fmt.Errorf("it has no id")
	}
	return policyRow{id: p.ID, name: p.Name, text: p.Text, from: p.EffectiveFrom, published: required(p.Published)}, nil
}

// Policies returns all policies that were ever published, by id.
func (db *DB) Policies(ctx context.Context) ([]schemas.PublishedPolicy, error) {
	return readRows(ctx, db, policiesView, policyColumns(), " ORDER BY id", func(r *policyRow) (schemas.PublishedPolicy, error) {
		return schemas.PublishedPolicy{ID: r.id, Name: r.name, EffectiveFrom: r.from, Published: r.published, Text: r.text}, nil
	})
}
