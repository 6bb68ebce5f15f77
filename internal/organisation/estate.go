package organisation

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"time"
)

// provider is one way from Okta into AWS, as the policy names it.
type provider struct {
	name     string
	saml     string // the SAML provider's name in each account
	center   bool   // through IAM Identity Center
	require  bool   // assertion_id: require
	apps     []string
	label    string
	issuer   string
	audience string
}

// account is an AWS account with the roles that people may ask for.
type account struct {
	n        int
	id       string
	alias    string
	region   string
	provider *provider
	hours    *hours
	longest  time.Duration // the policy's max_session
	roles    []*role       // those that are asked for
	onCall   *role
	glass    *role // the break-glass role
	glassy   *role // a role that is only named like one
	service  *role // of machines, not of people
	onward   *role // assumed from sessions, never by SAML
	deployer *role // assumed by pipelines, and not watched
	standing *role // opened by a group without approved end
	reports  *role // opened by an assignment to an Okta application
	power    *role // opened by an account assignment
}

// role is an IAM role or, in an account of Identity Center, a permission set.
type role struct {
	name    string
	account *account
	path    string // "/" or with the path
	aroa    string
	suffix  string // of the AWSReservedSSO role
	group   *group // the Okta group that opens it; nil for none
	iam     bool   // made in IAM, whatever provider the account has
}

// group is an Okta group that the policy maps to roles.
type group struct {
	id, name string
	duration time.Duration // 0: without approved end
	targets  []*role
	app      bool // an Okta application
}

func roleNames() []string {
	return []string{"Admin", "Developer", "ReadOnly", "Operator", "Support", "Auditor", "Deployer", "Analyst", "Billing", "Network", "Security", "DBA"}
}

func aliases() []string {
	return []string{"prod", "payments-prod", "data-platform", "dev", "sandbox", "shared-services", "web-prod", "ml-research", "log-archive", "web-dev", "payments-dev", "edge-eu-west"}
}

// found sets up providers, accounts, roles, groups and people.
func (g *generator) found() {
	r := g.stream("estate")
	app := func() string { return "0oa" + token(r, base62, 17) }
	issuer := func() string { return "http://www.okta.com/exk" + token(r, base62, 17) }
	g.providers = []*provider{
		{name: "okta-direct", saml: "Okta", require: true, apps: []string{app(), app()}, label: "AWS Production", issuer: issuer(), audience: "https://signin.aws.amazon.com/saml"},
		{name: "okta-legacy", saml: "okta-legacy", apps: []string{app()}, label: "AWS Account Federation", issuer: issuer(), audience: "https://signin.aws.amazon.com/saml"},
		{name: "identity-center", saml: "AWSSSO_" + token(r, hexDigits, 16) + "_DO_NOT_DELETE", center: true, apps: []string{app()}, label: "AWS IAM Identity Center", issuer: issuer(), audience: "https://eu-central-1.signin.aws.amazon.com/platform/saml/d-" + token(r, hexDigits, 10)},
	}
	g.management = "9" + token(r, digits, 11)
	for i := range g.cfg.Accounts {
		g.accounts = append(g.accounts, g.openAccount(i))
	}
	g.mapGroups()
	for i := range g.cfg.People {
		g.people = append(g.people, g.hire(i))
	}
}

func (g *generator) openAccount(n int) *account {
	r := g.stream("account", n)
	a := &account{n: n, id: fmt.Sprintf("%d%s%02d", 1+n%8, token(r, digits, 9), n%100), provider: g.providers[n%3], longest: 12 * time.Hour}
	a.region = pick(r, []string{"eu-central-1", "eu-west-1", "us-east-1", "us-west-2", "ap-south-1"})
	if names := aliases(); n < len(names) {
		a.alias = names[n]
	} else {
		a.alias = fmt.Sprintf("team-%d", n)
	}
	switch n {
	case 0:
		a.hours = &hours{name: "office-berlin", zone: g.zone("Europe/Berlin"), from: 8, to: 18, weekdays: true, holidays: true}
	case 1:
		a.hours = &hours{name: "daily-new-york", zone: g.zone("America/New_York"), from: 6, to: 22}
	case 2:
		a.hours = &hours{name: "daily-berlin", zone: g.zone("Europe/Berlin"), from: 7, to: 21}
	}
	if !a.provider.center && !a.provider.require {
		a.longest = 2 * time.Hour
	}
	add := func(name string) *role {
		x := &role{name: name, account: a, path: "/", aroa: "AROA" + token(r, base32Upper, 17), suffix: token(r, hexDigits, 16)}
		if !a.provider.center && chance(r, 30) {
			x.path = "/jit/"
		}
		return x
	}
	for _, name := range roleNames()[:g.cfg.Groups] {
		a.roles = append(a.roles, add(name))
	}
	a.onCall, a.glass, a.glassy, a.service = add("OnCall"), add("BreakGlass"), add("BreakGlassReader"), add("app-runtime")
	a.onward, a.deployer, a.standing, a.reports, a.power = add("Terraform"), add("ci-deployer"), add("Inventory"), add("Reports"), add("PowerUser")
	for _, x := range []*role{a.onward, a.deployer} {
		x.iam = true
	}
	return a
}

// mapGroups gives each role its Okta group, named in the house style of its
// account, and the two groups that the policy maps explicitly.
func (g *generator) mapGroups() {
	r := g.stream("groups")
	id := func() string { return "00g" + token(r, base62, 17) }
	g.operators = &group{id: id(), name: "cloud-operators", duration: 4 * time.Hour}
	g.onCall = &group{id: id(), name: "on-call", duration: 12 * time.Hour}
	for _, a := range g.accounts {
		for _, x := range append([]*role{a.glassy}, a.roles...) {
			if x.name == "Operator" && (a.n == 0 || a.n == 3) {
				x.group = g.operators
				g.operators.targets = append(g.operators.targets, x)
				continue
			}
			x.group = &group{id: id(), targets: []*role{x}}
			x.group.name, x.group.duration = groupName(x)
		}
		if a.hours == nil {
			a.onCall.group = g.onCall
			g.onCall.targets = append(g.onCall.targets, a.onCall)
		}
	}
	g.mapOthers(id)
	g.vault = &account{id: "8" + token(r, digits, 11), alias: "backup-vault", region: "eu-west-1", provider: &provider{}}
	g.robot = &role{name: "app-runtime", path: "/", aroa: "AROA" + token(r, base32Upper, 17), iam: true}
}

// mapOthers is what opens roles but is no group with an approved length: the
// standing group, an Okta application, account assignments.
func (g *generator) mapOthers(id func() string) {
	g.inventory = &group{id: id(), name: "inventory-readers"}
	g.reporting = &group{id: "0oa" + id()[3:], name: "AWS Reporting", duration: 2 * time.Hour, app: true}
	for _, a := range g.accounts {
		if a.hours != nil {
			continue
		}
		switch a.n % 3 {
		case requires:
			a.standing.group = g.inventory
			g.inventory.targets = append(g.inventory.targets, a.standing)
		case prefers:
			a.reports.group = g.reporting
			g.reporting.targets = append(g.reporting.targets, a.reports)
		case centers:
			a.power.group = &group{id: "arn:aws:sso:::permissionSet/ssoins-" + id()[4:] + "/ps-" + id()[4:], name: "PowerUser", duration: grantDuration, targets: []*role{a.power}}
		}
	}
}

func groupName(x *role) (name string, duration time.Duration) {
	switch a := x.account; a.n % 6 {
	case 1, 4:
		return "aws#" + a.alias + "#" + x.name + "#" + a.id, 2 * time.Hour
	case 2:
		return "aws_(" + a.id + ")_(" + x.name + ")", 8 * time.Hour
	default:
		if x.name == "Admin" {
			return "AWS-" + a.alias + "-Admin", time.Hour
		}
		return "AWS-" + a.alias + "-" + x.name, 4 * time.Hour
	}
}

// iamName is the role's name in IAM.
func (x *role) iamName() string {
	if x.account.provider.center && !x.iam {
		return "AWSReservedSSO_" + x.name + "_" + x.suffix
	}
	return x.name
}

func (x *role) arn() string {
	if x.account.provider.center && !x.iam {
		return "arn:aws:iam::" + x.account.id + ":role/aws-reserved/sso.amazonaws.com/eu-central-1/" + x.iamName()
	}
	return "arn:aws:iam::" + x.account.id + ":role" + x.path + x.name
}

func (a *account) providerARN(saml string) string {
	return "arn:aws:iam::" + a.id + ":saml-provider/" + saml
}

// nameQualifier is the STS API reference's rule.
func nameQualifier(issuer, accountID, saml string) string {
	sum := sha1.Sum([]byte(issuer + accountID + "/" + saml))
	return base64.StdEncoding.EncodeToString(sum[:])
}
