package rules

import (
	"fmt"

	"jitaudit/schemas"
)

// unmappedGroup: a group that looks like access to AWS, and that no entry of the
// policy maps to a role: whatever it opens is not judged.
func unmappedGroup() Rule {
	return Rule{
		Name:     "unmapped_group",
		Severity: schemas.Medium,
		Title:    "AWS group that no mapping knows",
		Controls: []string{"SOC 2 CC6.1", "SOC 2 CC6.3", "ISO 27001 A.5.15", "PCI DSS 7.2", "NIST AC-2"},
		Attack:   []string{"T1098"},
		Means:    "A group that looks like access to AWS opens something that the policy does not know, so that nothing of it is judged.",
		Fires:    "a person was added to a group whose name is one of `aws_groups`, and that no entry of `groups` maps under the policy in force then.",
		Needs:    "nothing: it says what was seen.",
		Notes:    "That the group opens anything.",
		Do:       "Map it in `groups`, or take its name out of `aws_groups`.",
		Life: func(l *Life) (out []*Breach) {
			for _, f := range l.Unmapped {
				out = append(out, &Breach{
					Anchor: f,
					Why:    fmt.Sprintf("%s was added to %s at %s; no mapping of the policy knows what it opens.", l.Person.Name, f.Group.Name, clock(f.At)),
				})
			}
			return out
		},
	}
}
