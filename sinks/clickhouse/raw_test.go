package clickhouse

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// rawRecord is a record as collectors write it; at "" for an event without a
// time of its own.
func rawRecord(source schemas.Source, shard string, kind schemas.RawKind, id, at, value string) sinks.Record {
	r := sinks.Record{Topic: "raw", Value: []byte(value), Time: time.Date(2026, 5, 9, 0, 0, 0, 0, time.UTC)}
	add := func(key, value string) {
		r.Headers = append(r.Headers, kafka.Header{Key: key, Value: []byte(value)})
	}
	add(schemas.HeaderSource, string(source))
	add(schemas.HeaderShard, shard)
	add(schemas.HeaderKind, string(kind))
	if id != "" {
		add(schemas.HeaderID, id)
	}
	if at != "" {
		add(schemas.HeaderTime, at)
	}
	return r
}

func writeRaw(t *testing.T, db *DB, batch ...sinks.Record) []sinks.Refusal {
	t.Helper()
	refused, err := NewRawSink(db).Write(deadline(t), batch)
	if err != nil {
		t.Fatal(err)
	}
	return refused
}

// rawEvents are what is kept from a time on, as "kind shard id at value", sorted.
func rawEvents(t *testing.T, db *DB, since time.Time) []string {
	t.Helper()
	var out []string
	err := db.RawEvents(deadline(t), since, func(e *RawEvent) error {
		out = append(out, strings.Join([]string{string(e.Source), string(e.Kind), e.Shard, e.ID, e.At.UTC().Format(time.RFC3339Nano), string(e.Value)}, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

// someDay is long ago: what counts is when events were stored.
func someDay() time.Time { return time.Date(2025, 5, 4, 0, 0, 0, 0, time.UTC) }

func TestWhatIsKeptGoesByWhenItWasStored(t *testing.T) {
	db := migrated(t)
	writeRaw(t, db, rawRecord(schemas.Okta, "okta/example", schemas.RawEvent, "e1", someDay().Format(time.RFC3339), "{}"))
	before := time.Now().Add(-time.Minute)
	err := db.RawEvents(deadline(t), someDay(), func(e *RawEvent) error {
		if e.Stored.Before(before) || e.Stored.After(time.Now().Add(time.Minute)) {
			t.Errorf("stored at %s", e.Stored)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.exec(deadline(t), db.cfg.Database, "merge", "OPTIMIZE TABLE raw_events_log FINAL"); err != nil {
		t.Fatal(err)
	}
	if got := rawEvents(t, db, someDay()); len(got) != 1 {
		t.Errorf("a merge left %q", got)
	}
}

func TestRawEventsAreReadBackOnce(t *testing.T) {
	db := migrated(t)
	day := someDay()
	stamp := func(h int) string { return day.Add(time.Duration(h) * time.Hour).Format(time.RFC3339Nano) }
	coverage := string(encode(t, schemas.Coverage{Shard: "okta/example", From: day, To: day.Add(5 * time.Hour), Basis: schemas.CoverageAssumed}))
	published := rawRecord(schemas.Okta, "okta/example", schemas.RawMember, "", "", `{"group":"g"}`)
	published.Time = day.Add(6 * time.Hour)
	batch := []sinks.Record{
		rawRecord(schemas.Okta, "okta/example", schemas.RawEvent, "e1", stamp(1), `{"uuid":"e1"}`),
		rawRecord(schemas.Okta, "okta/example", schemas.RawEvent, "e1", stamp(1), `{"uuid":"e1","corrected":true}`),
		rawRecord(schemas.CloudTrail, "aws/111111111111/us-east-1", schemas.RawEvent, "c1", stamp(2), "{\"eventID\":\"c1\",\"n\":\"\xff\"}"),
		rawRecord(schemas.Approvals, "approvals/tickets", schemas.RawEvent, "a1", stamp(3), `{"id":"a1"}`),
		rawRecord(schemas.Okta, "okta/example", schemas.RawCoverage, "", "", coverage),
		rawRecord(schemas.Okta, "okta/example", schemas.RawShards, "", "", `{"shards":["okta/example"]}`),
		published,
	}
	for range 2 { // at least once
		if refused := writeRaw(t, db, batch...); len(refused) > 0 {
			t.Fatalf("refused %+v", refused)
		}
	}
	want := []string{
		"approvals event approvals/tickets a1 " + stamp(3) + ` {"id":"a1"}`,
		"cloudtrail event aws/111111111111/us-east-1 c1 " + stamp(2) + " {\"eventID\":\"c1\",\"n\":\"\xff\"}",
		"okta coverage okta/example  " + stamp(5) + " " + coverage,
		"okta event okta/example e1 " + stamp(1) + ` {"uuid":"e1","corrected":true}`,
		"okta event okta/example e1 " + stamp(1) + ` {"uuid":"e1"}`,
		"okta member okta/example  " + stamp(6) + ` {"group":"g"}`,
	}
	if got := rawEvents(t, db, day); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := rawEvents(t, db, day.Add(3*time.Hour)); len(got) != 3 {
		t.Errorf("from the third hour on: got %q", got)
	}
}

// TestUsersOfLongAgoAreReadBackToo: of all else only what is asked for is.
func TestUsersOfLongAgoAreReadBackToo(t *testing.T) {
	db := migrated(t)
	day, store, org := someDay(), "aws/333333333333/eu-central-1", "okta/example"
	old, later := day.AddDate(0, -2, 0).Format(time.RFC3339), day.Add(time.Hour).Format(time.RFC3339)
	if refused := writeRaw(t, db,
		rawRecord(schemas.CloudTrail, store, schemas.RawUser, "", old, `{"user":1}`),
		rawRecord(schemas.CloudTrail, store, schemas.RawUser, "", old, `{"user":2}`),
		rawRecord(schemas.CloudTrail, store, schemas.RawEvent, "c1", old, `{}`),
		rawRecord(schemas.Okta, org, schemas.RawRequest, "", old, `{"request":1}`),
		rawRecord(schemas.Okta, org, schemas.RawRequest, "", later, `{"request":2}`),
	); len(refused) > 0 {
		t.Fatalf("refused %+v", refused)
	}
	want := []string{
		"cloudtrail user " + store + "  " + old + ` {"user":1}`,
		"cloudtrail user " + store + "  " + old + ` {"user":2}`,
		"okta request " + org + "  " + later + ` {"request":2}`,
	}
	if got := rawEvents(t, db, day); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRawCoverageThatIsNoneIsRefused(t *testing.T) {
	db := migrated(t)
	day := someDay()
	refused := writeRaw(t, db,
		rawRecord(schemas.Okta, "okta/example", schemas.RawCoverage, "", "", "{"),
		rawRecord(schemas.Okta, "okta/example", schemas.RawEvent, "e1", day.Format(time.RFC3339), "{}"))
	if len(refused) != 1 || refused[0].Record != 0 || !strings.Contains(refused[0].Reason, "no JSON of a coverage") {
		t.Errorf("refused %+v", refused)
	}
	if got := rawEvents(t, db, day); len(got) != 1 {
		t.Errorf("kept %q", got)
	}
}

func TestReadingOfRawEventsEndsAtTheFirstError(t *testing.T) {
	db := migrated(t)
	day := someDay()
	writeRaw(t, db, rawRecord(schemas.Okta, "okta/example", schemas.RawEvent, "e1", day.Format(time.RFC3339), "{}"))
	if err := db.RawEvents(deadline(t), day, func(*RawEvent) error { return context.Canceled }); err == nil {
		t.Error("no error")
	}
}

func TestRawTopicsAreThoseOfTheSources(t *testing.T) {
	if got := RawTopics(); !slices.Equal(got, topics.Raw()) {
		t.Errorf("got %v", got)
	}
}
