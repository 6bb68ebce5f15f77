package rules

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

const livesPolicy = rulesPolicy + `
watched: [{accounts: [prod]}, {roles: [Emergency]}]
refusals: {burst: 3}
`

// laterPolicy is in force from noon on: it watches nothing, takes two refusals for a
// burst, and knows no application.
const laterPolicy = `
effective_from: 2026-03-02T12:00:00Z
accounts: {prod: "111111111111"}
providers: [{name: okta, arn: "*", federation: direct, okta_org: example, apps: [0oa9]}]
refusals: {burst: 2}
bounds: {burst_window: 1m}
`

func life(t *testing.T, facts ...*schemas.Fact) *Life {
	t.Helper()
	ps := []*policy.Policy{grantsPolicyOf(t, livesPolicy), grantsPolicyOf(t, laterPolicy)}
	set, err := policy.NewSet(ps...)
	if err != nil {
		t.Fatal(err)
	}
	return &Life{Person: schemas.Person{Key: "okta:example/1", Name: "ada@example.com", Org: "example"}, Policies: set, Facts: facts}
}

// morning is when the facts of these tests happen, by the first of the policies.
var morning = noon.Add(-3 * time.Hour)

func entry(way schemas.EntryWay, account, role, action string) *schemas.Fact {
	f := &schemas.Fact{ID: "entry", Kind: schemas.Entered, At: morning, Entry: &schemas.Entry{Way: way, Account: account, Role: role, Action: action}}
	switch way {
	case schemas.ByIAMUser:
		f.Who.IAMUser = "111111111111/ci-deploy"
	case schemas.ByRoot:
		f.Who.IAMUser = "111111111111/root"
	case schemas.ByWebIdentity:
		f.Who.SessionName, f.Who.NameID, f.Entry.Provider = "deploy-7", "repo:example/orders", "token.actions.example.org"
	}
	return f
}

func at(f *schemas.Fact, t time.Time) *schemas.Fact { f.At = t; return f }

func anchored(t *testing.T, r Rule, all []*Breach, why string, anchors ...string) {
	t.Helper()
	var ids []string
	for _, b := range all {
		ids = append(ids, b.Anchor.ID)
		declared(t, r, b)
	}
	if got, want := strings.Join(ids, " "), strings.Join(anchors, " "); got != want {
		t.Fatalf("breaches on %q, want %q", got, want)
	}
	if len(all) > 0 && !strings.Contains(all[0].Why, why) {
		t.Errorf("says %q, want %q in it", all[0].Why, why)
	}
}

func TestEntriesPastSAML(t *testing.T) {
	const prod, other = "111111111111", "222222222222"
	stranger := schemas.Person{Key: "aws:iam/111111111111/ci-deploy", Name: "iam/111111111111/ci-deploy"}
	for _, c := range []struct {
		rule, name string
		fact       *schemas.Fact
		why        string // empty: no breach
		severity   schemas.Severity
	}{
		{"static_credential", "console of a watched account", entry(schemas.ByIAMUser, prod, "", "ConsoleLogin"),
			"Account prod was entered by the IAM user ci-deploy of prod at 2026-03-02 09:00:00Z (ConsoleLogin), and not through Okta.", ""},
		{"static_credential", "role of a watched account", entry(schemas.ByIAMUser, prod, "Admin", "AssumeRole"), "Admin in prod was entered by the IAM user ci-deploy of prod", ""},
		{"static_credential", "watched role", entry(schemas.ByIAMUser, other, "Emergency", "AssumeRole"), "Emergency in 222222222222", ""},
		{"static_credential", "other account", entry(schemas.ByIAMUser, other, "", "ConsoleLogin"), "", ""},
		{"static_credential", "other role", entry(schemas.ByIAMUser, other, "Deploy", "AssumeRole"), "", ""},
		{"static_credential", "when nothing was watched any more", at(entry(schemas.ByIAMUser, prod, "", "ConsoleLogin"), noon), "", ""},
		{"static_credential", "root", entry(schemas.ByRoot, prod, "", "ConsoleLogin"), "Account prod was entered by the root user of prod at", schemas.Critical},
		{"static_credential", "root elsewhere", entry(schemas.ByRoot, other, "", "ConsoleLogin"), "", ""},
		{"static_credential", "web identity", entry(schemas.ByWebIdentity, prod, "Admin", "AssumeRoleWithWebIdentity"), "", ""},
		{"web_identity", "watched role", entry(schemas.ByWebIdentity, prod, "Admin", "AssumeRoleWithWebIdentity"),
			`Admin in prod was assumed by "repo:example/orders" at 2026-03-02 09:00:00Z, for whom token.actions.example.org vouches, and not through Okta's SAML.`, ""},
		{"web_identity", "other role", entry(schemas.ByWebIdentity, other, "Deploy", "AssumeRoleWithWebIdentity"), "", ""},
		{"web_identity", "IAM user", entry(schemas.ByIAMUser, prod, "Admin", "AssumeRole"), "", ""},
		{"web_identity", "another fact", &schemas.Fact{ID: "entry", Kind: schemas.Acted, At: morning}, "", ""},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			l := life(t, c.fact)
			l.Person = stranger
			r := named(t, c.rule)
			all := r.Life(l)
			if c.why == "" {
				anchored(t, r, all, "")
				return
			}
			anchored(t, r, all, c.why, "entry")
			if b := all[0]; b.Severity != c.severity || b.Account != c.fact.Entry.Account || b.Role != c.fact.Entry.Role || len(b.Needs) > 0 {
				t.Errorf("severity %q in %s %s, needs %v", b.Severity, b.Account, b.Role, b.Needs)
			}
		})
	}
	t.Run("whose the policy says the IAM user is", func(t *testing.T) {
		r := named(t, "static_credential")
		anchored(t, r, r.Life(life(t, entry(schemas.ByIAMUser, prod, "", "ConsoleLogin"))), "by the IAM user ci-deploy of prod, who is ada@example.com, at", "entry")
	})
}

// refusals are refused assumptions so long after one another.
func refusals(start time.Time, apart ...time.Duration) (out []*schemas.Fact) {
	at := start
	for i, d := range append([]time.Duration{0}, apart...) {
		at = at.Add(d)
		out = append(out, &schemas.Fact{ID: fmt.Sprint("no", i), Kind: schemas.AssumeFailed, At: at,
			Assume: &schemas.Assume{Account: "111111111111", Role: []string{"Admin", "Reader"}[i%2], ErrorCode: "AccessDenied"}})
	}
	return out
}

func TestFailedAssumptions(t *testing.T) {
	const window = 10 * time.Minute
	success := &schemas.Fact{ID: "yes", Kind: schemas.Assumed, At: morning.Add(5 * time.Minute), Assume: &schemas.Assume{}}
	for _, c := range []struct {
		name    string
		facts   []*schemas.Fact
		why     string
		anchors []string
	}{
		{"none", nil, "", nil},
		{"one short of a burst", refusals(morning, time.Second), "", nil},
		{"a burst", refusals(morning, time.Second, time.Second), "ada@example.com was refused 3 assumptions of Admin in prod, Reader in prod from 2026-03-02 09:00:00Z to 2026-03-02 09:00:02Z (AccessDenied).", []string{"no0"}},
		{"each at the window after the one before", refusals(morning, window, window), "refused 3", []string{"no0"}},
		{"one a millisecond later", refusals(morning, window, window+time.Millisecond), "", nil},
		{"the last of four a millisecond later", refusals(morning, window, window, window+time.Millisecond), "refused 3", []string{"no0"}},
		{"two bursts", refusals(morning, 0, 0, window+time.Second, 0, 0), "refused 3", []string{"no0", "no3"}},
		{"a success between", []*schemas.Fact{refusals(morning)[0], success, refusals(morning.Add(window))[0], refusals(morning.Add(window))[0]}, "refused 3", []string{"no0"}},
		{"by the later policy, two at its window", refusals(noon, time.Minute), "refused 2", []string{"no0"}},
		{"by the later policy, two beyond its window", refusals(noon, time.Minute+time.Millisecond), "", nil},
		{"the window is that of the refusal before", refusals(noon.Add(-5*time.Minute), 4*time.Minute, 5*time.Minute), "refused 3", []string{"no0"}},
		{"the length is that at the first", refusals(noon.Add(-time.Second), 2*time.Second), "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := named(t, "failed_assumptions")
			all := r.Life(life(t, c.facts...))
			anchored(t, r, all, c.why, c.anchors...)
			for _, b := range all {
				if b.Evidence[0] != b.Anchor.ID || len(b.Evidence) < 2 || b.Account != "111111111111" || b.Role == "" || len(b.Needs) > 0 {
					t.Errorf("%+v", b)
				}
			}
		})
	}
	t.Run("what it names", func(t *testing.T) {
		facts := refusals(morning, 0, 0)
		facts[1].Assume.ErrorCode, facts[2].Assume.ErrorCode = "ExpiredToken", ""
		r := named(t, "failed_assumptions")
		all := r.Life(life(t, facts...))
		anchored(t, r, all, "(AccessDenied, ExpiredToken, no reason given)", "no0")
		if got := strings.Join(all[0].Evidence, " "); got != "no0 no1 no2" {
			t.Errorf("evidence %s", got)
		}
	})
}

func deedOf(kind schemas.FactKind, d schemas.Deed) *schemas.Fact {
	return &schemas.Fact{ID: "deed", Kind: kind, At: morning, Who: schemas.Identity{Org: "example"}, Deed: &d}
}

func TestDeedsThatMatterWhoeverDidThem(t *testing.T) {
	app := func(id string) schemas.Deed {
		return schemas.Deed{Action: "application.lifecycle.update", Object: "AWS", ObjectID: id, ObjectType: "AppInstance"}
	}
	for _, c := range []struct {
		rule, name string
		fact       *schemas.Fact
		why        string
		severity   schemas.Severity
	}{
		{"trust_changed", "in AWS", deedOf(schemas.TrustChanged, schemas.Deed{Action: "UpdateSAMLProvider", Object: "Okta", Account: "111111111111"}), "ada@example.com did UpdateSAMLProvider on Okta in prod at 2026-03-02 09:00:00Z.", ""},
		{"trust_changed", "refused", deedOf(schemas.TrustChanged, schemas.Deed{Action: "UpdateSAMLProvider", Object: "Okta", Account: "111111111111", Failed: true}),
			"ada@example.com tried UpdateSAMLProvider on Okta in prod at 2026-03-02 09:00:00Z, and was refused.", schemas.Medium},
		{"trust_changed", "an application of a provider", deedOf(schemas.TrustChanged, app("0oa1")), "did application.lifecycle.update on AWS in the Okta org example at", ""},
		{"trust_changed", "another application", deedOf(schemas.TrustChanged, app("0oa2")), "", ""},
		{"trust_changed", "an application that was one before", at(deedOf(schemas.TrustChanged, app("0oa1")), noon), "", ""},
		{"trust_changed", "a policy rule", deedOf(schemas.TrustChanged, schemas.Deed{Action: "policy.rule.update", ObjectID: "0pr1", ObjectType: "PolicyRule"}), "on 0pr1 in the Okta org example", ""},
		{"trust_changed", "nothing named", deedOf(schemas.TrustChanged, schemas.Deed{Action: "policy.rule.update"}), "on something unnamed", ""},
		{"trust_changed", "a log", deedOf(schemas.LogTampered, schemas.Deed{Action: "StopLogging"}), "", ""},
		{"trust_changed", "a credential", deedOf(schemas.CredentialCreated, schemas.Deed{Action: "CreateAccessKey"}), "", ""},
		{"log_tampered", "a trail", deedOf(schemas.LogTampered, schemas.Deed{Action: "StopLogging", Object: "organisation", Account: "222222222222"}), "did StopLogging on organisation in 222222222222 at", ""},
		{"log_tampered", "refused", deedOf(schemas.LogTampered, schemas.Deed{Action: "StopLogging", Object: "organisation", Account: "222222222222", Failed: true}), "tried StopLogging", schemas.High},
		{"log_tampered", "a log stream", deedOf(schemas.LogTampered, schemas.Deed{Action: "system.log_stream.lifecycle.delete", Object: "to the SIEM", ObjectType: "LogStream"}), "on to the SIEM in the Okta org example", ""},
		{"log_tampered", "trust", deedOf(schemas.TrustChanged, schemas.Deed{Action: "UpdateSAMLProvider"}), "", ""},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			r := named(t, c.rule)
			all := r.Life(life(t, c.fact))
			if c.why == "" {
				anchored(t, r, all, "")
				return
			}
			anchored(t, r, all, c.why, "deed")
			if b := all[0]; b.Severity != c.severity || b.Account != c.fact.Deed.Account || len(b.Needs) > 0 {
				t.Errorf("severity %q in %s, needs %v", b.Severity, b.Account, b.Needs)
			}
		})
	}
}

func TestUnmappedGroup(t *testing.T) {
	r, l := named(t, "unmapped_group"), life(t)
	anchored(t, r, r.Life(l), "")
	for _, id := range []string{"one", "two"} {
		l.Unmapped = append(l.Unmapped, &schemas.Fact{ID: id, Kind: schemas.GroupAdded, At: morning, Group: &schemas.GroupChange{Name: "AWS-skunkworks-Admin"}})
	}
	anchored(t, r, r.Life(l), "ada@example.com was added to AWS-skunkworks-Admin at 2026-03-02 09:00:00Z; no mapping", "one", "two")
}

func TestOrphanActivity(t *testing.T) {
	r, l := named(t, "orphan_activity"), life(t)
	anchored(t, r, r.Life(l), "")
	l.Orphans = []Orphan{
		{EventID: "call", At: noon, PrincipalID: "AROA1:ops-7", Account: "111111111111", Role: "Admin", CreatedAt: noon.Add(-time.Hour), Shard: "aws/111111111111/us-east-1"},
		{EventID: "undated", At: noon, PrincipalID: "AROA1", Account: "222222222222", Role: "Admin"},
	}
	all := r.Life(l)
	anchored(t, r, all, `Admin in prod acted as "ops-7" at 2026-03-02 12:00:00Z; nothing shows how those credentials were made.`, "call", "undated")
	if want := `acted as "AROA1" at`; !strings.Contains(all[1].Why, want) {
		t.Errorf("says %q, want %q in it", all[1].Why, want)
	}
	wants := []Need{
		{"aws/111111111111/*", noon.Add(-time.Hour - 2*time.Second), noon.Add(-time.Hour + 2*time.Second)},
		{"aws/222222222222/*", noon.Add(-12 * time.Hour), noon},
	}
	for i, b := range all {
		if len(b.Needs) != 1 || b.Needs[0] != wants[i] || b.Account != l.Orphans[i].Account || b.Role != "Admin" || b.Anchor.At != noon || b.Anchor.Shard != l.Orphans[i].Shard {
			t.Errorf("%+v on %+v, want it to need %v", b, b.Anchor, wants[i])
		}
	}
}

func TestALifeWithoutAnythingBreaksNoRule(t *testing.T) {
	l := life(t, &schemas.Fact{ID: "call", Kind: schemas.Acted, At: noon, Call: &schemas.Call{}}, honest(testPolicy(t), noon).Fact, honest(testPolicy(t), noon).SignOn)
	for _, r := range All() {
		if r.Life != nil && len(r.Life(l)) > 0 {
			t.Errorf("%s: %s", r.Name, r.Life(l)[0].Why)
		}
	}
}
