package clickhouse

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// Sink writes results and activity into a database that Migrate has prepared.
type Sink struct {
	db     *DB
	topics map[string]writer
}

var _ sinks.Sink = (*Sink)(nil)

// writer writes those records of a batch that belong to one topic.
type writer func(ctx context.Context, batch []sinks.Record, mine []int) ([]sinks.Refusal, error)

// NewSink returns a sink that writes into db.
func NewSink(db *DB) *Sink {
	return &Sink{db, map[string]writer{
		topics.Grants:      resultWriter(db, grantTable()),
		topics.Assumptions: resultWriter(db, assumptionTable()),
		topics.Sessions:    resultWriter(db, sessionTable()),
		topics.Findings:    resultWriter(db, findingTable(), findingsHistory),
		topics.Uses:        resultWriter(db, useTable()),
		topics.Coverage:    resultWriter(db, coveredTable()),
		topics.Triage:      rowWriter(db, []string{triageLog}, triageColumns(), decodeTriage),
		topics.Activity:    rowWriter(db, []string{activityLog}, activityColumns(), decodeActivity),
		topics.DeadLetters: letterRows(db),
	}}
}

// Topics are those that the sink takes, without prefix.
func Topics() []string {
	return append(topics.Results(), topics.Activity, topics.Triage, topics.DeadLetters)
}

// Write implements sinks.Sink: one insert per table. A record that was written
// before replaces itself.
func (s *Sink) Write(ctx context.Context, batch []sinks.Record) ([]sinks.Refusal, error) {
	mine := map[string][]int{}
	for i := range batch {
		topic := batch[i].Topic
		if s.topics[topic] == nil {
			return nil, sinks.Permanent(fmt.Errorf("write a record of topic %s into ClickHouse: there is no table for it; leave the topic out of the sink's", topic))
		}
		mine[topic] = append(mine[topic], i)
	}
	var mu sync.Mutex
	var refused []sinks.Refusal
	g, ctx := errgroup.WithContext(ctx)
	for topic, records := range mine {
		g.Go(func() error {
			r, err := s.topics[topic](ctx, batch, records)
			mu.Lock()
			defer mu.Unlock()
			refused = append(refused, r...)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return refused, nil
}

// resultWriter writes into the table of a record, and before that into those that
// keep more of it: what is seen in the one has its history.
func resultWriter[T, R any](db *DB, t *table[T, R], before ...string) writer {
	return rowWriter(db, append(before, t.name), t.columns, t.decode)
}

func rowWriter[R any](db *DB, tables []string, columns []column[R], decode func([]byte) (R, error)) writer {
	return func(ctx context.Context, batch []sinks.Record, mine []int) ([]sinks.Refusal, error) {
		return writeRows(ctx, db, tables, columns, func(r *sinks.Record) (R, error) { return decode(r.Value) }, batch, mine)
	}
}

// writeRows writes the same rows into one table after the other.
func writeRows[R any](ctx context.Context, db *DB, tables []string, columns []column[R], decode func(*sinks.Record) (R, error), batch []sinks.Record, mine []int) ([]sinks.Refusal, error) {
	rows := make([]R, 0, len(mine))
	var refused []sinks.Refusal
	for _, i := range mine {
		row, err := decode(&batch[i])
		if err != nil {
			refused = append(refused, sinks.Refusal{Record: i, Reason: fmt.Sprintf(
				"A record of topic %s cannot be put into table %s: %v; it is left out until a corrected one is published under its key.",
				batch[i].Topic, tables[len(tables)-1], err)})
			continue
		}
		rows = append(rows, row)
	}
	for _, t := range tables {
		if err := insert(ctx, db, t, columns, rows); err != nil {
			return nil, err
		}
	}
	return refused, nil
}
