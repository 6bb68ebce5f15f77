package correlate

import (
	"testing"
	"time"

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
