package correlate

import (
	"fmt"
	"testing"
	"time"

	"jitaudit/schemas"
)

// personDay is a usual day of one person: 10 grants, 10 sign-ons with second
// factor, 20 assumptions and 200 calls, folded.
func personDay() ([]*schemas.Fact, []Use) {
	var facts []*schemas.Fact
	var f Fold
	for i := range 10 {
		start := day.Add(7*time.Hour + time.Duration(i)*70*time.Minute)
		group := []string{"AWS-prod-Admin", "AWS-dev-Reader"}[i%2]
		role, acct := []string{"Admin", "Reader"}[i%2], []string{account, account2}[i%2]
		id := func(kind string, n int) string {
			return fmt.Sprintf("%s-%02d-%d-0000-4000-8000-000000000000", kind, i, n)
		}
		jti := fmt.Sprintf("id%020d", i)
		facts = append(facts,
			added(id("add", 0), group, start),
			verified(id("mfa", 0), "s1", schemas.FactorPush, start.Add(30*time.Second)),
			signedOn(id("sso", 0), oktaApp, jti, "s1", start.Add(40*time.Second)),
			removed(id("rem", 0), group, start.Add(time.Hour)),
		)
		for n := range 2 {
			a := assumed(id("asm", n), "Okta", acct, role, jti, start.Add(time.Duration(41+n*60)*time.Second), 50*time.Minute)
			facts = append(facts, a)
			for c := range 10 {
				call := called(id("call", n*10+c), a, a.At.Add(time.Duration(c)*2*time.Minute))
				f.Add(call.ID, call.At, "", call.Call)
			}
		}
	}
	return facts, f.Uses()
}

func BenchmarkRebuildPersonDay(b *testing.B) {
	facts, uses := personDay()
	in := Input{
		Person: ada, Facts: facts, Uses: uses, Policies: parsePolicy(b, testPolicy),
		Coverage: covered(day.AddDate(0, 0, -2), day.AddDate(0, 0, 2)),
	}
	if out := Rebuild(in); len(out.Findings) > 0 || len(out.Assumptions) != 20 || len(out.Grants) != 10 {
		b.Fatalf("%d grants, %d assumptions, findings %v", len(out.Grants), len(out.Assumptions), out.Findings)
	}
	b.ReportAllocs()
	for b.Loop() {
		Rebuild(in)
	}
}
