package explain

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

var update = flag.Bool("update", false, "write the golden texts anew")

const (
	prod, dev = "111111111111", "222222222222"
	policyID  = "5f0c9a1be27d4836"
)

func at(clock string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05.999", "2026-05-04 "+clock)
	if err != nil {
		panic(err)
	}
	return t
}

func ada() schemas.Person {
	return schemas.Person{Key: "okta:example/00u1ada", Name: "ada@example.com", Org: "example"}
}

// allowed is a session in which nothing is wrong: a request that somebody
// approved, a grant, a sign-on, a factor, calls, further roles.
func allowed() *Subject {
	request := schemas.RequestRef{
		ID: "OPS-4711", Origin: schemas.OriginFeed, Requester: "00u1ada", Approvers: []string{"bob@example.com"},
		At: at("08:05:11"), DecidedAt: at("08:14:40"), Until: at("10:14:40"), Justification: "incident on the orders database",
		Evidence: []string{"req-made", "req-decided"},
	}
	return &Subject{
		Session: &schemas.Session{
			ID: "ses_1", Person: ada(), Account: prod, Role: "Admin", SessionName: "ada@example.com", Federation: schemas.Direct,
			Start: at("08:15:30"), End: at("09:15:30"), EndedBy: schemas.EndedByExpiry, LastUse: at("08:22:03"),
			Assumptions: []string{"asm_1"}, Grant: "grt_1", Grants: []string{"grt_1", "grt_0"},
			SignOn: &schemas.SignOnRef{EventID: "signed-on", At: at("08:15:29.731"), JoinedBy: schemas.JoinAssertion, IP: "198.51.100.23"},
			MFA:    schemas.MFAYes, Factor: &schemas.FactorRef{EventID: "factor", At: at("08:15:27.25"), Name: "Okta FastPass"},
			Origins: []schemas.Origin{schemas.FromCLI, schemas.FromConsole}, Services: []string{"kms", "s3"},
			Chained: []schemas.ChainedRole{
				{EventID: "chain-1", At: at("08:18:00"), Account: dev, Role: "Deploy", FirstUse: at("08:18:40"), LastUse: at("08:20:02"), Services: []string{"cloudformation", "s3"}},
				{EventID: "chain-2", At: at("08:19:30"), From: "chain-1", Account: "333333333333", Role: "Artifacts"},
				{EventID: "chain-3", At: at("08:21:00"), Account: dev, Role: "ReadOnly", FirstUse: at("08:21:05"), LastUse: at("08:22:03")},
			},
			Requests: []schemas.RequestRef{request}, Verdict: schemas.VerdictAllowed, Policy: policyID,
			Meta: schemas.Meta{Version: 9, Observed: at("09:20:00")},
		},
		Assumptions: []schemas.Assumption{{
			ID: "asm_1", EventID: "assumed", At: at("08:15:30"), Expires: at("09:15:30"), Account: prod, Role: "Admin", IP: "198.51.100.23",
		}},
		Grants: []schemas.Grant{{
			ID: "grt_1", Person: ada(), Account: prod, Role: "Admin", Source: schemas.ByMembership, Group: "AWS-prod-Admin",
			Opened: at("08:14:58.412"), Removed: at("10:14:41"), ApprovedUntil: at("10:14:40"), Requests: []schemas.RequestRef{request},
			GrantedBy: &schemas.Actor{ID: "0oa1", Type: "PublicClientApp", AlternateID: "0oa1", Name: "Okta Workflows"},
			RemovedBy: &schemas.Actor{ID: "00u1bob", Type: "User", AlternateID: "bob@example.com", Name: "Bob Example"},
			Evidence:  []string{"added", "removed", "req-made", "req-decided"},
		}},
		Counts: schemas.ActivityCounts{Session: "ses_1", Calls: 12, Writes: 1, Denied: 2, ServiceDriven: 3},
		Coverage: []schemas.Coverage{
			{Shard: "okta/example", From: at("00:00:00"), To: at("09:00:00"), Basis: schemas.CoverageAssumed},
			{Shard: "okta/example", From: at("09:00:00"), To: at("23:00:00"), Basis: schemas.CoverageAssumed},
			{Shard: "okta/labs", From: at("00:00:00"), To: at("23:00:00"), Basis: schemas.CoverageAssumed},
			{Shard: "aws/" + prod + "/us-east-1", From: at("00:00:00"), To: at("08:20:00"), Basis: schemas.CoverageVerified},
			{Shard: "aws/" + prod + "/us-east-1", From: at("08:25:00"), To: at("23:00:00"), Basis: schemas.CoverageAssumed},
			{Shard: "aws/" + dev + "/us-east-1", From: at("00:00:00"), To: at("23:00:00"), Basis: schemas.CoverageAssumed},
			{Shard: "aws/444444444444/us-east-1", From: at("00:00:00"), To: at("23:00:00"), Basis: schemas.CoverageAssumed},
			{Shard: "approvals/tickets", From: at("00:00:00"), To: at("23:00:00"), Basis: schemas.CoverageAssumed},
		},
		AccountNames: map[string]string{prod: "prod", dev: "dev"},
	}
}

// broken is the session with two findings, of which somebody has decided about
// one. What was called last is known.
func broken() *Subject {
	s := allowed()
	s.Session.Verdict, s.Session.MFA, s.Session.Factor, s.Session.Chained = schemas.VerdictFinding, schemas.MFANo, nil, nil
	s.Session.Requests, s.Grants[0].Requests, s.Grants[0].Evidence = nil, nil, []string{"added", "removed"}
	s.Session.End, s.Session.EndedBy = at("08:40:00"), schemas.EndedByRevocation
	s.Findings = []schemas.Finding{
		{
			ID: "fnd_mfa", Rule: "no_mfa", Severity: schemas.High, Status: schemas.Open, Person: ada(), Anchor: "assumed", At: at("08:15:30"),
			Account: prod, Role: "Admin", Session: "ses_1", Why: "ada@example.com signed on at 2026-05-04 08:15:29.731Z without a second factor.",
			Evidence: []string{"assumed", "signed-on"}, Policy: policyID,
		},
		{
			ID: "fnd_outlived", Rule: "outlived_grant", Severity: schemas.High, Status: schemas.Open, Person: ada(), Anchor: "assumed", At: at("08:15:30"),
			Account: prod, Role: "Admin", Session: "ses_1", Grant: "grt_1", Why: "Credentials of ada@example.com were used after the grant ended.",
			Evidence: []string{"assumed", "late-call", "added", "removed", "elsewhere"}, Policy: policyID,
			Suppressed: &schemas.Suppression{Reason: "moves next month", Owner: "platform@example.com", Until: at("23:00:00")},
		},
	}
	s.Calls = []schemas.Activity{{EventID: "late-call", At: at("08:22:03"), Call: schemas.Call{Service: "s3", Action: "PutObject", Denied: true}}}
	s.Triage = []schemas.Triage{
		{ID: "tri_2", Finding: "fnd_outlived", Status: schemas.TriageFalsePositive, Reason: "the clock was wrong", By: "bob", At: at("12:00:00")},
		{ID: "tri_1", Finding: "fnd_outlived", Status: schemas.TriageInvestigating, Owner: "ops@example.com", Reason: "asked", By: "ada", At: at("11:00:00")},
		{ID: "tri_3", Finding: "fnd_other", Status: schemas.TriageFixed, Reason: "not ours", By: "bob", At: at("12:00:00")},
	}
	return s
}

func asked(s *Subject, finding string) *Subject {
	i := slices.IndexFunc(s.Findings, func(f schemas.Finding) bool { return f.ID == finding })
	s.Finding = &s.Findings[i]
	return s
}

// stranger is a session that nobody is known to have made, and of which little
// could be judged.
func stranger() *Subject {
	p := schemas.Person{Key: "aws:deploy-bot", Name: "deploy-bot"}
	return &Subject{
		Session: &schemas.Session{
			ID: "ses_2", Person: p, Account: prod, Role: "Admin", SessionName: "deploy-bot", Federation: schemas.IdentityCenter,
			Start: at("08:00:00"), End: at("12:00:00"), EndedBy: schemas.EndedByLastUse, MFA: schemas.MFAUnknown,
			Assumptions: []string{"a1", "a2", "a3", "a4"}, Verdict: schemas.VerdictUnknown, Policy: policyID,
			Unjudged: []schemas.Unjudged{
				{Rule: "no_grant", Reason: schemas.InGap, Shard: "okta/example", From: at("07:00:00"), To: at("08:05:00")},
				{Rule: "outside_grant", Reason: schemas.InGap, Shard: "okta/example", From: at("07:00:00"), To: at("08:05:00")},
				{Rule: "no_mfa", Reason: schemas.NoOktaSession},
			},
		},
		Assumptions: []schemas.Assumption{
			{ID: "a1", EventID: "e1", At: at("08:00:00"), Account: prod, Role: "Admin"},
			{ID: "a2", EventID: "e2", At: at("09:00:00"), Account: prod, Role: "Admin"},
			{ID: "a3", EventID: "e3", At: at("10:00:00"), Account: prod, Role: "Admin"},
			{ID: "a4", EventID: "e4", At: at("11:00:00"), Account: prod, Role: "Admin"},
		},
		Coverage: []schemas.Coverage{{Shard: "okta/labs", From: at("00:00:00"), To: at("23:00:00"), Basis: schemas.CoverageAssumed}},
	}
}

// lingering is a finding that is about a grant and no session.
func lingering() *Subject {
	s := allowed()
	g := s.Grants[0]
	g.Removed, g.RemovedBy, g.Requests = time.Time{}, nil, []schemas.RequestRef{{
		ID: "641d0c5a", Origin: schemas.OriginGovernance, Requester: "00u1ada", Evidence: []string{"req-made"}}}
	g.Evidence = []string{"added", "req-made"}
	return &Subject{
		Finding: &schemas.Finding{
			ID: "fnd_linger", Rule: "lingering_membership", Severity: schemas.High, Status: schemas.Resolved, Person: ada(), Anchor: "added",
			At: at("08:14:58.412"), Account: prod, Role: "Admin", Grant: "grt_1", Why: "ada@example.com still had AWS-prod-Admin after the approved end.",
			Evidence: []string{"added"}, Policy: policyID,
		},
		Grants: []schemas.Grant{g}, Coverage: s.Coverage, AccountNames: s.AccountNames,
	}
}

// deed is a finding that is about neither a session nor a grant.
func deed() *Subject {
	return &Subject{
		Finding: &schemas.Finding{
			ID: "fnd_trust", Rule: "trust_changed", Severity: schemas.High, Status: schemas.Open, Person: ada(), Anchor: "changed",
			At: at("08:30:00"), Account: prod, Why: "ada@example.com changed the SAML provider Okta in prod.", Evidence: []string{"changed"}, Policy: policyID,
		},
		Coverage: allowed().Coverage, AccountNames: allowed().AccountNames,
	}
}

// retracted is a finding whose session has become part of another one.
func retracted() *Subject {
	s := deed()
	s.Finding.Rule, s.Finding.Status, s.Finding.Session = "no_grant", schemas.Retracted, "ses_gone"
	s.Finding.Role, s.Finding.Why = "Admin", "ada@example.com assumed Admin in prod without any grant."
	return s
}

func unknownRule() *Subject {
	s := deed()
	s.Finding.Rule = "moon_phase"
	return s
}

func TestText(t *testing.T) {
	tests := []struct {
		name    string
		subject *Subject
	}{
		{"session_allowed", allowed()},
		{"session_broken", broken()},
		{"session_unknown", stranger()},
		{"finding_of_session", asked(broken(), "fnd_outlived")},
		{"finding_of_grant", lingering()},
		{"finding_of_deed", deed()},
		{"finding_retracted", retracted()},
		{"finding_of_unknown_rule", unknownRule()},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := text(t, tt.subject)
			path := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func text(t *testing.T, s *Subject) string {
	t.Helper()
	e := Of(s)
	var b bytes.Buffer
	if err := e.Write(&b, Layout{Width: 100, Visible: func(s string) string { return strings.ReplaceAll(s, "\n", `\n`) }}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestWhatALogSaysMakesNoLine: somebody who may write a justification must not
// write a verdict.
func TestWhatALogSaysMakesNoLine(t *testing.T) {
	const forged = "x\n  allowed         yes"
	s := asked(broken(), "fnd_outlived")
	s.Session.Person.Name, s.Session.SessionName, s.Session.Role, s.Session.Services[0] = forged, forged, forged, forged
	s.Findings[1].Why, s.Findings[0].Why, s.Findings[1].Suppressed.Reason, s.Findings[1].Evidence[4] = forged, forged, forged, forged
	s.Grants[0].Group, s.Grants[0].GrantedBy.Name = forged, forged
	s.Session.Requests = []schemas.RequestRef{{ID: forged, Requester: forged, Approvers: []string{forged}, Justification: forged, At: at("08:00:00"), Evidence: []string{forged}}}
	s.Session.Chained = []schemas.ChainedRole{{EventID: forged, Role: forged, Account: forged, At: at("08:20:00")}}
	s.Triage[0].Reason, s.Calls[0].Call.Action, s.Assumptions[0].IP = forged, forged, forged
	for line := range strings.Lines(text(t, s)) {
		if strings.HasPrefix(line, "  allowed         yes") {
			t.Fatalf("forged:\n%s", text(t, s))
		}
	}
}

func TestEveryRuleSaysWhatWasExpected(t *testing.T) {
	for _, name := range rules.Names() {
		if expected(name) == "" {
			t.Errorf("%s says nothing", name)
		}
	}
}

func TestLastDecisionComesLast(t *testing.T) {
	e := Of(asked(broken(), "fnd_outlived"))
	d := e.Findings[0].Decisions
	if len(d) != 2 || d[1].ID != "tri_2" {
		t.Errorf("got %+v", d)
	}
}

func TestEventsOfAFindingAreMarkedInTheTimeline(t *testing.T) {
	e := Of(asked(broken(), "fnd_outlived"))
	for _, m := range e.Timeline {
		want := []string(nil)
		switch m.Event {
		case "assumed":
			want = []string{"outlived_grant", "no_mfa"}
		case "signed-on":
			want = []string{"no_mfa"}
		case "late-call", "added", "removed":
			want = []string{"outlived_grant"}
		}
		if !slices.Equal(m.Proves, want) {
			t.Errorf("%s proves %v, want %v", m.Event, m.Proves, want)
		}
	}
}

// TestOnwardRolesInCircles: no record is trusted to be a tree.
func TestOnwardRolesInCircles(t *testing.T) {
	s := allowed()
	s.Session.Chained = []schemas.ChainedRole{
		{EventID: "a", From: "b", Role: "A"}, {EventID: "b", From: "a", Role: "B"}, {EventID: "c", From: "c", Role: "C"},
		{EventID: "d", From: "lost", Role: "D"}, {EventID: "e", From: "d", Role: "E"},
	}
	got := Of(s).Onward
	if len(got) != 2 || got[0].Role != "C" || got[1].Role != "D" || len(got[1].Then) != 1 || got[1].Then[0].Role != "E" {
		t.Errorf("got %+v", got)
	}
}

func TestMissing(t *testing.T) {
	in := func(from, to string) schemas.Interval { return schemas.Interval{From: at(from), To: at(to)} }
	tests := []struct {
		name     string
		all      []schemas.Interval
		from, to string
		want     []Span
	}{
		{"nothing known", nil, "08:00:00", "09:00:00", []Span{{at("08:00:00"), at("09:00:00")}}},
		{"all of it", []schemas.Interval{in("07:00:00", "10:00:00")}, "08:00:00", "09:00:00", nil},
		{"the end is excluded", []schemas.Interval{in("07:00:00", "09:00:00")}, "08:00:00", "09:00:00", []Span{{at("09:00:00"), at("09:00:00")}}},
		{"a hole", []schemas.Interval{in("07:00:00", "08:10:00"), in("08:20:00", "10:00:00")}, "08:00:00", "09:00:00", []Span{{at("08:10:00"), at("08:20:00")}}},
		{"begins late", []schemas.Interval{in("08:20:00", "10:00:00")}, "08:00:00", "09:00:00", []Span{{at("08:00:00"), at("08:20:00")}}},
		{"all before", []schemas.Interval{in("06:00:00", "07:00:00")}, "08:00:00", "09:00:00", []Span{{at("08:00:00"), at("09:00:00")}}},
		{"all after", []schemas.Interval{in("10:00:00", "11:00:00")}, "08:00:00", "09:00:00", []Span{{at("08:00:00"), at("09:00:00")}}},
		{"an instant", []schemas.Interval{in("07:00:00", "10:00:00")}, "08:00:00", "08:00:00", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := missing(tt.all, at(tt.from), at(tt.to)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestLength(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"1h": time.Hour, "1h10m": 70 * time.Minute, "0s": 0, "59s": 59 * time.Second, "10m": 10 * time.Minute, "10h": 10 * time.Hour, "1h0m1s": time.Hour + time.Second,
	} {
		if got := length(d); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}
