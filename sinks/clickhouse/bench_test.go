package clickhouse

import (
	"context"
	"fmt"
	"testing"
	"time"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

const benchRows = 50_000

// busyDay is a batch of calls as a day of work makes them.
func busyDay(n int) []sinks.Record { return busyDays(0, n) }

// busyDays are the calls from one on.
func busyDays(from, n int) []sinks.Record {
	services := []string{"s3", "ec2", "kms", "sts", "logs", "lambda", "dynamodb"}
	out := make([]sinks.Record, n)
	for j := range out {
		i := from + j
		at := day.Add(time.Duration(i) * 700 * time.Millisecond).Truncate(time.Second)
		key := schemas.CredentialKey(fmt.Sprint("AROA", i%997), "", 0, int64(i/20_000))
		out[j] = sinks.Record{Topic: topics.Activity, Value: call(fmt.Sprintf("b1a5c9d3-0f1e-4d2c-%04x-%012x", i%65536, i*7919), key, at, uint64(i)<<20, func(c *schemas.Call) {
			c.PrincipalID = fmt.Sprintf("AROA1EXAMPLEPROD%05d:person%d@example.com", i%997, i%997)
			c.AccessKeyID = fmt.Sprintf("ASIA1EXAMPLEKEY%05d", i%997)
			c.CreatedAt = at.Add(-time.Hour)
			c.Service, c.Action = services[i%len(services)], fmt.Sprint("DescribeThings", i%211)
			c.ReadOnly, c.Denied = i%5 != 0, i%97 == 0
		})}
	}
	return out
}

func BenchmarkDecodeActivity(b *testing.B) {
	batch := busyDay(1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		row, err := decodeActivity(batch[i%len(batch)].Value)
		if err != nil || row.exact != "" {
			b.Fatal(err, row.exact)
		}
	}
}

func BenchmarkDecodeSession(b *testing.B) {
	value := session("ses_1", 1, func(s *schemas.Session) { dress(s, 70) })
	t := sessionTable()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := t.decode(value); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInsert compares what the sink does, from JSON on, with a bare loop of
// clickhouse-go that has the rows ready: 50 000 rows at once.
func BenchmarkInsert(b *testing.B) {
	db := migrated(b)
	batch := busyDay(benchRows)
	rows := make([]activityRow, len(batch))
	for i := range batch {
		var err error
		if rows[i], err = decodeActivity(batch[i].Value); err != nil {
			b.Fatal(err)
		}
	}
	perRow := func(b *testing.B) {
		b.ReportMetric(float64(b.N*benchRows)/b.Elapsed().Seconds(), "rows/s")
	}
	b.Run("sink", func(b *testing.B) {
		sink := NewSink(db)
		for b.Loop() {
			if refused, err := sink.Write(b.Context(), batch); err != nil || len(refused) > 0 {
				b.Fatal(err, refused)
			}
		}
		perRow(b)
	})
	b.Run("columns", func(b *testing.B) {
		for b.Loop() {
			if err := insert(b.Context(), db, activityLog, activityColumns(), rows); err != nil {
				b.Fatal(err)
			}
		}
		perRow(b)
	})
	b.Run("bare", func(b *testing.B) {
		for b.Loop() {
			if err := bareActivity(b.Context(), db, rows); err != nil {
				b.Fatal(err)
			}
		}
		perRow(b)
	})
}

// bareActivity is what one would write by hand for rows that are ready.
func bareActivity(ctx context.Context, db *DB, rows []activityRow) error {
	c, err := db.conn(db.cfg.Database)
	if err != nil {
		return err
	}
	out, err := c.PrepareBatch(ctx, "INSERT INTO activity_log (event_id, use, shard, at, principal_id, access_key_id, role_arn, created_at, "+
		"console, service_driven, service, action, denied, read_only, rank, exact)")
	if err != nil {
		return err
	}
	for i := range rows {
		r := &rows[i]
		if err := out.Append(r.eventID, r.use, r.shard, r.at, r.principalID, r.accessKeyID, r.roleARN, r.createdAt, r.console,
			r.serviceDriven, r.service, r.action, r.denied, r.readOnly, r.rank, r.exact); err != nil {
			return err
		}
	}
	return out.Send()
}
