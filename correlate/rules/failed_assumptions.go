package rules

import (
	"cmp"
	"fmt"
	"slices"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// failedAssumptions: one refusal after the other: somebody tries what they may
// not, or a tool is set up wrongly.
func failedAssumptions() Rule {
	return Rule{
		Name:     "failed_assumptions",
		Severity: schemas.Medium,
		Title:    "burst of refused assumptions",
		Controls: []string{"SOC 2 CC7.2", "ISO 27001 A.8.16", "PCI DSS 10.2", "NIST AC-7", "NIST AU-6"},
		Attack:   []string{"T1110", "T1078.004"},
		Means:    "AWS refused one assumption after the other: somebody tries what they may not, or a tool is set up wrongly.",
		Fires:    "`AssumeRoleWithSAML` was refused to a person `refusals.burst` (5) times or more, each at most `burst_window` (10 minutes) after the one before.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "Intent. A refused call may lack the names of who made it, and then counts for whatever name it has.",
		Do:       "The sentence has the roles and the reasons. Many roles with `AccessDenied` are a search, one role with `ExpiredToken` is a script.",
		Life: func(l *Life) (out []*Breach) {
			for _, run := range Bursts(l.Policies, l.Facts) {
				out = append(out, burst(l, run)...)
			}
			return out
		},
	}
}

// Bursts are the runs of refusals in which each comes at most a burst window after
// the one before, by the policy in force then. facts are sorted by time.
func Bursts(policies *policy.Set, facts []*schemas.Fact) (runs [][]*schemas.Fact) {
	var last *schemas.Fact
	for _, f := range facts {
		if f.Kind != schemas.AssumeFailed {
			continue
		}
		if last == nil || f.At.After(last.At.Add(policies.At(last.At).Bounds.BurstWindow)) {
			runs = append(runs, nil)
		}
		run := &runs[len(runs)-1]
		*run = append(*run, f)
		last = f
	}
	return runs
}

// burst is the breach that a run of refusals is, if it is long enough by the policy
// in force at its first.
func burst(l *Life, run []*schemas.Fact) []*Breach {
	if len(run) < l.Policies.At(run[0].At).Burst() {
		return nil
	}
	var roles, codes []string
	for _, f := range run {
		name := f.Assume.Role + " in " + accountName(l.Policies.At(f.At), f.Assume.Account)
		if !slices.Contains(roles, name) {
			roles = append(roles, name)
		}
		if code := cmp.Or(f.Assume.ErrorCode, "no reason given"); !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	first, last := run[0], run[len(run)-1]
	return []*Breach{{
		Anchor: first, Evidence: eventIDs(run...), Account: first.Assume.Account, Role: first.Assume.Role,
		Why: fmt.Sprintf("%s was refused %d assumptions of %s from %s to %s (%s).",
			l.Person.Name, len(run), list(roles), clock(first.At), clock(last.At), list(codes)),
	}}
}
