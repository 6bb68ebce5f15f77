package scan

import (
	"fmt"
	"os"
	"testing"

	"jitaudit/correlate/policy"
	"jitaudit/internal/scenario"
	"jitaudit/schemas"
)

// TestScenarios holds readers and engine against what was written down without
// them.
func TestScenarios(t *testing.T) {
	all, err := scenario.Load(os.DirFS("../scenario/testdata"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("no scenarios")
	}
	for _, sc := range all {
		t.Run(sc.Name, func(t *testing.T) {
			t.Parallel()
			got, err := Raw(t.Context(), logsOf(t, sc))
			if err != nil {
				t.Fatal(err)
			}
			diffs := sc.Want.Diff(got.Grants(), got.Assumptions(), got.Sessions(), got.Findings())
			if len(got.DeadLetters) != sc.Want.Dead {
				diffs = append(diffs, fmt.Sprintf("%d dead letters, want %d: %+v", len(got.DeadLetters), sc.Want.Dead, got.DeadLetters))
			}
			for kind, n := range sc.Want.Facts {
				if int(got.Facts[kind]) != n {
					diffs = append(diffs, fmt.Sprintf("%d facts %s, want %d", got.Facts[kind], kind, n))
				}
			}
			for _, d := range diffs {
				t.Error(d)
			}
			if len(diffs) > 0 {
				t.Logf("%s (%s)", sc.What, sc.Domain)
			}
		})
	}
}

func logsOf(t *testing.T, sc scenario.Scenario) Logs {
	t.Helper()
	var policies []*policy.Policy
	for i, data := range sc.Policies {
		p, err := policy.Parse(fmt.Sprintf("policy-%d.yaml", i+1), data)
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, p)
	}
	set, err := policy.NewSet(policies...)
	if err != nil {
		t.Fatal(err)
	}
	logs := Logs{Okta: map[string][]byte{}, CloudTrail: sc.CloudTrail, Snapshots: sc.Snapshots, Policies: set, Coverage: sc.Coverage}
	if sc.Okta != nil {
		logs.Okta[scenario.Org] = sc.Okta
	}
	for org, data := range sc.OtherOrgs {
		logs.Okta[org] = data
	}
	if sc.Approvals != nil {
		logs.Approvals = map[string][]byte{scenario.Feed: sc.Approvals}
	}
	if logs.Coverage == nil {
		logs.Coverage = []schemas.Coverage{}
	}
	return logs
}
