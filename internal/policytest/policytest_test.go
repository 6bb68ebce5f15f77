package policytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jitaudit/correlate/policy"
)

func suite(t *testing.T, file string) (*Suite, *policy.Set) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	return s, policies(t, s)
}

func policies(t *testing.T, s *Suite) *policy.Set {
	t.Helper()
	var all []*policy.Policy
	for _, name := range s.Policies() {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := policy.Parse(name, data)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	set, err := policy.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestTheExamplePasses(t *testing.T) {
	s, set := suite(t, "../../examples/policy_test.yaml")
	results, err := s.Run(t.Context(), set)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		for _, p := range r.Problems {
			t.Errorf("%s: %s", r.Test, p)
		}
	}
	if len(results) != 4 {
		t.Errorf("%d tests ran", len(results))
	}
}

const small = `
accounts: {prod: "111111111111"}
providers: [{name: okta, arn: 'arn:aws:iam::*:saml-provider/Okta', federation: direct, okta_org: example}, {name: idc, arn: 'arn:aws:iam::*:saml-provider/AWSSSO_*', federation: identity_center, okta_org: example}]
groups: [{match: 'AWS-(?P<alias>\w+)-(?P<role>\w+)', duration: 1h}]
`

// run runs the tests of a text under the small policy.
func run(t *testing.T, text string) ([]Result, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.yaml"), []byte(small), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Parse(filepath.Join(dir, "t.yaml"), []byte("policy: p.yaml\ntests:\n"+text))
	if err != nil {
		return nil, err
	}
	return s.Run(t.Context(), policies(t, s))
}

func TestWhatDiffersIsTold(t *testing.T) {
	for _, tt := range []struct{ name, test, want string }{
		{"a finding more", `
  - name: x
    facts: [{assume: {user: ada@example.com, account: prod, role: Admin, at: 2026-03-02T09:00:00Z}}]
    expect: {findings: [{rule: no_sign_on}], ignore: [unattributed]}`, "not expected: no_grant (high, open)"},
		{"a finding less", `
  - name: x
    facts: [{sign_on: {user: ada@example.com, at: 2026-03-02T09:00:00Z}}]
    expect: {findings: [{rule: no_mfa, severity: high, suppressed: true}]}`, "missing: finding no_mfa, severity high, suppressed true"},
		{"another severity", `
  - name: x
    facts: [{add: {user: ada@example.com, group: AWS-prod-Admin, by: boss@example.com, at: 2026-03-02T09:00:00Z}}]
    expect: {findings: [{rule: manual_grant, severity: low}], ignore: [lingering_membership, unused_grant]}`, "missing: finding manual_grant, severity low"},
		{"a session less", `
  - name: x
    facts: [{sign_on: {user: ada@example.com, at: 2026-03-02T09:00:00Z}}]
    expect: {sessions: [{role: Admin, verdict: allowed}]}`, "missing: session, role Admin, verdict allowed"},
		{"another verdict", `
  - name: x
    facts: [{assume: {user: ada@example.com, account: prod, role: Admin, at: 2026-03-02T09:00:00Z}}]
    expect: {sessions: [{role: Admin, verdict: allowed}], ignore: [unattributed, no_grant, no_sign_on]}`, "not expected: session of"},
		{"through Identity Center", `
  - name: x
    facts:
      - sign_on: {user: ada@example.com, provider: idc, at: 2026-03-02T09:00:00Z}
      - assume: {user: ada@example.com, provider: idc, account: prod, role: Admin, at: 2026-03-02T09:00:05Z}
    expect: {findings: []}`, "not expected: no_grant"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			results, err := run(t, tt.test)
			if err != nil {
				t.Fatal(err)
			}
			if all := strings.Join(results[0].Problems, "\n"); !strings.Contains(all, tt.want) {
				t.Errorf("problems:\n%s\nwant %q", all, tt.want)
			}
		})
	}
}

func TestABadSuiteSaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct{ name, test, want string }{
		{"unknown key", "  - {name: x, fact: []}", "fact"},
		{"no name", "  - {facts: [{add: {user: a, group: g, at: 2026-03-02T09:00:00Z}}]}", "tests[0].name is missing"},
		{"name twice", "  - {name: x, facts: [{add: {user: a, group: g, at: 2026-03-02T09:00:00Z}}]}\n  - {name: x, facts: [{add: {user: a, group: g, at: 2026-03-02T09:00:00Z}}]}", `two tests are named "x"`},
		{"nothing happens", "  - {name: x}", "no facts and no events"},
		{"two in one", "  - {name: x, facts: [{add: {user: a, group: g, at: 2026-03-02T09:00:00Z}, remove: {user: a, group: g, at: 2026-03-02T09:00:00Z}}]}", "write one of add, remove"},
		{"no user", "  - {name: x, facts: [{add: {group: g, at: 2026-03-02T09:00:00Z}}]}", "user is missing"},
		{"no time", "  - {name: x, facts: [{add: {user: a, group: g}}]}", "at is missing"},
		{"no rule", "  - {name: x, facts: [{add: {user: a, group: g, at: 2026-03-02T09:00:00Z}}], expect: {findings: [{status: open}]}}", "a finding without its rule"},
		{"unknown account", "  - {name: x, facts: [{assume: {user: a, account: lab, role: r, at: 2026-03-02T09:00:00Z}}]}", `account "lab" is no id`},
		{"unknown provider", "  - {name: x, facts: [{sign_on: {user: a, provider: no, at: 2026-03-02T09:00:00Z}}]}", `no provider "no"`},
		{"unknown factor", "  - {name: x, facts: [{sign_on: {user: a, factor: sms, at: 2026-03-02T09:00:00Z}}]}", `factor "sms"`},
		{"call before", "  - {name: x, facts: [{call: {user: a, account: prod, role: r, at: 2026-03-02T09:00:00Z}}]}", "has not assumed r"},
		{"bad event", "  - {name: x, events: {okta: [{uuid: 1}]}}", "cannot be read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := run(t, tt.test); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
