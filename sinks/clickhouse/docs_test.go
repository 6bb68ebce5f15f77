package clickhouse

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// sample fills a database with the golden records and a few that belong to them.
func sample(t *testing.T, db *DB) {
	t.Helper()
	for topic, record := range map[string]string{
		topics.Grants: "grant", topics.Assumptions: "assumption", topics.Sessions: "session", topics.Findings: "finding",
		topics.Uses: "use", topics.Activity: "activity", topics.Coverage: "covered",
	} {
		write(t, db, topic, samples(t, record)...)
	}
	write(t, db, topics.Policies, encode(t, &schemas.PublishedPolicy{ID: "7e73a0d5ee7bd02a", Name: "policy.yaml", EffectiveFrom: day, Published: day, Text: "version: 1\n"}))
	write(t, db, topics.DeadLetters, encode(t, &schemas.DeadLetter{Source: schemas.Okta, File: topics.RawOkta + "/0", Record: 7, Reason: "It is no JSON.", Raw: []byte("{")}))
	writeRaw(t, db, rawRecord(schemas.Okta, "okta/example", schemas.RawEvent, "e1", day.Format(time.RFC3339), "{}"))
	const session = "ses_efee2b78d3f714d87236f97ba0abe192"
	at := day.AddDate(0, 1, 3)
	write(t, db, topics.Uses, encode(t, ptr(use("key_of_the_sample", session, at, 1))))
	write(t, db, topics.Activity, call("sample-1", "key_of_the_sample", at, 1, nil), call("sample-2", "key_of_nobody", at, 1, nil))
	before := schemas.Finding{ID: "fnd_918f8801c92388bf651c0ce0a223223e", Rule: "no_grant", Status: schemas.Open, Severity: schemas.High, At: at.AddDate(0, 0, -30), Meta: schemas.Meta{Version: 1, Observed: at.AddDate(0, 0, -29)}}
	stands := schemas.Finding{ID: "fnd_of_the_sample", Rule: "no_grant", Status: schemas.Open, Severity: schemas.High, At: at.AddDate(0, 0, -30), Meta: schemas.Meta{Version: 2, Observed: at.AddDate(0, 0, -29)}}
	write(t, db, topics.Findings, encode(t, &before), encode(t, &stands))
	unused := schemas.Grant{ID: "grt_unused", Account: "111111111111", Role: "Admin", Opened: day, Group: "AWS-prod-Admin"}
	write(t, db, topics.Grants, encode(t, &unused))
	for i := range 4 {
		c := schemas.Covered{ID: string(rune('0'+i)) + "/okta/all", Partition: i, Partitions: 4, Shard: "okta/all", Intervals: []schemas.Interval{
			{From: day, To: day.AddDate(0, 1, 0), Basis: schemas.CoverageAssumed},
		}}
		write(t, db, topics.Coverage, encode(t, &c))
	}
}

func TestEverySQLBlockOfTheGuideRuns(t *testing.T) {
	text, err := os.ReadFile("../../docs/clickhouse.md")
	if err != nil {
		t.Fatal(err)
	}
	db := migrated(t)
	sample(t, db)
	blocks := regexp.MustCompile("(?ms)^```sql\n(.*?)^```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) < 15 {
		t.Fatalf("only %d blocks were found", len(blocks))
	}
	for _, b := range blocks {
		first, _, _ := strings.Cut(b[1], "\n")
		t.Run(first, func(t *testing.T) {
			got := ask(t, db, b[1])
			// The samples are of one day, so what asks for the last days is empty.
			if got == "" && !strings.Contains(b[1], "now()") && !strings.HasPrefix(b[1], "ALTER") {
				t.Errorf("it finds nothing in the samples:\n%s", b[1])
			}
		})
	}
}

// TestTheGuideNamesEveryViewAndColumn wants each column of each view in its
// text.
func TestTheGuideNamesEveryViewAndColumn(t *testing.T) {
	raw, err := os.ReadFile("../../docs/clickhouse.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	db := migrated(t)
	rows := ask(t, db, "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND table NOT LIKE '%\\_log' AND table != 'schema_migrations'")
	if rows == "" {
		t.Fatal("there are no views")
	}
	for row := range strings.SplitSeq(rows, "\n") {
		view, column, _ := strings.Cut(row, " ")
		if !strings.Contains(text, "`"+view+"`") {
			t.Errorf("view %s is not described", view)
		}
		short := regexp.MustCompile(`^(granted_by|removed_by|unjudged|intervals|requests|chained)`).ReplaceAllString(column, "")
		if !strings.Contains(text, "`"+column+"`") && (short == column || !strings.Contains(text, "`"+short+"`")) {
			switch {
			case view == "coverage_partitions": // coverage's, with the record's own fields
			default:
				t.Errorf("column %s of view %s is not described", column, view)
			}
		}
	}
}
