package correlate

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// day is the first instant of the histories in these tests, a Monday.
var day = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

const (
	org      = "example"
	oktaApp  = "0oadirect"
	portal   = "0oaportal"
	account  = "111111111111"
	account2 = "222222222222"

	permissionSetARN = "arn:aws:sso:::permissionSet/ssoins-1/ps-reader"
	okta             = "okta/example"
)

var ada = schemas.Person{Key: "okta:example/00uada", Name: "ada@example.com", Org: org}

const testPolicy = `
accounts: {prod: "111111111111", dev: "222222222222"}
providers:
  - {name: direct, arn: "arn:aws:iam::*:saml-provider/Okta", federation: direct, okta_org: example, apps: [0oadirect]}
  - {name: strict, arn: "arn:aws:iam::*:saml-provider/Strict", federation: direct, okta_org: example, apps: [0oadirect], assertion_id: require}
  - {name: portal, arn: "arn:aws:iam::*:saml-provider/AWSSSO_*", federation: identity_center, okta_org: example, apps: [0oaportal]}
groups:
  - {match: '^AWS-(?P<alias>[a-z]+)-(?P<role>\w+)$'}
  - {app: 0oadirect, duration: none, targets: [{account: prod, role: Reader}]}
permission_sets: {'arn:aws:sso:::permissionSet/ssoins-1/ps-reader': Reader}
watched: [{accounts: [prod]}]
identity: {domains: [example.com]}
suppressions: [{rules: [no_mfa], accounts: [dev], reason: lab, owner: lab@example.com, until: 2026-03-10T00:00:00Z}]
time_intervals:
  - name: office
    time_intervals:
      - {weekdays: ['monday:friday'], times: [{start_time: '06:00', end_time: '20:00'}]}
approved_hours:
  - {accounts: [prod], within: [office]}
break_glass:
  - {roles: [BreakGlass], waives: [no_grant, outside_grant], justify_within: 48h}
bounds: {standing_access: 2d}
`

func parsePolicy(t failer, text string) *policy.Set {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// at is a time on the first day, "15:04:05" or "15:04:05.000".
func at(clock string) time.Time {
	d, err := time.Parse("15:04:05", clock)
	if err != nil {
		panic(err)
	}
	return day.Add(d.Sub(d.Truncate(24 * time.Hour)))
}

func fact(kind schemas.FactKind, id string, when time.Time) *schemas.Fact {
	f := &schemas.Fact{ID: id, Kind: kind, At: when, Hash: "00" + id, Source: schemas.Okta, Shard: okta}
	f.Who = schemas.Identity{Org: org, OktaUserID: "00uada", Login: "ada@example.com"}
	if kind == schemas.Assumed || kind == schemas.Acted || kind == schemas.AssumeFailed {
		f.Source, f.Shard = schemas.CloudTrail, "aws/"+account+"/us-east-1"
		f.Who = schemas.Identity{SessionName: "ada@example.com", NameID: "ada@example.com"}
	}
	return f
}

func added(id, group string, when time.Time) *schemas.Fact {
	f := fact(schemas.GroupAdded, id, when)
	f.Group = &schemas.GroupChange{ID: "g-" + group, Name: group, Actor: schemas.Actor{Type: "PublicClientAppEntity"}}
	return f
}

func removed(id, group string, when time.Time) *schemas.Fact {
	f := added(id, group, when)
	f.Kind = schemas.GroupRemoved
	return f
}

func signedOn(id, app, jti, session string, when time.Time) *schemas.Fact {
	f := fact(schemas.SignedOn, id, when)
	f.Who.NameID, f.Who.AssertionID = "ada@example.com", jti
	f.SignOn = &schemas.SignOn{AppID: app, SessionID: session, RootSessionID: session}
	return f
}

func verified(id, session string, class schemas.FactorClass, when time.Time) *schemas.Fact {
	f := fact(schemas.SecondFactor, id, when)
	f.Factor = &schemas.Factor{Class: class, Name: string(class), SessionID: session, RootSessionID: session}
	return f
}

func assumed(id, provider, account, role, assertion string, when time.Time, length time.Duration) *schemas.Fact {
	f := fact(schemas.Assumed, id, when.Truncate(time.Second))
	f.Who.AssertionID = assertion
	f.Assume = &schemas.Assume{
		Account: account, Role: role, RoleARN: "arn:aws:iam::" + account + ":role/" + role,
		Federation:  schemas.Direct,
		ProviderARN: "arn:aws:iam::" + account + ":saml-provider/" + provider,
		PrincipalID: "AROA" + role + account + ":ada@example.com", AccessKeyID: "ASIA" + id,
		Expires: f.At.Add(length),
	}
	if strings.HasPrefix(provider, "AWSSSO_") {
		f.Assume.Federation = schemas.IdentityCenter
	}
	return f
}

func called(id string, by *schemas.Fact, when time.Time) *schemas.Fact {
	f := fact(schemas.Acted, id, when.Truncate(time.Second))
	f.Call = &schemas.Call{
		PrincipalID: by.Assume.PrincipalID, AccessKeyID: by.Assume.AccessKeyID, CreatedAt: by.At,
		Service: []string{"s3", "ec2", "iam"}[int(when.Unix())%3], Action: "Do",
	}
	return f
}

func covered(from, to time.Time) Coverage {
	return NewCoverage([]schemas.Coverage{{Shard: okta, From: from, To: to, Basis: schemas.CoverageAssumed}})
}

// failer is what tests of both kinds can do.
type failer interface {
	Helper()
	Fatal(...any)
}

func bytesOf(t failer, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// drawHistory makes up what one person did in the given number of days: mostly
// in order, with everything that can be wrong now and then, and events close
// enough to each other that the windows of the join meet.
func drawHistory(t *rapid.T, days, deeds int) []*schemas.Fact {
	var facts []*schemas.Fact
	n := 0
	id := func(kind string) string { n++; return fmt.Sprintf("%s-%d", kind, n) }
	some := func(label string, odds int) bool { return rapid.IntRange(0, odds).Draw(t, label) == 0 }
	for range rapid.IntRange(1, deeds).Draw(t, "deeds") {
		when := day.Add(time.Duration(rapid.IntRange(0, days*24*60-1).Draw(t, "minute")) * time.Minute).
			Add(time.Duration(rapid.IntRange(0, 59_999).Draw(t, "ms")) * time.Millisecond)
		role := rapid.SampledFrom([]string{"Admin", "Reader", "BreakGlass"}).Draw(t, "role")
		alias, acct := "prod", account
		if some("dev", 2) {
			alias, acct = "dev", account2
		}
		group := "AWS-" + alias + "-" + role
		if !some("no add", 4) {
			facts = append(facts, added(id("add"), group, when))
		}
		if !some("no removal", 4) {
			d := time.Duration(rapid.IntRange(20, 70).Draw(t, "granted")) * time.Minute
			facts = append(facts, removed(id("rem"), group, when.Add(d)))
		}
		session := rapid.SampledFrom([]string{"s1", "s2", "s3", ""}).Draw(t, "okta session")
		provider, app := "Okta", oktaApp
		switch rapid.IntRange(0, 4).Draw(t, "provider") {
		case 0:
			provider = "Strict"
		case 2:
			provider = "NotInThePolicy"
		case 1:
			provider, app = "AWSSSO_1_DO_NOT_DELETE", portal
		}
		start := when.Add(time.Duration(rapid.IntRange(-200, 4500).Draw(t, "after grant")) * time.Second)
		jti := id("jti")
		if !some("no sign-on", 4) {
			facts = append(facts, signedOn(id("sso"), app, jti, session, start.Add(-time.Duration(rapid.IntRange(-3, 700).Draw(t, "before"))*time.Second)))
		}
		if !some("no factor", 4) {
			class := rapid.SampledFrom([]schemas.FactorClass{schemas.FactorPush, schemas.FactorPassword, schemas.FactorFastPass}).Draw(t, "class")
			facts = append(facts, verified(id("mfa"), session, class, start.Add(-time.Duration(rapid.IntRange(-2, 90000).Draw(t, "mfa before"))*time.Second)))
		}
		for range rapid.IntRange(0, 3).Draw(t, "assumptions") {
			a := assumed(id("asm"), provider, acct, role, jti, start, time.Duration(rapid.IntRange(15, 200).Draw(t, "minutes"))*time.Minute)
			facts = append(facts, a)
			for range rapid.IntRange(0, 3).Draw(t, "calls") {
				facts = append(facts, called(id("call"), a, start.Add(time.Duration(rapid.IntRange(0, 9000).Draw(t, "call after"))*time.Second)))
			}
			start = start.Add(time.Duration(rapid.IntRange(0, 7000).Draw(t, "again")) * time.Second)
		}
	}
	return facts
}

// copies adds byte-equal duplicates and copies with other content.
func copies(t *rapid.T, facts []*schemas.Fact) []*schemas.Fact {
	out := append([]*schemas.Fact(nil), facts...)
	for range rapid.IntRange(0, len(facts)).Draw(t, "copies") {
		f := *facts[rapid.IntRange(0, len(facts)-1).Draw(t, "copied")]
		if rapid.Bool().Draw(t, "corrected") {
			moved := rapid.IntRange(-600, 600).Draw(t, "moved")
			f.At = f.At.Add(time.Duration(moved) * time.Second)
			f.Addendum = rapid.Bool().Draw(t, "addendum")
			f.Hash = fmt.Sprintf("%03d%v", moved+600, f.Addendum) // as content differs, so does its hash
		}
		out = append(out, &f)
	}
	return out
}

func shuffled(t *rapid.T, facts []*schemas.Fact) []*schemas.Fact {
	return rapid.Permutation(facts).Draw(t, "order")
}
