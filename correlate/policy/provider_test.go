package policy_test

import (
	"slices"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

func TestProviderIsTheFirstThatMatches(t *testing.T) {
	p := mustParse(t, `
accounts: {prod: "111111111111", production: "111111111111"}
providers:
  - {name: one, arn: "arn:aws:iam::111111111111:saml-provider/Okta", federation: direct, okta_org: b, assertion_id: require}
  - {name: any, arn: "arn:aws:iam::*:saml-provider/Okta", federation: direct, okta_org: a, apps: [0oa1, 0oa2]}
  - {name: portal, arn: "arn:aws:iam::*:saml-provider/AWSSSO_*_DO_NOT_DELETE", federation: identity_center, okta_org: a}
`)
	for arn, want := range map[string]string{
		"arn:aws:iam::111111111111:saml-provider/Okta":                          "one",
		"arn:aws:iam::222222222222:saml-provider/Okta":                          "any",
		"arn:aws:iam::222222222222:saml-provider/AWSSSO_1a2b3c4d_DO_NOT_DELETE": "portal",
		"arn:aws:iam::222222222222:saml-provider/AWSSSO_DO_NOT_DELETE":          "",
		"arn:aws:iam::222222222222:saml-provider/Okta2":                         "",
		"": "",
	} {
		for range 3 {
			got := ""
			if pr := p.Provider(arn); pr != nil {
				got = pr.Name
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", arn, got, want)
			}
		}
	}
	if !p.Provider("arn:aws:iam::111111111111:saml-provider/Okta").RequireAssertionID {
		t.Error("require is lost")
	}
	if got := p.Orgs(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("orgs %v", got)
	}
	if got := p.AccountName("111111111111") + "," + p.AccountName("222222222222"); got != "prod," {
		t.Errorf("names %s", got)
	}
}

func TestHasApp(t *testing.T) {
	direct, portal := schemas.Direct, schemas.IdentityCenter
	for _, tc := range []struct {
		name       string
		federation schemas.Federation
		apps       []string
		signOn     schemas.SignOn
		want       bool
	}{
		{"by id", direct, []string{"0oa1", "0oa2"}, schemas.SignOn{AppID: "0oa2"}, true},
		{"another id, though to AWS", direct, []string{"0oa1"}, schemas.SignOn{AppID: "0oa3", Audience: "https://signin.aws.amazon.com/saml"}, false},
		{"direct", direct, nil, schemas.SignOn{Audience: "https://signin.aws.amazon.com/saml"}, true},
		{"direct, a region", direct, nil, schemas.SignOn{Audience: "https://eu-central-1.signin.aws.amazon.com/saml"}, true},
		{"direct, encrypted assertions", direct, nil, schemas.SignOn{Audience: "https://eu-central-1.signin.aws.amazon.com/saml/acs/SAMLSP1"}, true},
		{"direct, by URN", direct, nil, schemas.SignOn{Audience: "urn:amazon:webservices"}, true},
		{"direct, GovCloud", direct, nil, schemas.SignOn{Audience: "https://signin.amazonaws-us-gov.com/saml"}, true},
		{"the portal is not direct", direct, nil, schemas.SignOn{Audience: "https://eu-central-1.signin.aws.amazon.com/platform/saml/d-1"}, false},
		{"portal", portal, nil, schemas.SignOn{Audience: "https://eu-central-1.signin.aws.amazon.com/platform/saml/d-1"}, true},
		{"direct is not the portal", portal, nil, schemas.SignOn{Audience: "https://signin.aws.amazon.com/saml"}, false},
		{"a host that only ends alike", direct, nil, schemas.SignOn{Audience: "https://evilsignin.aws.amazon.com/saml"}, false},
		{"another host", direct, nil, schemas.SignOn{Audience: "https://signin.aws.amazon.com.evil.example/saml"}, false},
		{"no audience", direct, nil, schemas.SignOn{AppID: "0oa1"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pr := policy.Provider{Federation: tc.federation, Apps: tc.apps}
			if got := pr.HasApp(&tc.signOn); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestSeverityIsOverridden(t *testing.T) {
	p := mustParse(t, "severity: {no_mfa: info}")
	if got := p.Severity("no_mfa", schemas.High, policy.Scope{}); got != schemas.Info {
		t.Errorf("no_mfa: %s", got)
	}
	if got := p.Severity("no_grant", schemas.High, policy.Scope{}); got != schemas.High {
		t.Errorf("no_grant: %s", got)
	}
}

func TestSetJudgesByThePolicyInForce(t *testing.T) {
	early := mustParse(t, "effective_from: 2026-01-01T00:00:00Z")
	late := mustParse(t, "effective_from: 2026-06-01T00:00:00+02:00")
	s, err := policy.NewSet(late, early)
	if err != nil {
		t.Fatal(err)
	}
	if all := s.All(); len(all) != 2 || all[0] != early || all[1] != late {
		t.Errorf("order %v", all)
	}
	for at, want := range map[string]*policy.Policy{
		"2020-01-01T00:00:00Z":     early,
		"2026-01-01T00:00:00Z":     early,
		"2026-05-31T21:59:59.999Z": early,
		"2026-05-31T22:00:00Z":     late,
		"2027-01-01T00:00:00Z":     late,
	} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.At(when); got != want {
			t.Errorf("at %s: %v", at, got.EffectiveFrom)
		}
	}
}

func TestSetRefusesWhatHasNoOrder(t *testing.T) {
	always := mustParse(t, "bounds: {}")
	for name, ps := range map[string][]*policy.Policy{
		"none":                  nil,
		"two without beginning": {always, mustParse(t, "bounds: {clock_skew: 1s}")},
		"same instant":          {mustParse(t, "effective_from: 2026-01-01T00:00:00Z"), always, mustParse(t, "effective_from: 2026-01-01T01:00:00+01:00")},
	} {
		if _, err := policy.NewSet(ps...); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
