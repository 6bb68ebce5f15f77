package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"jitaudit/schemas"
)

type triageRow struct {
	id, finding, status, owner, reason, by string
	at                                     time.Time
	exact                                  string
}

const (
	triageLog  = "triage_log"
	triageView = "triage_history"
)

func triageColumns() []column[triageRow] {
	return []column[triageRow]{
		text("id", func(r *triageRow) *string { return &r.id }),
		text("finding", func(r *triageRow) *string { return &r.finding }),
		text("status", func(r *triageRow) *string { return &r.status }),
		text("owner", func(r *triageRow) *string { return &r.owner }),
		text("reason", func(r *triageRow) *string { return &r.reason }),
		text("by", func(r *triageRow) *string { return &r.by }),
		instant("at", func(r *triageRow) *time.Time { return &r.at }),
		text("exact", func(r *triageRow) *string { return &r.exact }),
	}
}

// decodeTriage reads a decision. The error is about the record and nothing else.
func decodeTriage(value []byte) (triageRow, error) {
	var t schemas.Triage
	if err := json.Unmarshal(value, &t); err != nil {
		return triageRow{}, fmt.Errorf("it is no JSON of this record: %w", err)
	}
	if t.ID == "" || t.Finding == "" {
		return triageRow{}, fmt.Errorf("it has no id or names no finding")
	}
	row := triageRow{id: t.ID, finding: t.Finding, status: string(t.Status), owner: t.Owner, reason: t.Reason, by: t.By, at: required(t.At)}
	again, err := json.Marshal(row.triage())
	if err != nil || string(again) != string(value) {
		row.exact = string(value)
	}
	return row, nil
}

func (r *triageRow) triage() schemas.Triage {
	return schemas.Triage{ID: r.id, Finding: r.finding, Status: schemas.TriageStatus(r.status), Owner: r.owner, Reason: r.reason, By: r.by, At: r.at}
}

func (r *triageRow) restore() (schemas.Triage, error) {
	if r.exact == "" {
		return r.triage(), nil
	}
	var t schemas.Triage
	if err := json.Unmarshal([]byte(r.exact), &t); err != nil {
		return t, fmt.Errorf("read the column exact of a row of %s: %w", triageLog, err)
	}
	return t, nil
}

// Triage returns all decisions about findings, by finding and time.
func (db *DB) Triage(ctx context.Context) ([]schemas.Triage, error) {
	return readRows(ctx, db, triageView, triageColumns(), " ORDER BY finding, at, id", (*triageRow).restore)
}
