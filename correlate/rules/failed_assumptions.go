package rules

import (
	"fmt"

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
		Fires:    "`AssumeRoleWithSAML` was refused to a person `refusals.burst` times (5) or more, each at most `burst_window` (10 minutes) after the one before.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "A refused call may lack the names of who made it, and is then nobody's.",
		Life: func(l *Life) (out []*Breach) {
			var run []*schemas.Fact
			end := func() {
				if len(run) > 0 && len(run) >= l.Policies.At(run[0].At).Burst() {
					first, last := run[0], run[len(run)-1]
					out = append(out, &Breach{
						Anchor: first, Evidence: eventIDs(run...), Account: first.Assume.Account, Role: first.Assume.Role,
						Why: fmt.Sprintf("%s was refused %d assumptions from %s to %s, the first of %s in %s: %s.", l.Person.Name, len(run),
							clock(first.At), clock(last.At), first.Assume.Role, accountName(l.Policies.At(first.At), first.Assume.Account), first.Assume.ErrorCode),
					})
				}
				run = nil
			}
			for _, f := range l.Facts {
				if f.Kind != schemas.AssumeFailed {
					continue
				}
				if n := len(run); n > 0 && f.At.After(run[n-1].At.Add(l.Policies.At(run[n-1].At).Bounds.BurstWindow)) {
					end()
				}
				run = append(run, f)
			}
			end()
			return out
		},
	}
}
