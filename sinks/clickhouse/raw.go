package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cespare/xxhash/v2"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// RawEvent is one record of a raw topic: an event, what was listed or asked for, or
// a Coverage of what is here.
type RawEvent struct {
	Source schemas.Source
	Shard  string
	Kind   schemas.RawKind
	ID     string
	At     time.Time
	Value  []byte
	// Stored is when it was put into the table, to the second: so long later as
	// KeepRaw says it goes.
	Stored time.Time
}

type rawRow struct {
	source, shard, kind, id, value string
	at                             time.Time
	hash                           uint64
}

const (
	rawLog  = "raw_events_log"
	rawView = "raw_events"
)

func rawColumns() []column[rawRow] {
	return []column[rawRow]{
		text("source", func(r *rawRow) *string { return &r.source }),
		text("shard", func(r *rawRow) *string { return &r.shard }),
		text("kind", func(r *rawRow) *string { return &r.kind }),
		text("id", func(r *rawRow) *string { return &r.id }),
		instant("at", func(r *rawRow) *time.Time { return &r.at }),
		plain("hash", "UInt64", func(r *rawRow) *uint64 { return &r.hash }),
		text("value", func(r *rawRow) *string { return &r.value }),
	}
}

// RawSink writes raw events into a database that Migrate has prepared, so that
// they can be judged anew.
type RawSink struct{ db *DB }

var _ sinks.Sink = (*RawSink)(nil)

// NewRawSink returns a sink that writes into db.
func NewRawSink(db *DB) *RawSink { return &RawSink{db} }

// RawTopics are those that a RawSink takes, without prefix.
func RawTopics() []string {
	return []string{topics.RawOkta, topics.RawCloudTrail, topics.RawApprovals}
}

// Write implements sinks.Sink. Lists of shards are left out: they say what the
// pipeline waits for. Coverage is kept: it stands behind its events in the topic,
// hence in the table, and so tells where that is complete.
func (s *RawSink) Write(ctx context.Context, batch []sinks.Record) ([]sinks.Refusal, error) {
	rows := make([]rawRow, 0, len(batch))
	var refused []sinks.Refusal
	for i := range batch {
		r := &batch[i]
		kind := r.Header(schemas.HeaderKind)
		if kind == string(schemas.RawShards) {
			continue
		}
		at, err := rawTime(r, kind)
		if err != nil {
			refused = append(refused, sinks.Refusal{Record: i, Reason: fmt.Sprintf(
				"A record of topic %s cannot be put into table %s: %v; it is left out.", r.Topic, rawLog, err)})
			continue
		}
		rows = append(rows, rawRow{
			source: r.Header(schemas.HeaderSource), shard: r.Header(schemas.HeaderShard), kind: kind, id: r.Header(schemas.HeaderID),
			at: required(at.UTC()), hash: xxhash.Sum64(r.Value), value: string(r.Value),
		})
	}
	return refused, insert(ctx, s.db, rawLog, rawColumns(), rows)
}

// rawTime is an event's own time or, where it has none, that of its record; for
// coverage the end of it.
func rawTime(r *sinks.Record, kind string) (time.Time, error) {
	if kind == string(schemas.RawCoverage) {
		var c schemas.Coverage
		if err := json.Unmarshal(r.Value, &c); err != nil {
			return time.Time{}, fmt.Errorf("it is no JSON of a coverage: %w", err)
		}
		return c.To, nil
	}
	if at, err := time.Parse(time.RFC3339Nano, r.Header(schemas.HeaderTime)); err == nil {
		return at, nil
	}
	return r.Time, nil
}

// RawEvents hands on all raw events from a time on, and the coverage that ends
// after it, in no order. Of users of an Identity Store it hands on all: they are
// listed once in a long while, and what they say of names holds before and after.
func (db *DB) RawEvents(ctx context.Context, since time.Time, each func(*RawEvent) error) error {
	sql := fmt.Sprintf("SELECT source, shard, kind, id, at, value, stored FROM %s WHERE at >= fromUnixTimestamp64Milli(%d, 'UTC') OR kind = '%s'", rawView, since.UnixMilli(), schemas.RawUser)
	return db.query(ctx, db.cfg.Database, "read view "+rawView, sql, func(rows driver.Rows) error {
		var source, kind, value string
		var e RawEvent
		if err := rows.Scan(&source, &e.Shard, &kind, &e.ID, &e.At, &value, &e.Stored); err != nil {
			return err
		}
		e.Source, e.Kind, e.Value = schemas.Source(source), schemas.RawKind(kind), []byte(value)
		return each(&e)
	})
}
