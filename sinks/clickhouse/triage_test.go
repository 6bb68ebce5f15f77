package clickhouse

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

func TestDecisionsAreReadBackAndTheLastOneCounts(t *testing.T) {
	db := migrated(t)
	var found schemas.Finding
	decode(t, samples(t, "finding")[1], &found) // an open one
	write(t, db, topics.Findings, samples(t, "finding")...)
	decided := func(id, at string, status schemas.TriageStatus) schemas.Triage {
		return schemas.Triage{ID: id, Finding: found.ID, Status: status, Owner: "ops@example.com", Reason: "it's <odd>\n", By: "ada", At: instantOf(t, at)}
	}
	all := []schemas.Triage{
		decided("tri_a", "2026-05-05T10:00:00Z", schemas.TriageInvestigating),
		decided("tri_c", "2026-05-05T12:00:00.5Z", schemas.TriageFalsePositive),
		decided("tri_b", "2026-05-05T11:00:00.000001Z", schemas.TriageAccepted), // finer than a column
	}
	for range 2 {
		for i := range all {
			write(t, db, topics.Triage, encode(t, &all[i]))
		}
	}
	got, err := db.TriageOf(deadline(t), found.ID, "fnd_other")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]schemas.Triage{all[0], all[2], all[1]}, got); diff != "" {
		t.Error(diff)
	}
	if got := ask(t, db, "SELECT triage_status, triage_by FROM findings WHERE id = '"+found.ID+"'"); got != "false_positive ada" {
		t.Errorf("the view has %q", got)
	}
	if got := ask(t, db, "SELECT status FROM triage WHERE finding = '"+found.ID+"'"); got != "false_positive" {
		t.Errorf("the view of the latest has %q", got)
	}
	// A decision leaves the finding as it was published.
	again, err := db.FindingsByID(deadline(t), found.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]schemas.Finding{found}, again); diff != "" {
		t.Error(diff)
	}
}

func decode(t *testing.T, value []byte, record any) {
	t.Helper()
	if err := json.Unmarshal(value, record); err != nil {
		t.Fatal(err)
	}
}

func instantOf(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestADecisionAboutNothingIsRefused(t *testing.T) {
	db := migrated(t)
	for _, value := range []string{`{"id":"tri_1"}`, `{"finding":"fnd_1"}`, `{`} {
		refused := offer(t, db, topics.Triage, []byte(value))
		if len(refused) != 1 || !strings.Contains(refused[0].Reason, "cannot be put into table triage_log") {
			t.Errorf("%s: %+v", value, refused)
		}
	}
	if all, err := db.Triage(deadline(t)); err != nil || len(all) > 0 {
		t.Errorf("got %v, %v", all, err)
	}
}

func TestFindingsWithoutDecisionShowNone(t *testing.T) {
	db := migrated(t)
	write(t, db, topics.Findings, samples(t, "finding")...)
	if got := ask(t, db, "SELECT DISTINCT triage_status, triage_at IS NULL FROM findings_all"); got != " 1" {
		t.Errorf("got %q", got)
	}
	if got, err := db.TriageOf(deadline(t)); err != nil || len(got) > 0 {
		t.Errorf("of no finding: %v, %v", got, err)
	}
}

func TestRecordsAreFoundByWhatTheyAreAbout(t *testing.T) {
	db := migrated(t)
	for topic, record := range map[string]string{
		topics.Sessions: "session", topics.Findings: "finding", topics.Grants: "grant", topics.Assumptions: "assumption",
		topics.Uses: "use", topics.Activity: "activity",
	} {
		write(t, db, topic, samples(t, record)...)
	}
	ctx := deadline(t)
	var session schemas.Session
	decode(t, samples(t, "session")[0], &session)
	sessions, err := db.SessionsByID(ctx, session.ID, "ses_'; DROP")
	if err != nil || len(sessions) != 1 {
		t.Fatalf("sessions: %v, %v", sessions, err)
	}
	grants, err := db.GrantsByID(ctx, session.Grants...)
	if err != nil || len(grants) != 1 {
		t.Errorf("grants: %v, %v", grants, err)
	}
	found, err := db.FindingsOf(ctx, "", session.Grants)
	if err != nil || len(found) != 1 || found[0].Rule != "lingering_membership" {
		t.Errorf("findings of the grant: %v, %v", found, err)
	}
	if found, err = db.FindingsOf(ctx, "ses_686e9a667446367cbdd5e641cb865a93", nil); err != nil || len(found) != 1 || found[0].Rule != "no_sign_on" {
		t.Errorf("findings of a session: %v, %v", found, err)
	}
	if found, err = db.FindingsOf(ctx, "", nil); err != nil || len(found) > 0 {
		t.Errorf("findings of nothing: %v, %v", found, err)
	}
	assumptions, err := db.AssumptionsOf(ctx, session.ID)
	if err != nil || len(assumptions) != 1 {
		t.Errorf("assumptions: %v, %v", assumptions, err)
	}
	// A retracted finding can still be asked for.
	if found, err = db.FindingsByID(ctx, "fnd_918f8801c92388bf651c0ce0a223223e"); err != nil || len(found) != 1 || found[0].Status != schemas.Retracted {
		t.Errorf("retracted: %v, %v", found, err)
	}
	became, err := db.BecameOf(ctx, "ses_619df4bfffbf5bfc2b912a504eceadbb")
	if err != nil || became != session.ID {
		t.Errorf("the superseded session became %q, %v", became, err)
	}
	if became, err = db.BecameOf(ctx, "ses_never"); err != nil || became != "" {
		t.Errorf("what never was became %q, %v", became, err)
	}
}

func TestCallsAreFoundByEvent(t *testing.T) {
	db := migrated(t)
	var call schemas.Activity
	var use schemas.Use
	decode(t, samples(t, "activity")[0], &call)
	decode(t, samples(t, "use")[0], &use)
	use.Key = call.Use
	write(t, db, topics.Activity, encode(t, &call))
	write(t, db, topics.Uses, encode(t, &use))
	got, err := db.CallsOf(deadline(t), use.Session, []string{"other", call.EventID})
	if err != nil || len(got) != 1 || got[0].EventID != call.EventID || got[0].Call.Action != call.Call.Action {
		t.Errorf("got %+v, %v", got, err)
	}
	for session, events := range map[string][]string{"ses_other": {call.EventID}, use.Session: {"other"}} {
		if got, err := db.CallsOf(deadline(t), session, events); err != nil || len(got) > 0 {
			t.Errorf("%s %v: got %+v, %v", session, events, got, err)
		}
	}
	counts, err := db.ActivityCountsOf(deadline(t), use.Session)
	if err != nil || counts.Calls != 1 {
		t.Errorf("counts %+v, %v", counts, err)
	}
	if counts, err = db.ActivityCountsOf(deadline(t), "ses_other"); err != nil || counts != (schemas.ActivityCounts{Session: "ses_other"}) {
		t.Errorf("counts of a session without calls: %+v, %v", counts, err)
	}
}
