package clickhouse

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

func finding(id string, version int64, status schemas.Status, change func(*schemas.Finding)) []byte {
	f := schemas.Finding{
		ID: id, Rule: "no_mfa", Severity: schemas.High, Status: status, Person: schemas.Person{Key: "okta:example/1", Name: "ada@example.com", Org: "example"},
		Anchor: "e", At: day, Why: "It is so.", Evidence: []string{"e"}, Policy: "p",
		Meta: schemas.Meta{Version: version, Observed: day.Add(time.Duration(version) * time.Second)},
	}
	if change != nil {
		change(&f)
	}
	b, err := json.Marshal(&f)
	if err != nil {
		panic(err)
	}
	return b
}

func TestEveryVersionOfAFindingStays(t *testing.T) {
	db := migrated(t)
	all := [][]byte{
		finding("a", 1, schemas.Open, nil), finding("a", 5, schemas.Retracted, nil), finding("b", 2, schemas.Open, nil),
		finding("a", 3, schemas.Resolved, nil), finding("b", 4, schemas.Open, func(f *schemas.Finding) { f.Deleted = true }),
	}
	for range 2 { // at least once, in any order
		write(t, db, topics.Findings, all[3:]...)
		write(t, db, topics.Findings, all[:3]...)
	}
	const sql = "SELECT id, version, status, deleted, dateDiff('second', observed, replaced) FROM findings_history ORDER BY id, version"
	want := strings.Join([]string{"a 1 open 0 2", "a 3 resolved 0 2", "a 5 retracted 0 <nil>", "b 2 open 0 2", "b 4 open 1 <nil>"}, "\n")
	compareHistory := func(when string) {
		if got := ask(t, db, sql); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", when, got, want)
		}
	}
	compareHistory("before a merge")
	ask(t, db, "OPTIMIZE TABLE findings_log FINAL")
	ask(t, db, "OPTIMIZE TABLE findings_history_log FINAL")
	compareHistory("after a merge")
	if got := ask(t, db, "SELECT id, version FROM findings_all"); got != "a 5" {
		t.Errorf("the latest are %s", got)
	}
}

// TestHistoryBeginsWithWhatMergesHaveLeft: a database of an earlier release has
// findings when the table is made.
func TestHistoryBeginsWithWhatMergesHaveLeft(t *testing.T) {
	cfg := config(t)
	earlier := open(t, cfg)
	earlier.migrations = earlier.migrations[:3]
	if err := earlier.Migrate(deadline(t)); err != nil {
		t.Fatal(err)
	}
	table := findingTable()
	for _, value := range [][]byte{finding("a", 1, schemas.Open, nil), finding("a", 2, schemas.Resolved, nil)} {
		row, err := table.decode(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := insert(deadline(t), earlier, table.name, table.columns, []findingRow{row}); err != nil {
			t.Fatal(err)
		}
	}
	db := open(t, cfg)
	for range 2 { // and again by somebody who was stopped
		if err := db.Repair(deadline(t)); err != nil {
			t.Fatal(err)
		}
	}
	if got := ask(t, db, "SELECT id, version, status FROM findings_history ORDER BY version"); got != "a 1 open\na 2 resolved" {
		t.Errorf("got %s", got)
	}
}

func TestWhoHadAccess(t *testing.T) {
	at := func(h int) time.Time { return day.Add(time.Duration(h) * time.Hour) }
	grants := []schemas.Grant{
		{ID: "open", Source: schemas.ByMembership, Opened: at(1), Requests: []schemas.RequestRef{{ID: "1", Approvers: []string{"bob", "eve"}}, {ID: "2", Approvers: []string{"bob"}}}},
		{ID: "removed", Source: schemas.ByMembership, Opened: at(1), Removed: at(3)},
		{ID: "overdue", Source: schemas.ByMembership, Opened: at(1), ApprovedUntil: at(2), Removed: at(6)},
		{ID: "request", Source: schemas.ByRequest, Opened: at(1), ApprovedUntil: at(2)},
		{ID: "listed", Source: schemas.BySnapshot, FirstObserved: at(2)},
		{ID: "ended", Source: schemas.ByMembership, Removed: at(4)},
		{ID: "gone", Source: schemas.ByMembership, Opened: at(0), Meta: schemas.Meta{Deleted: true}},
	}
	db := migrated(t)
	for i := range grants {
		g := &grants[i]
		g.Person, g.Account, g.Role = schemas.Person{Key: g.ID}, "111111111111", "Admin"
		write(t, db, topics.Grants, encode(t, g))
	}
	tests := []struct {
		name string
		at   time.Time
		want string // grant, known, overdue
	}{
		{"before all", at(0), "ended unknown 0, listed unknown 0"},
		{"at the opening", at(1), "ended unknown 0, listed unknown 0, open yes 0, overdue yes 0, removed yes 0, request yes 0"},
		{"just before an end", at(2).Add(-time.Millisecond), "ended unknown 0, listed unknown 0, open yes 0, overdue yes 0, removed yes 0, request yes 0"},
		{"at an approved end", at(2), "ended unknown 0, listed yes 0, open yes 0, overdue yes 1, removed yes 0"},
		{"at a removal", at(3), "ended unknown 0, listed yes 0, open yes 0, overdue yes 1"},
		{"after all", at(100), "listed yes 0, open yes 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sql := "SELECT grant, known, overdue FROM who_had_access(at = '" + tt.at.UTC().Format("2006-01-02 15:04:05.000") + "') ORDER BY grant"
			if got := strings.ReplaceAll(ask(t, db, sql), "\n", ", "); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
	if got := ask(t, db, "SELECT arraySort(approvers) FROM who_had_access(at = now()) WHERE grant = 'open'"); got != "[bob eve]" {
		t.Errorf("approved by %s", got)
	}
}

func letter(source schemas.Source, file string, record int64, reason, raw string) schemas.DeadLetter {
	return schemas.DeadLetter{Source: source, File: file, Record: record, Reason: reason, Raw: []byte(raw)}
}

func TestDeadLettersAndLedger(t *testing.T) {
	db := migrated(t)
	letters := []schemas.DeadLetter{
		letter(schemas.Okta, "okta/example", 0, "event a is too large", "{1"), // the log has no numbers: told apart by what they say
		letter(schemas.Okta, "okta/example", 0, "event b is too large", "{1"),
		letter(schemas.CloudTrail, "raw.cloudtrail/3", 17, "no JSON", "\xff\x00{"),
		letter(schemas.CloudTrail, "facts/1", 99, "it came too late", ""),
		letter(schemas.Pipeline, "facts/1", 98, "no record", "x"),
		letter(schemas.Pipeline, "sessions/0", 5, "no JSON", "{"),
	}
	now := time.Now().UTC().Truncate(time.Hour)
	event := func(id, value string) sinks.Record {
		return rawRecord(schemas.Okta, "okta/example", schemas.RawEvent, id, day.Format(time.RFC3339), value)
	}
	for i := range 2 {
		batch := make([]sinks.Record, len(letters))
		for j := range letters {
			batch[j] = sinks.Record{Topic: topics.DeadLetters, Value: encode(t, &letters[j]), Time: now.Add(time.Duration(i) * time.Minute)}
		}
		if refused, err := NewSink(db).Write(deadline(t), batch); err != nil || len(refused) > 0 {
			t.Fatal(err, refused)
		}
		writeRaw(t, db, event("e1", "{}"), event("e1", `{"corrected":true}`), event("e2", "{}"), event("", "no id"),
			rawRecord(schemas.Okta, "okta/example", schemas.RawMember, "", "", "{}"))
	}
	if got := ask(t, db, "SELECT stage, source, file, record FROM dead_letters ORDER BY file, record, reason"); got != strings.Join([]string{
		"rebuild pipeline facts/1 98", "rebuild cloudtrail facts/1 99", "collect okta okta/example 0", "collect okta okta/example 0",
		"resolve cloudtrail raw.cloudtrail/3 17", "sink pipeline sessions/0 5",
	}, "\n") {
		t.Errorf("letters:\n%s", got)
	}
	if got, want := ask(t, db, "SELECT hex(raw), toUnixTimestamp(observed) FROM dead_letters WHERE stage = 'resolve'"), fmt.Sprint("FF007B ", now.Add(time.Minute).Unix()); got != want {
		t.Errorf("the bytes and time are %s, want %s", got, want)
	}
	const counts = "SELECT source, events, copies, corrected, listed, dead_collect, dead_resolve, dead_rebuild, dead_sink, isNull(first) FROM ledger ORDER BY source"
	if got := ask(t, db, counts); got != "cloudtrail 0 0 0 0 0 1 1 0 1\nokta 3 4 1 1 2 0 0 0 0\npipeline 0 0 0 0 0 0 1 1 1" {
		t.Errorf("ledger:\n%s", got)
	}
}

// TestBytesOfLettersGoAndTheLettersStay: they may hold anything, as raw events do.
func TestBytesOfLettersGoAndTheLettersStay(t *testing.T) {
	db := migrated(t)
	old := letter(schemas.Okta, "raw.okta/0", 1, "no JSON", "{")
	batch := []sinks.Record{{Topic: topics.DeadLetters, Value: encode(t, &old), Time: time.Now().AddDate(0, 0, -91)}}
	if refused, err := NewSink(db).Write(deadline(t), batch); err != nil || len(refused) > 0 {
		t.Fatal(err, refused)
	}
	ask(t, db, "OPTIMIZE TABLE dead_letters_log FINAL")
	if got := ask(t, db, "SELECT reason, raw FROM dead_letters"); got != "no JSON " {
		t.Errorf("got %q", got)
	}
}

// TestALetterThatIsNoneBecomesOne and that one can be written: there is no end of
// it otherwise.
func TestALetterThatIsNoneBecomesOne(t *testing.T) {
	db := migrated(t)
	for _, value := range []string{"{", `{"source":"okta"}`, `{"reason":"x"}`, "null"} {
		refused := offer(t, db, topics.DeadLetters, []byte(value))
		if len(refused) != 1 || !strings.Contains(refused[0].Reason, lettersLog) {
			t.Fatalf("%s: %+v", value, refused)
		}
		again := letter(schemas.Pipeline, "deadletter/0", 1, refused[0].Reason, value)
		if refused := offer(t, db, topics.DeadLetters, encode(t, &again)); len(refused) > 0 {
			t.Errorf("%s: refused again: %+v", value, refused)
		}
	}
}

func TestPoliciesApplied(t *testing.T) {
	db := migrated(t)
	for i, policy := range []string{"p", "p", "q"} {
		a := schemas.Assumption{ID: fmt.Sprint(i), At: day.Add(time.Duration(i) * time.Hour), Policy: policy}
		write(t, db, topics.Assumptions, encode(t, &a))
	}
	write(t, db, topics.Findings, finding("f", 1, schemas.Open, nil), finding("g", 1, schemas.Retracted, nil))
	write(t, db, topics.Grants, encode(t, &schemas.Grant{ID: "g", Policy: "r"}))
	const sql = "SELECT policy, toString(first), toString(last), assumptions, sessions, findings, grants FROM policies_applied WHERE policy != 'r' ORDER BY policy"
	if got := ask(t, db, sql); got != "p 2026-03-31 23:00:00.000 2026-04-01 00:00:00.000 2 0 1 0\nq 2026-04-01 01:00:00.000 2026-04-01 01:00:00.000 1 0 0 0" {
		t.Errorf("got\n%s", got)
	}
	if got := ask(t, db, "SELECT isNull(first), grants FROM policies_applied WHERE policy = 'r'"); got != "1 1" {
		t.Errorf("a policy of a grant alone: %s", got)
	}
}
