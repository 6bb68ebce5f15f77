package organisation

import "strings"

// policyTrust says who may give access, what is watched, and what counts as one
// place.
func (g *generator) policyTrust(p func(string, ...any)) {
	p("\n# Who may put people into groups that open roles.\ntrusted_grantors:")
	p("  - name: %s", g.grantors[0].display)
	p("  - id: %s", g.grantors[1].id)
	p("  - alternate_id: %s\n    type: User", g.helpdesk.alternate)
	p("  - type: SystemPrincipal")
	p("  - name: access-broker")
	p("\n# Names of groups that stand for access to AWS, mapped or not.\naws_groups: ['AWS-[^-]+-.+', 'aws#.*', 'aws_\\(.*', 'aws-legacy-.*']")
	p("\nwatched:\n  - accounts: ['*']\n    roles: [BreakGlass, %s]", strings.Join(roleNames()[:g.cfg.Groups], ", "))
	p("\nnetworks:\n  - name: office\n    cidrs: [100.64.0.0/22]")
	p("\nrefusals:\n  burst: %d", burst)
	p("\nidentity:\n  domains: [example.com]")
}

// policySets names the permission sets behind account assignments.
func (g *generator) policySets(p func(string, ...any)) {
	p("\npermission_sets:")
	for _, a := range g.accounts {
		if a.power.group != nil {
			p("  %q: %s", a.power.group.id, a.power.name)
		}
	}
}

// policySuppressions accepts some findings, which are found all the same.
func (g *generator) policySuppressions(p func(string, ...any)) {
	p("\nsuppressions:")
	p("  - rule: chained_role\n    accounts: [%s]\n    reason: Terraform runs by way of a role of its own\n    owner: platform@example.com\n    until: 2030-01-01", g.accounts[4].alias)
	p("  - rule: late_revocation\n    groups: ['aws_*']\n    reason: the nightly clean-up is being replaced\n    owner: iam@example.com\n    until: 2030-01-01")
}
