package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/policy"
)

const groupsPolicy = `
accounts: {prod: "111111111111", prod-eu: "222222222222", prod-eu-west: "333333333333", dev: "444444444444"}
bounds: {grant_duration: 2h}
groups:
  - {id: 00gById, duration: none, targets: [{account: dev, role: ById}]}
  - {name: AWS-prod-Special, targets: [{account: dev, role: Special}, {account: "999999999999", role: Special}]}
  - match: 'AWS-(?P<alias>[a-z-]+)-(?P<role>[A-Za-z0-9_-]+)'
    duration: 30m
  - match: '^aws#(?P<alias>[^#]+)#(?P<role>[\w-]+)#(?P<account>\d+)$'
  - match: '^aws_\((?P<account>\d{12})\)_\((?P<role>[\w-]+)\)$'
  - match: '(?i)okta/(?P<alias>\w+)/(?P<role>\w+)'
  - match: '(?P<role>[^:]+):(?:team|squad):(?P<alias>prod|dev)'
  - match: '^arn:aws:iam::(?P<account>\d{12}):role/(?:[^,]*/)?(?P<role>[\w+=.@-]+),arn:aws:iam::\d{12}:saml-provider/.+$'
`

func TestTargets(t *testing.T) {
	p := mustParse(t, groupsPolicy)
	one := func(account, role string, d time.Duration) []policy.Target {
		return []policy.Target{{Account: account, Role: role, Duration: d}}
	}
	for _, tc := range []struct {
		name, id, group string
		want            []policy.Target
	}{
		{"alias", "00g", "AWS-prod-Admin", one("111111111111", "Admin", 30*time.Minute)},
		{"alias with a hyphen", "00g", "AWS-prod-eu-Admin", one("222222222222", "Admin", 30*time.Minute)},
		{"longest alias", "00g", "AWS-prod-eu-west-Admin", one("333333333333", "Admin", 30*time.Minute)},
		{"longest alias that leaves a role", "00g", "AWS-prod-eu-west", one("222222222222", "west", 30*time.Minute)},
		{"role with a hyphen", "00g", "AWS-dev-Read-Only", one("444444444444", "Read-Only", 30*time.Minute)},
		{"unknown alias", "00g", "AWS-staging-Admin", nil},
		{"alias in another case", "00g", "AWS-PROD-Admin", nil},
		{"more before the name", "00g", "x-AWS-prod-Admin", nil},
		{"more after the name", "00g", "AWS-prod-Admin (old)", nil},
		{"line break after the name", "00g", "AWS-prod-Admin\n", nil},
		{"account decides, alias unknown", "00g", "aws#anything#Admin#555555555555", one("555555555555", "Admin", 2*time.Hour)},
		{"account decides, alias of another", "00g", "aws#prod#Admin#555555555555", one("555555555555", "Admin", 2*time.Hour)},
		{"account of eleven digits", "00g", "aws#prod#Admin#55555555555", nil},
		{"account in brackets", "00g", "aws_(555555555555)_(Admin)", one("555555555555", "Admin", 2*time.Hour)},
		{"ignoring case", "00g", "OKTA/Prod/Admin", one("111111111111", "Admin", 2*time.Hour)},
		{"ignoring case, hyphens the part does not allow", "00g", "okta/prod-eu/Admin", nil},
		{"role before alias", "00g", "Admin:team:dev", one("444444444444", "Admin", 2*time.Hour)},
		{"role that IAM does not allow", "00g", "My Admin:team:dev", nil},
		{"ARN pair", "00g", "arn:aws:iam::666666666666:role/Admin,arn:aws:iam::666666666666:saml-provider/Okta", one("666666666666", "Admin", 2*time.Hour)},
		{"ARN pair with a path", "00g", "arn:aws:iam::666666666666:role/team/a/Admin,arn:aws:iam::666666666666:saml-provider/Okta", one("666666666666", "Admin", 2*time.Hour)},
		{"ARN pair, provider first", "00g", "arn:aws:iam::666666666666:saml-provider/Okta,arn:aws:iam::666666666666:role/Admin", nil},
		{"by id, whatever its name", "00gById", "AWS-prod-Admin", one("444444444444", "ById", 0)},
		{"by name, before the patterns", "00g", "AWS-prod-Special", []policy.Target{{Account: "444444444444", Role: "Special", Duration: 2 * time.Hour}, {Account: "999999999999", Role: "Special", Duration: 2 * time.Hour}}},
		{"no AWS group", "00g", "Everyone", nil},
		{"no name", "", "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for range 3 { // the memo must not change the answer
				if diff := cmp.Diff(tc.want, p.Targets(tc.id, tc.group)); diff != "" {
					t.Fatalf("(-want +got):\n%s", diff)
				}
			}
		})
	}
	if got := p.AppTargets(""); got != nil {
		t.Errorf("no application opens %v", got)
	}
}

func TestExampleMapsItsGroups(t *testing.T) {
	p := mustParse(t, string(read(t, "../../examples/policy.yaml")))
	for id, name := range map[string]string{
		"1":                    "AWS-prod-Admin",
		"2":                    "aws#prod#Admin#111111111111",
		"3":                    "aws_(111111111111)_(Admin)",
		"4":                    "arn:aws:iam::111111111111:role/Admin,arn:aws:iam::111111111111:saml-provider/Okta",
		"00g1cloudoperators01": "renamed",
	} {
		if got := p.Targets(id, name); len(got) == 0 || got[0].Account != "111111111111" {
			t.Errorf("group %s %q opens %v", id, name, got)
		}
	}
}
