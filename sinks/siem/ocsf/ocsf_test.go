package ocsf_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	schema "jitaudit/schemas/ocsf"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/siem/ocsf"
)

//go:generate go test . -run TestGoldenSamples -update

var update = flag.Bool("update", false, "write the samples of schemas/ocsf/testdata anew")

const samples = "../../../schemas/ocsf/testdata"

var (
	opening  = time.Date(2026, 5, 4, 8, 14, 58, 412e6, time.UTC)
	observed = opening.Add(time.Minute)
	ada      = schemas.Person{Key: "okta:example/00u1ada00000000001", Name: "ada@example.com", Org: "example"}
	bot      = schemas.Person{Key: "aws:deploy-bot", Name: "deploy-bot"}
)

func meta(version int64) schemas.Meta {
	return schemas.Meta{Version: version, Observed: observed}
}

func finding(change func(*schemas.Finding)) *schemas.Finding {
	f := &schemas.Finding{
		ID: "fnd_1c54f1a0b2d34e5f8a9b0c1d2e3f4a5b", Rule: "no_mfa", Severity: schemas.High, Status: schemas.Open, Person: ada,
		Anchor: "c2f6a1d0-8f5e-4a53-9a55-1f2f3b6f7a10", At: opening, Account: "111111111111", Role: "Admin",
		Session: "ses_efee2b78d3f714d87236f97ba0abe192", Why: "ada@example.com assumed Admin in 111111111111 without a second factor.",
		Evidence: []string{"c2f6a1d0-8f5e-4a53-9a55-1f2f3b6f7a10", "70f3a5c8-4f9a-11f1-9c2b-0242ac120002"}, Policy: "5f0c9a1be27d4836",
		Meta: meta(48211),
	}
	if change != nil {
		change(f)
	}
	return f
}

func grant(change func(*schemas.Grant)) *schemas.Grant {
	g := &schemas.Grant{
		ID: "grt_a3ef2e3b44f897413d1cad11ca51afee", Person: ada, Account: "111111111111", Role: "Admin", Source: schemas.ByMembership,
		GroupID: "00g1awsprodadmin01", Group: "AWS-prod-Admin", Opened: opening, ApprovedUntil: opening.Add(time.Hour),
		GrantedBy: &schemas.Actor{ID: "0oa1workflows0000001", Type: "PublicClientApp", AlternateID: "0oa1workflows0000001", Name: "Okta Workflows"},
		Requests: []schemas.RequestRef{{
			ID: "OPS-4711", Origin: "feed", Requester: "ada@example.com", Approvers: []string{"bob@example.com"}, DecidedAt: opening.Add(-time.Minute),
			Until: opening.Add(time.Hour), Justification: "incident on the orders database",
		}},
		Policy: "5f0c9a1be27d4836", Evidence: []string{"6b1c4d2e-4f9a-11f1-9c2b-0242ac120002"}, Meta: meta(48199),
	}
	if change != nil {
		change(g)
	}
	return g
}

func session(change func(*schemas.Session)) *schemas.Session {
	s := &schemas.Session{
		ID: "ses_efee2b78d3f714d87236f97ba0abe192", Person: ada, Account: "111111111111", Role: "Admin", SessionName: "ada@example.com",
		Federation: schemas.Direct, Start: opening.Add(time.Second), End: opening.Add(time.Hour), EndedBy: schemas.EndedByExpiry,
		Assumptions: []string{"asm_efee2b78d3f714d87236f97ba0abe192"}, Grant: "grt_a3ef2e3b44f897413d1cad11ca51afee",
		SignOn:   &schemas.SignOnRef{EventID: "70f3a5c8-4f9a-11f1-9c2b-0242ac120002", At: opening, JoinedBy: schemas.JoinAssertion, IP: "198.51.100.23"},
		MFA:      schemas.MFAYes,
		Factor:   &schemas.FactorRef{EventID: "70aa01b4-4f9a-11f1-9c2b-0242ac120002", At: opening.Add(-time.Second), Name: "OKTA_VERIFY_PUSH"},
		Services: []string{"kms", "s3"}, Verdict: schemas.VerdictAllowed, Policy: "5f0c9a1be27d4836",
		Evidence: []string{"c2f6a1d0-8f5e-4a53-9a55-1f2f3b6f7a10", "70f3a5c8-4f9a-11f1-9c2b-0242ac120002"}, Meta: meta(48211),
	}
	if change != nil {
		change(s)
	}
	return s
}

func triage(status schemas.TriageStatus) *schemas.Triage {
	return &schemas.Triage{
		ID: "trg_1", Finding: "fnd_1c54f1a0b2d34e5f8a9b0c1d2e3f4a5b", Status: status, Owner: "bob@example.com", Reason: "asked Ada",
		By: "carol@example.com", At: observed,
	}
}

func one(a alerts.Alert) *alerts.Notice {
	return &alerts.Notice{ID: "ntc_1", Alerts: []alerts.Alert{a}}
}

func digest(reason alerts.DigestReason) *alerts.Notice {
	return &alerts.Notice{ID: "ntc_digest", Digest: &alerts.Digest{
		Reason: reason, Total: 512, From: opening.AddDate(0, -1, 0), To: opening, Link: "https://audit.example.com/findings",
		Counts: []alerts.Count{
			{Kind: "finding", Rule: "no_mfa", Severity: schemas.High, Change: alerts.Opened, N: 500},
			{Kind: "session", Change: alerts.Opened, N: 12},
		},
	}}
}

// notices are what the samples are made of.
func notices() map[string]*alerts.Notice {
	all := map[string]*alerts.Notice{
		"digest.too_many": digest(alerts.TooMany),
		"digest.too_old":  digest(alerts.TooOld),
		"digest.rejudged": digest(alerts.Rejudged),
		"test.empty":      {ID: "ntc_test", Test: true},
		"test.finding":    {ID: "ntc_test", Test: true, Alerts: []alerts.Alert{{Change: alerts.Opened, Finding: finding(nil)}}},
	}
	for name, a := range map[string]alerts.Alert{
		"finding.opened": {
			Change: alerts.Opened, Finding: finding(nil), Requester: "ada@example.com", Approvers: []string{"bob@example.com"},
			Link: "https://audit.example.com/findings/fnd_1c54f1a0b2d34e5f8a9b0c1d2e3f4a5b",
		},
		"finding.raised":        {Change: alerts.Raised, Finding: finding(func(f *schemas.Finding) { f.Severity = schemas.Critical })},
		"finding.resolved":      {Change: alerts.Resolved, Finding: finding(func(f *schemas.Finding) { f.Status = schemas.Resolved })},
		"finding.retracted":     {Change: alerts.Retracted, Finding: finding(func(f *schemas.Finding) { f.Status, f.Deleted = schemas.Retracted, true })},
		"finding.reopened":      {Change: alerts.Reopened, Finding: finding(nil), Triage: triage(schemas.TriageFixed)},
		"finding.investigating": {Change: alerts.Raised, Finding: finding(nil), Triage: triage(schemas.TriageInvestigating)},
		"finding.accepted":      {Change: alerts.Raised, Finding: finding(nil), Triage: triage(schemas.TriageAccepted)},
		"finding.suppressed": {Change: alerts.Opened, Finding: finding(func(f *schemas.Finding) {
			f.Suppressed = &schemas.Suppression{Reason: "known until the migration", Owner: "bob@example.com", Until: opening.AddDate(0, 1, 0)}
		})},
		"finding.nobody": {Change: alerts.Opened, Finding: finding(func(f *schemas.Finding) {
			f.Rule, f.Severity, f.Person, f.Why = "no_sign_on", schemas.Critical, bot, "deploy-bot assumed Admin; no Okta sign-on explains it."
		})},
		"finding.in_okta": {Change: alerts.Opened, Finding: finding(func(f *schemas.Finding) {
			f.Rule, f.Account, f.Role, f.Session, f.Why = "trust_changed", "", "", "", "ada@example.com changed a sign-on policy."
		})},
		"finding.new_rule": {Change: alerts.Opened, Finding: finding(func(f *schemas.Finding) { f.Rule, f.Severity = "of_the_next_release", "dreadful" })},
		"grant.opened":     {Change: alerts.Opened, Grant: grant(nil)},
		"grant.closed": {Change: alerts.Closed, Grant: grant(func(g *schemas.Grant) {
			g.Removed, g.RemovedBy = opening.Add(time.Hour), &schemas.Actor{ID: "system", Type: "SystemPrincipal", AlternateID: "system@okta.com", Name: "Okta System"}
		})},
		"grant.expired":   {Change: alerts.Closed, Grant: grant(func(g *schemas.Grant) { g.GrantedBy = nil })},
		"grant.retracted": {Change: alerts.Retracted, Grant: grant(func(g *schemas.Grant) { g.Deleted = true })},
		"grant.by_request": {Change: alerts.Opened, Grant: grant(func(g *schemas.Grant) {
			g.Source, g.Group, g.GroupID, g.GrantedBy = schemas.ByRequest, "", "", nil
		})},
		"grant.by_person": {Change: alerts.Opened, Grant: grant(func(g *schemas.Grant) {
			g.GrantedBy = &schemas.Actor{ID: "00u1bob00000000001", Type: "User", AlternateID: "bob@example.com", Name: "Bob Example"}
		})},
		"session.opened": {Change: alerts.Opened, Session: session(nil)},
		"session.unexplained": {Change: alerts.Opened, Session: session(func(s *schemas.Session) {
			s.SignOn, s.Factor, s.MFA, s.Verdict = nil, nil, schemas.MFAUnknown, schemas.VerdictUnknown
			s.Unjudged = []schemas.Unjudged{{Rule: "no_sign_on", Reason: schemas.Pending, Shard: "okta/example"}}
		})},
		"session.identity_center": {Change: alerts.Opened, Session: session(func(s *schemas.Session) {
			s.Federation, s.Factor, s.MFA, s.Verdict = schemas.IdentityCenter, nil, schemas.MFANo, schemas.VerdictFinding
		})},
		"session.judged": {Change: alerts.Judged, Session: session(func(s *schemas.Session) {
			s.Verdict, s.Factor.Name = schemas.VerdictFinding, "Okta FastPass"
		})},
		"session.retracted": {Change: alerts.Retracted, Session: session(func(s *schemas.Session) {
			s.Deleted, s.SupersededBy = true, "ses_686e9a667446367cbdd5e641cb865a93"
		})},
	} {
		all[name] = one(a)
	}
	return all
}

func events(t testing.TB, n *alerts.Notice) []ocsf.Event {
	t.Helper()
	got, err := ocsf.NewMapper("1.2.3").Events(n, observed)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestGoldenSamples(t *testing.T) {
	written := make(map[string]bool)
	for name, n := range notices() {
		for _, e := range events(t, n) {
			file := name + ".json"
			if e.Class == schema.Authentication {
				file = name + ".sign_on.json"
			}
			written[file] = true
			for _, err := range schema.Check(e.JSON) {
				t.Errorf("%s: %v", file, err)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, e.JSON, "", "  "); err != nil {
				t.Fatal(err)
			}
			indented.WriteByte('\n')
			path := filepath.Join(samples, file)
			if *update {
				if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, indented.Bytes()) {
				t.Errorf("%s is not what is made now; see the difference with -update:\n%s", file, indented.Bytes())
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !written[filepath.Base(f)] {
			t.Errorf("%s is of no case", f)
		}
	}
}

// fields are an event read back.
func fields(t testing.TB, e ocsf.Event) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(e.JSON, &out); err != nil {
		t.Fatalf("%v in %.200s", err, e.JSON)
	}
	return out
}

// at is the value under a path such as "finding_info.uid"; nil where there is none.
func at(event map[string]any, path string) any {
	var v any = event
	for key := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func TestAFindingKeepsItsUIDAndEachVersionItsOwn(t *testing.T) {
	var uids []any
	for _, c := range []struct {
		change  alerts.Change
		version int64
	}{{alerts.Opened, 1}, {alerts.Raised, 2}, {alerts.Resolved, 3}, {alerts.Reopened, 4}, {alerts.Retracted, 5}} {
		e := events(t, one(alerts.Alert{Change: c.change, Finding: finding(func(f *schemas.Finding) { f.Version = c.version })}))[0]
		f := fields(t, e)
		if got := at(f, "finding_info.uid"); got != "fnd_1c54f1a0b2d34e5f8a9b0c1d2e3f4a5b" {
			t.Errorf("%s: finding_info.uid is %v", c.change, got)
		}
		for _, before := range uids {
			if before == at(f, "metadata.uid") {
				t.Errorf("%s: metadata.uid %v is another version's", c.change, before)
			}
		}
		uids = append(uids, at(f, "metadata.uid"))
		if at(f, "metadata.uid") != e.UID {
			t.Errorf("the event's UID %s is not in it", e.UID)
		}
	}
}

func TestTheSameNoticeGivesTheSameEvents(t *testing.T) {
	for name, n := range notices() {
		a, b := events(t, n), events(t, n)
		for i := range a {
			if !bytes.Equal(a[i].JSON, b[i].JSON) || a[i].UID != b[i].UID {
				t.Errorf("%s: event %d is not the same twice", name, i)
			}
		}
	}
}

func TestStatusAndActivity(t *testing.T) {
	suppressed := func(f *schemas.Finding) {
		f.Suppressed = &schemas.Suppression{Reason: "known", Owner: "bob", Until: observed}
	}
	for _, c := range []struct {
		name             string
		change           alerts.Change
		status           schemas.Status
		triage           schemas.TriageStatus
		policy           bool
		activity, wanted float64
		alert            bool
	}{
		{"opened", alerts.Opened, schemas.Open, "", false, 1, 1, true},
		{"raised", alerts.Raised, schemas.Open, "", false, 2, 1, true},
		{"reopened", alerts.Reopened, schemas.Open, "", false, 2, 1, true},
		{"resolved", alerts.Resolved, schemas.Resolved, "", false, 3, 4, false},
		{"retracted", alerts.Retracted, schemas.Retracted, "", false, 3, 3, false},
		{"triage says open", alerts.Raised, schemas.Open, schemas.TriageOpen, false, 2, 1, true},
		{"investigating", alerts.Raised, schemas.Open, schemas.TriageInvestigating, false, 2, 2, true},
		{"accepted", alerts.Raised, schemas.Open, schemas.TriageAccepted, false, 2, 3, false},
		{"false positive", alerts.Raised, schemas.Open, schemas.TriageFalsePositive, false, 2, 3, false},
		{"fixed", alerts.Raised, schemas.Open, schemas.TriageFixed, false, 2, 4, true},
		{"suppressed by policy", alerts.Opened, schemas.Open, "", true, 1, 3, false},
		{"suppressed, and looked into all the same", alerts.Opened, schemas.Open, schemas.TriageInvestigating, true, 1, 2, true},
		{"over, whatever people decided", alerts.Resolved, schemas.Resolved, schemas.TriageInvestigating, true, 3, 4, false},
		{"never true, whatever people decided", alerts.Retracted, schemas.Retracted, schemas.TriageFixed, false, 3, 3, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := alerts.Alert{Change: c.change, Finding: finding(func(f *schemas.Finding) { f.Status = c.status })}
			if c.policy {
				suppressed(a.Finding)
			}
			if c.triage != "" {
				a.Triage = triage(c.triage)
			}
			f := fields(t, events(t, one(a))[0])
			if at(f, "activity_id") != c.activity || at(f, "status_id") != c.wanted || at(f, "is_alert") != c.alert {
				t.Errorf("activity %v, status %v, alert %v; want %v, %v, %v", at(f, "activity_id"), at(f, "status_id"), at(f, "is_alert"), c.activity, c.wanted, c.alert)
			}
			if c.triage != "" && at(f, "comment") != "asked Ada" {
				t.Errorf("comment is %v", at(f, "comment"))
			}
		})
	}
}

func TestATestIsMarked(t *testing.T) {
	for name, n := range notices() {
		n.Test = true
		for _, e := range events(t, n) {
			f := fields(t, e)
			labels, _ := at(f, "metadata.labels").([]any)
			if len(labels) != 1 || labels[0] != "test" || !strings.HasPrefix(at(f, "message").(string), "[TEST] ") || at(f, "unmapped.test") != true {
				t.Errorf("%s is not marked: %s", name, e.JSON)
			}
			if title, ok := at(f, "finding_info.title").(string); ok && !strings.HasPrefix(title, "[TEST] ") {
				t.Errorf("%s: title %q is not marked", name, title)
			}
			for _, err := range schema.Check(e.JSON) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestASessionTellsOfItsSignOnFirst(t *testing.T) {
	got := events(t, notices()["session.opened"])
	if len(got) != 2 || got[0].Class != schema.Authentication || got[1].Class != schema.AuthorizeSession {
		t.Fatalf("%d events", len(got))
	}
	if got[0].UID == got[1].UID || got[0].Record != got[1].Record {
		t.Errorf("uids %s and %s of records %s and %s", got[0].UID, got[1].UID, got[0].Record, got[1].Record)
	}
	for _, c := range []struct {
		name string
		mfa  schemas.MFA
		want any
	}{{"yes", schemas.MFAYes, true}, {"no", schemas.MFANo, false}, {"unknown", schemas.MFAUnknown, nil}} {
		for _, e := range events(t, one(alerts.Alert{Change: alerts.Opened, Session: session(func(s *schemas.Session) { s.MFA = c.mfa })})) {
			path := "session.is_mfa"
			if e.Class == schema.Authentication {
				path = "is_mfa"
			}
			if got := at(fields(t, e), path); got != c.want {
				t.Errorf("%s: %s is %v, want %v", c.name, path, got, c.want)
			}
		}
	}
}

func TestFactors(t *testing.T) {
	for name, want := range map[string]float64{
		"OKTA_VERIFY_PUSH": 5, "Get a push notification": 5, "FIDO2_WEBAUTHN": 10, "Security Key or Biometric": 10, "U2F_FACTOR": 9,
		"SMS_FACTOR": 1, "CALL": 3, "EMAIL_FACTOR": 8, "SECURITY_QUESTION": 2, "GOOGLE_OTP": 7, "OKTA_SOFT_TOKEN": 7,
		"ONE_TIME_PASSWORD": 7, "YUBIKEY_OTP": 6, "PASSWORD_AS_FACTOR": 11, "SIGNED_NONCE": 99, "Okta FastPass": 99, "DUO_SECURITY": 99,
	} {
		a := alerts.Alert{Change: alerts.Opened, Session: session(func(s *schemas.Session) { s.Factor.Name = name })}
		e := events(t, one(a))[0]
		factors, _ := at(fields(t, e), "auth_factors").([]any)
		if got := at(factors[0].(map[string]any), "factor_type_id"); got != want {
			t.Errorf("%s is of type %v, want %v", name, got, want)
		}
		for _, err := range schema.Check(e.JSON) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnAlertOfNothingIsRefused(t *testing.T) {
	if _, err := ocsf.NewMapper("").Events(&alerts.Notice{ID: "ntc", Alerts: []alerts.Alert{{}}}, observed); err == nil {
		t.Error("it was mapped")
	}
}
