package organisation

import (
	"strings"
	"time"
)

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
	var watched []string
	for _, a := range g.accounts {
		if a != g.unwatched() {
			watched = append(watched, a.alias)
		}
	}
	p("\nwatched:\n  - accounts: [%s]\n    roles: [BreakGlass, %s]\n  - accounts: [%s]", strings.Join(watched, ", "), strings.Join(roleNames()[:g.cfg.Groups], ", "), g.vault.alias)
	p("\nnetworks:\n  - name: office\n    cidrs: [100.64.0.0/22]")
	p("\nrefusals:\n  burst: %d", burst)
	p("\nseverity_overrides:\n  - rule: outside_hours\n    severity: high\n    roles: [Admin]")
	p("\nidentity:\n  domains: [example.com]")
}

// unwatched is the account whose ways in nobody watches.
func (g *generator) unwatched() *account { return g.accounts[1] }

// policySets names the permission sets behind account assignments.
func (g *generator) policySets(p func(string, ...any)) {
	p("\nassignments:\n  duration: %s\n\npermission_sets:", short(grantDuration))
	for _, a := range g.accounts {
		if a.power.group != nil {
			p("  %q: %s", a.power.group.id, a.power.name)
		}
	}
}

// policySuppressions accepts some findings, which are found all the same.
func (g *generator) policySuppressions(p func(string, ...any)) {
	p("\nsuppressions:")
	p("  - rules: [chained_role]\n    accounts: [%s]\n    reason: Terraform runs by way of a role of its own\n    owner: platform@example.com\n    until: 2030-01-01T00:00:00Z", g.accounts[4].alias)
	p("  - rules: [late_revocation]\n    groups: ['aws_(*']\n    reason: the nightly clean-up is being replaced\n    owner: iam@example.com\n    until: 2030-01-01T00:00:00Z")
}

// policyPeople ties names to people, always or for some time.
func (g *generator) policyPeople(p func(string, ...any)) {
	byLogin := map[string][]string{}
	var logins []string
	add := func(login, alias string) {
		if byLogin[login] == nil {
			logins = append(logins, login)
		}
		byLogin[login] = append(byLogin[login], alias)
	}
	for _, who := range g.people {
		if who.kind == byAlias {
			add(who.login, who.session)
		}
	}
	for _, d := range g.duties {
		add(d.login, "{name: "+d.name+", from: "+d.from.Format(oktaTime)+", until: "+d.until.Format(oktaTime)+"}")
	}
	if len(logins) == 0 {
		return
	}
	p("\npeople:")
	for _, login := range logins {
		p("  - login: %s\n    aliases: [%s]", login, strings.Join(byLogin[login], ", "))
	}
}

// duty is a name that is somebody's for some time.
type duty struct {
	login, name string
	from, until time.Time
}
