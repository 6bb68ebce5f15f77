package correlate

import (
	"strings"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

func TestAProviderNotInThePolicyLeavesTheRestOfTheSessionJudged(t *testing.T) {
	ours := assumed("ours", "Okta", account, "Admin", "jti", at("09:00:00"), time.Hour)
	foreign := assumed("foreign", "Rogue", account, "Admin", "jti-2", at("09:10:00"), time.Hour)
	out := Rebuild(Input{
		Person: ada, Facts: []*schemas.Fact{foreign, ours}, Policies: parsePolicy(t, testPolicy),
		Coverage: covered(day.AddDate(0, 0, -2), day.AddDate(0, 0, 2)),
	})
	if len(out.Sessions) != 1 {
		t.Fatalf("%d sessions, want one", len(out.Sessions))
	}
	if f := byID(out.Findings)[schemas.FindingID("no_sign_on", ada.Key, "ours")]; f.Rule == "" || len(f.Evidence) != 1 {
		t.Errorf("no_sign_on of the known provider: %+v", f)
	}
	reasons := 0
	for _, u := range out.Sessions[0].Unjudged {
		if u.Reason == schemas.NoProvider {
			reasons++
		}
	}
	if reasons != 6 { // the rules that need a provider
		t.Errorf("unjudged: %+v", out.Sessions[0].Unjudged)
	}
}

func TestASessionEndsWithItsLastAssumptionOrUse(t *testing.T) {
	first := assumed("first", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
	atEnd := assumed("at end", "Okta", account, "Admin", "", at("10:00:00"), 15*time.Minute)
	after := assumed("after", "Okta", account, "Admin", "", at("10:15:01"), 15*time.Minute)
	in := Input{Person: ada, Facts: []*schemas.Fact{first, atEnd, after}, Policies: parsePolicy(t, testPolicy)}
	out := Rebuild(in)
	if len(out.Sessions) != 2 || !out.Sessions[0].End.Equal(at("10:15:00")) || out.Assumptions[1].Session != out.Sessions[0].ID {
		t.Fatalf("sessions %+v", out.Sessions)
	}
	in.Facts = append(in.Facts, called("use", atEnd, at("10:20:00")))
	out = Rebuild(in)
	if len(out.Sessions) != 1 || !out.Sessions[0].LastUse.Equal(at("10:20:00")) || !out.Sessions[0].End.Equal(at("10:30:01")) {
		t.Fatalf("a use that bridges two sessions: %+v", out.Sessions)
	}
}

func TestOneSignOnIsJudgedByThePolicyOfEachAssumption(t *testing.T) {
	before, err := policy.Parse("before.yaml", []byte(testPolicy))
	if err != nil {
		t.Fatal(err)
	}
	after, err := policy.Parse("after.yaml", []byte("effective_from: 2026-03-02T09:10:00Z\n"+strings.Replace(testPolicy, "bounds: {", "bounds: {okta_session: 1h, ", 1)))
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(before, after)
	if err != nil {
		t.Fatal(err)
	}
	out := Rebuild(Input{Person: ada, Policies: set, Coverage: covered(day.AddDate(0, 0, -2), day.AddDate(0, 0, 2)), Facts: []*schemas.Fact{
		verified("mfa", "s1", schemas.FactorPush, at("07:00:00")),
		signedOn("sso", oktaApp, "jti", "s1", at("09:05:00")),
		assumed("first", "Okta", account, "Admin", "jti", at("09:05:30"), time.Hour),
		assumed("second", "Okta", account, "Admin", "jti", at("09:12:00"), time.Hour),
	}})
	f := byID(out.Findings)[schemas.FindingID("no_mfa", ada.Key, "second")]
	if f.Rule == "" || len(f.Evidence) != 2 {
		t.Errorf("the factor is two hours old, one is allowed from 09:10 on: %+v", f)
	}
}

func TestACallBeforeTheGrantIsNotTheLateOne(t *testing.T) {
	a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
	out := Rebuild(Input{Person: ada, Policies: parsePolicy(t, testPolicy), Coverage: covered(day.AddDate(0, 0, -2), day.AddDate(0, 0, 2)), Facts: []*schemas.Fact{
		added("add", "AWS-prod-Admin", at("08:59:00")), removed("rem", "AWS-prod-Admin", at("09:30:00")), a,
		called("early", a, at("08:00:00")), called("late", a, at("09:50:00")),
	}})
	f := byID(out.Findings)[schemas.FindingID("outlived_grant", ada.Key, "asm")]
	if f.Rule == "" || f.Evidence[1] != "late" {
		t.Errorf("%+v", f)
	}
}

func TestNoSecondFactorIsNotClaimedOutsideCoverageEvenWhenWaived(t *testing.T) {
	policies := parsePolicy(t, strings.Replace(testPolicy, "waives: [", "waives: [no_mfa, ", 1))
	in := Input{Person: ada, Policies: policies, Facts: []*schemas.Fact{
		signedOn("sso", oktaApp, "jti", "s1", at("09:05:00")),
		assumed("asm", "Okta", account, "BreakGlass", "jti", at("09:05:30"), time.Hour),
	}}
	in.Coverage = covered(day, at("10:00:00")) // the factor is sought back to the day before
	if s := Rebuild(in).Sessions[0]; s.MFA != schemas.MFAUnknown {
		t.Errorf("outside coverage: %s", s.MFA)
	}
	in.Coverage = covered(day.AddDate(0, 0, -2), at("10:00:00"))
	if s := Rebuild(in).Sessions[0]; s.MFA != schemas.MFANo {
		t.Errorf("inside coverage: %s", s.MFA)
	}
}
