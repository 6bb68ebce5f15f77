package clickhouse

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

var day = time.Date(2026, 3, 31, 23, 0, 0, 0, time.UTC)

func session(id string, version int64, change func(*schemas.Session)) []byte {
	s := schemas.Session{
		ID: id, Person: schemas.Person{Key: "okta:example/1", Name: "ada@example.com", Org: "example"},
		Account: "111111111111", Role: "Admin", SessionName: "ada@example.com", Federation: schemas.Direct,
		Start: day, End: day.Add(time.Hour), Assumptions: []string{"asm_1"}, MFA: schemas.MFAYes,
		Verdict: schemas.VerdictAllowed, Policy: "p", Evidence: []string{"e"},
		Meta: schemas.Meta{Version: version, Observed: day.Add(time.Duration(version) * time.Second)},
	}
	if change != nil {
		change(&s)
	}
	b, err := json.Marshal(&s)
	if err != nil {
		panic(err)
	}
	return b
}

func TestTheGreatestVersionWins(t *testing.T) {
	mfa := func(m schemas.MFA) func(*schemas.Session) { return func(s *schemas.Session) { s.MFA = m } }
	deleted := func(by string) func(*schemas.Session) {
		return func(s *schemas.Session) { s.Deleted, s.SupersededBy = true, by }
	}
	moved := func(s *schemas.Session) { s.Start = day.AddDate(0, 0, 1) }
	tests := []struct {
		name    string
		batches [][][]byte
		want    string // id, version, mfa and month of what the view shows
	}{
		{"in order", [][][]byte{{session("a", 1, mfa("no"))}, {session("a", 2, mfa("yes"))}}, "a 2 yes 3"},
		{"out of order", [][][]byte{{session("a", 2, mfa("yes"))}, {session("a", 1, mfa("no"))}}, "a 2 yes 3"},
		{"both in one batch", [][][]byte{{session("a", 2, mfa("yes")), session("a", 1, mfa("no"))}}, "a 2 yes 3"},
		{"the same batch twice", [][][]byte{{session("a", 1, nil), session("b", 1, nil)}, {session("a", 1, nil), session("b", 1, nil)}}, "a 1 yes 3\nb 1 yes 3"},
		{"deleted", [][][]byte{{session("a", 1, nil)}, {session("a", 2, deleted(""))}}, ""},
		{"deleted, and the older one comes again", [][][]byte{{session("a", 2, deleted(""))}, {session("a", 1, nil)}}, ""},
		{"deleted and made again", [][][]byte{{session("a", 1, nil)}, {session("a", 2, deleted(""))}, {session("a", 3, nil)}}, "a 3 yes 3"},
		{"superseded", [][][]byte{{session("a", 1, nil), session("b", 1, nil)}, {session("b", 2, deleted("a")), session("a", 2, mfa("no"))}}, "a 2 no 3"},
		{"its start moves into another month", [][][]byte{{session("a", 1, nil)}, {session("a", 2, moved)}}, "a 2 yes 4"},
		{"its start moves, out of order", [][][]byte{{session("a", 2, moved)}, {session("a", 1, nil)}}, "a 2 yes 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := migrated(t)
			for _, b := range tt.batches {
				write(t, db, topics.Sessions, b...)
			}
			const sql = "SELECT id, version, mfa, toMonth(start) FROM sessions ORDER BY id"
			if diff := cmp.Diff(tt.want, ask(t, db, sql)); diff != "" {
				t.Errorf("before a merge: %s", diff)
			}
			// A stale version must not come out by a filter on when it was.
			if got := ask(t, db, "SELECT count() FROM sessions WHERE start < '2026-04-01' AND version < 2 AND id IN (SELECT id FROM sessions_log WHERE version > 1)"); got != "0" {
				t.Errorf("%s stale rows come out by a filter", got)
			}
			ask(t, db, "OPTIMIZE TABLE sessions_log FINAL")
			if diff := cmp.Diff(tt.want, ask(t, db, sql)); diff != "" {
				t.Errorf("after a merge: %s", diff)
			}
		})
	}
}

func TestADeletedRecordIsReadBackFromTheTable(t *testing.T) {
	db := migrated(t)
	values := samples(t, "session")
	write(t, db, topics.Sessions, values...)
	all := sessionTable()
	rows, err := readRows(deadline(t), db, "sessions_log", all.columns, "", all.restore)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, v := range values {
		want[string(v)] = true
	}
	for i := range rows {
		delete(want, string(encode(t, &rows[i])))
	}
	for v := range want {
		t.Errorf("not in the table: %s", v)
	}
	if got := ask(t, db, "SELECT argMax(superseded_by, version) FROM sessions_log WHERE deleted = 1 GROUP BY id"); !strings.HasPrefix(got, "ses_") {
		t.Errorf("superseded by %q", got)
	}
}

func TestRetractedFindingsAreLeftOutUnlessAskedFor(t *testing.T) {
	db := migrated(t)
	write(t, db, topics.Findings, samples(t, "finding")...)
	if got := ask(t, db, "SELECT status, severity, severity_rank FROM findings ORDER BY severity_rank DESC"); got != "open critical 5\nresolved high 4" {
		t.Errorf("findings: %s", got)
	}
	if got := ask(t, db, "SELECT groupArray(status) FROM (SELECT status FROM findings_all ORDER BY status)"); got != "[open resolved retracted]" {
		t.Errorf("findings_all: %s", got)
	}
	shown, err := db.Findings(deadline(t))
	if err != nil || len(shown) != 2 {
		t.Errorf("read %d findings, %v; want 2", len(shown), err)
	}
}

func use(key, session string, at time.Time, version int64) schemas.Use {
	return schemas.Use{
		ID: "use_" + key, Key: key, Person: schemas.Person{Key: "okta:example/1", Name: "ada@example.com"}, Assumption: "asm_1", Session: session,
		PrincipalID: "AROA:ada", First: at, Last: at, FirstID: "f", LastID: "l", Services: []string{"s3"}, Meta: schemas.Meta{Version: version},
	}
}

func call(event, key string, at time.Time, rank uint64, change func(*schemas.Call)) []byte {
	a := schemas.Activity{
		EventID: event, Use: key, Shard: "aws/111111111111/eu-west-1", At: at, Rank: rank,
		Call: schemas.Call{PrincipalID: "AROA:ada", Service: "s3", Action: "GetObject", ReadOnly: true},
	}
	if change != nil {
		change(&a.Call)
	}
	b, err := json.Marshal(&a)
	if err != nil {
		panic(err)
	}
	return b
}

func TestCallsAreCountedOnceByTheirBestCopy(t *testing.T) {
	db := migrated(t)
	denied := func(c *schemas.Call) { c.Denied = true }
	written := func(c *schemas.Call) { c.ReadOnly = false }
	driven := func(c *schemas.Call) { c.ServiceDriven = true }
	write(t, db, topics.Uses, encode(t, ptr(use("key_1", "ses_1", day, 1))), encode(t, ptr(use("key_2", "ses_1", day, 1))), encode(t, ptr(use("key_3", "ses_2", day, 1))))
	for range 2 { // at least once
		write(t, db, topics.Activity,
			call("e1", "key_1", day, 5, nil),
			call("e2", "key_1", day, 5, denied), // loses
			call("e2", "key_1", day.Add(time.Minute), 9, written),
			call("e3", "key_2", day, 5, driven),
			call("e4", "key_1", day, 5, nil), // loses; its better copy names another use of the session
			call("e4", "key_2", day, 6, written),
			call("e5", "key_3", day.AddDate(0, 1, 0), 5, denied),
			call("e6", "key_9", day, 5, nil), // nobody's
		)
	}
	got, err := db.ActivityCounts(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []schemas.ActivityCounts{
		{Session: "ses_1", Calls: 4, Writes: 2, Denied: 0, ServiceDriven: 1},
		{Session: "ses_2", Calls: 1, Writes: 0, Denied: 1, ServiceDriven: 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := ask(t, db, "SELECT event_id, rank, denied FROM activity WHERE use = 'key_1' ORDER BY event_id"); got != "e1 5 false\ne2 9 false\ne4 5 false" {
		t.Errorf("activity: %s", got)
	}
	calls, err := db.Activity(deadline(t), "ses_2")
	if err != nil || len(calls) != 1 || calls[0].EventID != "e5" {
		t.Errorf("calls of ses_2: %+v, %v", calls, err)
	}
	if got := ask(t, db, "SELECT person_name, service, action FROM session_activity WHERE session = 'ses_2'"); got != "ada@example.com s3 GetObject" {
		t.Errorf("session_activity: %s", got)
	}

	// The session's use goes to another session, then away.
	write(t, db, topics.Uses, encode(t, ptr(use("key_3", "ses_1", day.Add(time.Second), 2))))
	if got := ask(t, db, "SELECT session, calls FROM activity_counts"); got != "ses_1 5" {
		t.Errorf("after the sessions merged: %s", got)
	}
	gone := use("key_3", "ses_1", day, 3)
	gone.Deleted = true
	write(t, db, topics.Uses, encode(t, &gone))
	if got := ask(t, db, "SELECT session, calls FROM activity_counts"); got != "ses_1 4" {
		t.Errorf("after the use was deleted: %s", got)
	}
}

func ptr[T any](v T) *T { return &v }

// TestMonthsAreLeftOutBeforeFinal holds the one advantage of partitions, which
// servers from 26.3 on give up unless the sorting key names the month.
func TestMonthsAreLeftOutBeforeFinal(t *testing.T) {
	db := migrated(t)
	for month := range 4 {
		at := day.AddDate(0, 0, -30*month)
		write(t, db, topics.Activity, call("e", fmt.Sprint("key_", month), at, 1, nil))
		write(t, db, topics.Uses, encode(t, ptr(use(fmt.Sprint("key_", month), "ses_1", at, 1))))
	}
	for view, column := range map[string]string{"activity": "at", "uses": "first"} {
		plan := ask(t, db, "EXPLAIN indexes = 1 SELECT * FROM "+view+" WHERE "+column+" >= '2026-03-15'")
		if !strings.Contains(plan, "Parts: 1/4") {
			t.Errorf("%s reads more than a month:\n%s", view, plan)
		}
	}
}

func TestCoverageIsWhatAllPartitionsCover(t *testing.T) {
	hour := func(h int) time.Time { return day.Add(time.Duration(h) * time.Hour) }
	span := func(from, to int, basis schemas.CoverageBasis) schemas.Interval {
		return schemas.Interval{From: hour(from), To: hour(to), Basis: basis}
	}
	const assumed, verified = schemas.CoverageAssumed, schemas.CoverageVerified
	tests := []struct {
		name       string
		partitions [][]schemas.Interval // nil: this partition says nothing
		want       []schemas.Interval
	}{
		{"all the same", [][]schemas.Interval{{span(0, 9, assumed)}, {span(0, 9, assumed)}}, []schemas.Interval{span(0, 9, assumed)}},
		{"one is behind", [][]schemas.Interval{{span(0, 9, assumed)}, {span(0, 5, assumed)}}, []schemas.Interval{span(0, 5, assumed)}},
		{"one says nothing", [][]schemas.Interval{{span(0, 9, assumed)}, nil}, nil},
		{"one covers nothing", [][]schemas.Interval{{span(0, 9, assumed)}, {}}, nil},
		{"they meet nowhere", [][]schemas.Interval{{span(0, 5, assumed)}, {span(5, 9, assumed)}}, nil},
		{"a hole in one", [][]schemas.Interval{{span(0, 9, assumed)}, {span(0, 3, assumed), span(4, 9, assumed)}}, []schemas.Interval{span(0, 3, assumed), span(4, 9, assumed)}},
		{"touching intervals are one", [][]schemas.Interval{{span(0, 9, assumed)}, {span(0, 3, assumed), span(3, 9, assumed)}}, []schemas.Interval{span(0, 9, assumed)}},
		{
			"verified where all have it so", [][]schemas.Interval{{span(0, 3, assumed), span(3, 9, verified)}, {span(0, 6, verified), span(6, 8, assumed)}},
			[]schemas.Interval{span(0, 3, assumed), span(3, 6, verified), span(6, 8, assumed)},
		},
		{"one partition alone", [][]schemas.Interval{{span(0, 2, verified), span(4, 5, assumed)}}, []schemas.Interval{span(0, 2, verified), span(4, 5, assumed)}},
	}
	db := migrated(t)
	for n, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			shard := fmt.Sprint("okta/example", n)
			for i, intervals := range tt.partitions {
				if intervals == nil {
					continue
				}
				c := schemas.Covered{ID: fmt.Sprintf("%d/%s", i, shard), Partition: i, Partitions: len(tt.partitions), Shard: shard, Intervals: intervals}
				write(t, db, topics.Coverage, encode(t, &c))
			}
			all, err := db.Coverage(deadline(t))
			if err != nil {
				t.Fatal(err)
			}
			var got []schemas.Interval
			for _, c := range all {
				if c.Shard == shard {
					got = append(got, schemas.Interval{From: c.From, To: c.To, Basis: c.Basis})
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRecordsAreRefusedForTheirContentAlone(t *testing.T) {
	good := session("good", 1, nil)
	tests := []struct{ name, topic, value, reason string }{
		{"not JSON", topics.Sessions, `{"id":`, "no JSON"},
		{"nothing", topics.Sessions, ``, "no JSON"},
		{"a list", topics.Sessions, `[]`, "no JSON"},
		{"a number for a text", topics.Sessions, `{"id":7}`, "no JSON"},
		{"a time that is none", topics.Sessions, `{"id":"x","start":"yesterday"}`, "no JSON"},
		{"no id", topics.Sessions, `{}`, "no id"},
		{"a version below 0", topics.Findings, `{"id":"x","version":-1}`, "below 0"},
		{"a partition beyond all", topics.Coverage, `{"id":"x","partition":4,"partitions":4}`, "partition 4 of 4"},
		{"a call without event", topics.Activity, `{"use":"x"}`, "no event_id"},
		{"a rank below 0", topics.Activity, `{"event_id":"e","use":"x","rank":-1}`, "no JSON"},
	}
	db := migrated(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refused := offer(t, db, tt.topic, []byte(tt.value))
			if len(refused) != 1 || refused[0].Record != 0 || !strings.Contains(refused[0].Reason, tt.reason) {
				t.Errorf("refused %+v, want one for %q", refused, tt.reason)
			}
		})
	}
	if refused := offer(t, db, topics.Sessions, []byte("{"), good, []byte("}")); len(refused) != 2 || refused[0].Record != 0 || refused[1].Record != 2 {
		t.Errorf("refused %+v, want the first and the last", refused)
	}
	if got := ask(t, db, "SELECT id FROM sessions"); got != "good" {
		t.Errorf("stored %q, want the good one among the bad", got)
	}
}
