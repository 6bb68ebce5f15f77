package clickhouse

import (
	"context"
	"fmt"
	"runtime"
	"slices"
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
		topics.Policies:    rowWriter(db, []string{policiesLog}, policyColumns(), decodePolicy),
	}}
}

// Topics are those that the sink takes, without prefix.
func Topics() []string {
	return append(topics.Results(), topics.Activity, topics.Triage, topics.DeadLetters, topics.Policies)
}

// Write implements sinks.Sink: one insert per table, or a few where there is much for
// it. A record that was written before replaces itself.
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

// pieceRows is how many rows are inserted at once, if there are as many: while they
// are, the next ones are decoded. ClickHouse wants no fewer than 10 000.
const pieceRows = 25_000

// writeRows writes the same rows into one table after the other, piece by piece.
func writeRows[R any](ctx context.Context, db *DB, tables []string, columns []column[R], decode func(*sinks.Record) (R, error), batch []sinks.Record, mine []int) ([]sinks.Refusal, error) {
	ready := make(chan []R)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for rows := range ready {
			for _, t := range tables {
				if err := insert(ctx, db, t, columns, rows); err != nil {
					return err
				}
			}
		}
		return nil
	})
	var refused []sinks.Refusal
	var stopped error
	for piece := range slices.Chunk(mine, pieceOf(len(mine))) {
		rows, failed := decodeAll(decode, batch, piece)
		for i, err := range failed {
			if err != nil {
				refused = append(refused, sinks.Refusal{Record: piece[i], Reason: fmt.Sprintf(
					"A record of topic %s cannot be put into table %s: %v; it is left out until a corrected one is published under its key.",
					batch[piece[i]].Topic, tables[len(tables)-1], err)})
			}
		}
		select {
		case ready <- without(rows, failed):
			continue
		case <-ctx.Done(): // the insert of the piece before has failed, or we are to stop
			stopped = db.explain("insert into "+tables[len(tables)-1], context.Cause(ctx))
		}
		break
	}
	close(ready)
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return refused, stopped
}

// pieceOf cuts n rows into equal pieces of pieceRows or somewhat more.
func pieceOf(n int) int {
	pieces := max(1, n/pieceRows)
	return max(1, (n+pieces-1)/pieces)
}

// without are the rows that did not fail.
func without[R any](rows []R, failed []error) []R {
	good := rows[:0]
	for i := range rows {
		if failed[i] == nil {
			good = append(good, rows[i])
		}
	}
	return good
}

// together is how many records are worth a goroutine of their own.
const together = 500

// decodeAll decodes records side by side, as many at once as there are processors.
func decodeAll[R any](decode func(*sinks.Record) (R, error), batch []sinks.Record, mine []int) ([]R, []error) {
	rows, failed := make([]R, len(mine)), make([]error, len(mine))
	part := max(together, (len(mine)+runtime.GOMAXPROCS(0)-1)/runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for from := 0; from < len(mine); from += part {
		wg.Go(func() {
			for i := from; i < min(from+part, len(mine)); i++ {
				rows[i], failed[i] = decode(&batch[mine[i]])
			}
		})
	}
	wg.Wait()
	return rows, failed
}
