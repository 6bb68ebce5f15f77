package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"jitaudit/schemas"
	"jitaudit/sinks"
)

type letterRow struct {
	source, file   string
	record, offset int64
	hash           uint64
	reason, raw    string
	observed       time.Time
}

const lettersLog = "dead_letters_log"

func letterColumns() []column[letterRow] {
	return []column[letterRow]{
		text("source", func(r *letterRow) *string { return &r.source }),
		text("file", func(r *letterRow) *string { return &r.file }),
		plain("record", "Int64", func(r *letterRow) *int64 { return &r.record }),
		plain("offset", "Int64", func(r *letterRow) *int64 { return &r.offset }),
		plain("hash", "UInt64", func(r *letterRow) *uint64 { return &r.hash }),
		text("reason", func(r *letterRow) *string { return &r.reason }),
		text("raw", func(r *letterRow) *string { return &r.raw }),
		instant("observed", func(r *letterRow) *time.Time { return &r.observed }),
	}
}

// letterRows writes dead letters. One that is none becomes a dead letter itself,
// and that one can be written.
func letterRows(db *DB) writer {
	return func(ctx context.Context, batch []sinks.Record, mine []int) ([]sinks.Refusal, error) {
		return writeRows(ctx, db, []string{lettersLog}, letterColumns(), decodeLetter, batch, mine)
	}
}

// decodeLetter reads a dead letter. Its time is that of its message: it has none
// of its own.
func decodeLetter(r *sinks.Record) (letterRow, error) {
	var l schemas.DeadLetter
	if err := json.Unmarshal(r.Value, &l); err != nil {
		return letterRow{}, fmt.Errorf("it is no JSON of this record: %w", err)
	}
	if l.Source == "" || l.Reason == "" {
		return letterRow{}, fmt.Errorf("it has no source or gives no reason")
	}
	h := xxhash.New()
	_, _ = h.WriteString(l.Reason + "\x00") // a hash takes everything
	_, _ = h.Write(l.Raw)
	return letterRow{
		source: string(l.Source), file: l.File, record: l.Record, offset: l.Offset,
		hash: h.Sum64(), reason: l.Reason, raw: string(l.Raw), observed: required(r.Time.UTC()),
	}, nil
}
