package policy_test

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// FuzzParse: no input makes Parse panic; what it accepts is judged without
// panic, and is the same policy after being printed. Run it with
// -fuzzminimizetime 1x: else most of the time goes into shortening inputs.
func FuzzParse(f *testing.F) {
	seeds, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range append(seeds, "../../examples/policy.yaml") {
		f.Add(read(f, s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.Parse("p.yaml", data)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error that says nothing")
			}
			return
		}
		effective := p.Effective()
		again, err := policy.Parse("effective.yaml", effective)
		if err != nil {
			t.Fatalf("the printed policy is refused: %v\n%s", err, effective)
		}
		if !bytes.Equal(effective, again.Effective()) {
			t.Fatalf("printed twice:\n%s\n%s", effective, again.Effective())
		}
		scope := policy.Scope{Account: "111111111111", Role: "Admin", People: []string{"ada"}}
		at := time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC)
		okA, namesA := p.WithinHours(scope, at)
		okB, namesB := again.WithinHours(scope, at)
		if okA != okB || namesA != namesB || p.MaxSession(scope) != again.MaxSession(scope) || (p.BreakGlass(scope) == nil) != (again.BreakGlass(scope) == nil) {
			t.Fatal("the printed policy judges otherwise")
		}
		a, b := p.Targets("00g", "AWS-prod-Admin"), again.Targets("00g", "AWS-prod-Admin")
		if len(a) != len(b) {
			t.Fatalf("the printed policy maps otherwise: %v %v", a, b)
		}
		if pr := p.Provider("arn:aws:iam::111111111111:saml-provider/Okta"); pr != nil {
			pr.HasApp(&schemas.SignOn{AppID: "0oa1"})
		}
	})
}
