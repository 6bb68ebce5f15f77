package organisation

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// policy writes policy.yaml in the format of examples/policy.yaml.
func (g *generator) policy() []byte {
	var b bytes.Buffer
	p := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	p("# The policy of a made-up organisation.")
	p("effective_from: 2025-01-01T00:00:00Z\n\naccounts:")
	for _, a := range append(g.accounts[:len(g.accounts):len(g.accounts)], g.vault) {
		p("  %s: %q", a.alias, a.id)
	}
	p("\nproviders:")
	for _, pr := range g.providers {
		federation, arn := "direct", "arn:aws:iam::*:saml-provider/"+pr.saml
		if pr.center {
			federation, arn = "identity_center", "arn:aws:iam::*:saml-provider/AWSSSO_*_DO_NOT_DELETE"
		}
		p("  - name: %s\n    arn: %q\n    federation: %s\n    okta_org: %s\n    apps: [%s]", pr.name, arn, federation, org, strings.Join(pr.apps, ", "))
		if pr.require {
			p("    assertion_id: require")
		}
	}
	g.policyGroups(p)
	g.policyHours(p)
	p("\nbreak_glass:\n  - accounts: ['*']\n    roles: [BreakGlass]\n    waives: [no_grant, outside_grant, outside_hours]")
	p("    justify_within: %s", short(justifyWithin))
	g.policyTrust(p)
	g.policySets(p)
	g.policySuppressions(p)
	g.policyPeople(p)
	p("\nbounds:")
	for _, bound := range []struct {
		key string
		d   time.Duration
	}{{"clock_skew", clockSkew}, {"assertion_window", assertionWindow}, {"portal_session", portalSession}, {"okta_session", oktaSessionReach}, {"propagation_delay", propagationDelay}, {"revocation_tolerance", revocationTolerance}, {"credentials_outlive", credentialsOutlive}, {"grant_duration", grantDuration}, {"standing_access", standingAccess}, {"burst_window", burstWindow}} {
		p("  %s: %v", bound.key, short(bound.d))
	}
	return b.Bytes()
}

// short writes a duration in one unit.
func short(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return fmt.Sprintf("%ds", d/time.Second)
	}
}

func (g *generator) policyGroups(p func(string, ...any)) {
	p("\ngroups:")
	for _, gr := range []*group{g.operators, g.onCall} {
		p("  - name: %s\n    id: %s\n    duration: %s\n    targets:", gr.name, gr.id, short(gr.duration))
		for _, x := range gr.targets {
			p("      - {account: %s, role: %s}", x.account.alias, x.name)
		}
	}
	p("  - name: %s\n    id: %s\n    duration: none\n    targets:", g.inventory.name, g.inventory.id)
	for _, x := range g.inventory.targets {
		p("      - {account: %s, role: %s}", x.account.alias, x.name)
	}
	p("  - app: %s\n    duration: %s\n    targets:", g.reporting.id, short(g.reporting.duration))
	for _, x := range g.reporting.targets {
		p("      - {account: %s, role: %s}", x.account.alias, x.name)
	}
	p(`  - match: '^AWS-(?P<alias>[A-Za-z0-9-]+)-(?P<role>Admin)$'
    duration: 1h
  - match: '^AWS-(?P<alias>[A-Za-z0-9-]+)-(?P<role>[A-Za-z0-9_]+)$'
    duration: 4h
  - match: '^aws#(?P<alias>[^#]+)#(?P<role>[\w-]+)#(?P<account>\d{12})$'
    duration: 2h
  - match: '^aws_\((?P<account>\d{12})\)_\((?P<role>[\w-]+)\)$'
    duration: 8h`)
}

func (g *generator) policyHours(p func(string, ...any)) {
	p("\ntime_intervals:")
	p("  - name: always\n    time_intervals:\n      - weekdays: ['sunday:saturday']")
	p("  - name: holidays\n    time_intervals:\n      - months: ['december']\n        days_of_month: ['25:26']\n        location: Europe/Berlin")
	for _, a := range g.accounts {
		if h := a.hours; h != nil {
			p("  - name: %s\n    time_intervals:\n      - times: [{start_time: '%02d:00', end_time: '%02d:00'}]\n        location: %s", h.name, h.from, h.to, h.zone)
			if h.weekdays {
				p("        weekdays: ['monday:friday']")
			}
		}
	}
	p("\nholidays:\n  - name: company-day\n    dates: [%s]\n    location: Europe/Berlin", g.companyDay().Format(time.DateOnly))
	p("\napproved_hours:\n  - roles: [OnCall]\n    within: [always]")
	p("  - groups: ['%s']\n    within: [always]", g.anytime().group.name)
	for _, a := range g.accounts {
		if h := a.hours; h != nil {
			p("  - accounts: [%s]\n    within: [%s]", a.alias, h.name)
			if h.holidays {
				p("    except: [holidays, company-day]")
			}
		}
	}
	p("\nmax_session:")
	for _, a := range g.accounts {
		if a.longest != 12*time.Hour {
			p("  - accounts: [%s]\n    limit: %s", a.alias, short(a.longest))
		}
	}
}
