package policytest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	_ "time/tzdata"

	"jitaudit/correlate/policy"
)

// policies reads policies as the program does.
func policies(files []string) (*policy.Set, error) {
	var all []*policy.Policy
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		p, err := policy.Parse(name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return policy.NewSet(all...)
}

func TestTheExamplePasses(t *testing.T) {
	const file = "../../examples/policy_test.yaml"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(file, data, policies)
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		for _, p := range r.Problems {
			t.Errorf("%s: %s", r.Test, p)
		}
	}
	if want := strings.Count(string(data), "\n  - name: "); len(results) != want || want < 4 {
		t.Errorf("%d tests ran, want %d", len(results), want)
	}
}

const small = `
accounts: {prod: "111111111111"}
providers: [{name: okta, arn: 'arn:aws:iam::*:saml-provider/Okta', federation: direct, okta_org: example, apps: [0oa1]}, {name: idc, arn: 'arn:aws:iam::*:saml-provider/AWSSSO_*', federation: identity_center, okta_org: example, apps: [0oa2]}]
groups: [{match: 'AWS-(?P<alias>\w+)-(?P<role>\w+)', duration: 1h}]
watched: [{accounts: [prod]}]
suppressions: [{rule: manual_grant, reason: r, owner: o, until: 2026-03-01T00:00:00Z}]
`

// folder holds the small policy p.yaml and the given files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	files["p.yaml"] = small
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load reads the tests of a text under the small policy. They begin on line 3.
func load(t *testing.T, text string, files map[string]string) (*Suite, error) {
	t.Helper()
	dir := folder(t, files)
	t.Chdir(dir)
	return Load("t.yaml", []byte("policy: p.yaml\ntests:\n"+text), policies)
}

func run(t *testing.T, text string, files map[string]string) []Result {
	t.Helper()
	s, err := load(t, text, files)
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return results
}

// Each case is the facts and expectations of one test. What is in want is all that
// is told, by the beginnings of its lines; nothing means that the test passes.
func TestWhatIsExpectedIsHeldAgainstWhatComesOut(t *testing.T) {
	const (
		added    = "add: {id: given, user: ada@example.com, group: AWS-prod-Admin, by: boss@example.com, at: 2026-03-02T09:00:00Z}"
		removed  = "remove: {user: ada@example.com, group: AWS-prod-Admin, at: 2026-03-02T10:00:00Z}"
		signedOn = "sign_on: {user: ada@example.com, at: 2026-03-02T09:05:00Z}"
		assumed  = "assume: {id: entered, user: ada@example.com, account: prod, role: Admin, at: 2026-03-02T09:05:10Z, hours: 0.5}"
		called   = "call: {user: ada@example.com, account: prod, role: Admin, at: 2026-03-02T09:10:00Z}"
	)
	for _, tt := range []struct {
		name   string
		facts  []string
		expect string
		want   []string
	}{
		{"all as expected", []string{added, removed, signedOn, assumed, called}, "{findings: [{rule: manual_grant}]}", nil},
		{"in another order", []string{called, assumed, signedOn, removed, added}, "{findings: [{rule: manual_grant}], sessions: [{person: ADA@example.com, account: prod, role: Admin, verdict: allowed, mfa: 'yes'}]}", nil},
		{"by its anchor", []string{added, removed, signedOn, assumed}, "{findings: [{rule: manual_grant, anchor: given, suppressed: false, person: ada@example.com}]}", nil},
		{"one more", []string{added, removed, signedOn, assumed}, "{findings: []}", []string{"not expected: manual_grant (high, open): "}},
		{"one more, ignored", []string{added, removed, signedOn, assumed}, "{ignore: [manual_grant]}", nil},
		{"one more, of no rule that matters", []string{added, removed, signedOn, assumed}, "{none: [no_grant]}", nil},
		{"one more, of a rule that matters", []string{added, removed, signedOn, assumed}, "{none: [no_grant, manual_grant]}", []string{"not expected: manual_grant (high, open): "}},
		{"one less", []string{signedOn}, "{findings: [{rule: no_mfa, severity: high, suppressed: true}]}", []string{"missing: finding no_mfa, severity high, suppressed true (line 4)"}},
		{"otherwise", []string{added, removed, signedOn, assumed}, "{findings: [{rule: manual_grant, severity: low, anchor: entered}]}",
			[]string{"differs: finding manual_grant (line 4): severity: expected low, got high; anchor: expected entered, got given: "}},
		{"the vague one leaves the other to the precise one", []string{added, removed, signedOn, assumed, "add: {id: again, user: bob@example.com, group: AWS-prod-Admin, by: boss@example.com, at: 2026-03-02T09:00:00Z}"},
			"{findings: [{rule: manual_grant}, {rule: manual_grant, person: ada@example.com}], ignore: [unused_grant, lingering_membership]}", nil},
		{"twice, came once", []string{added, removed, signedOn, assumed}, "{findings: [{rule: manual_grant}, {rule: manual_grant}]}", []string{"missing: finding manual_grant (line 4)"}},
		{"suppressed until later", []string{strings.ReplaceAll(added, "03-02", "02-02"), strings.ReplaceAll(removed, "03-02", "02-02")},
			"{findings: [{rule: manual_grant, suppressed: true}], ignore: [unused_grant]}", nil},
		{"a session less", []string{signedOn}, "{sessions: [{role: Admin, verdict: allowed}]}", []string{"missing: session, role Admin, verdict allowed (line 4)"}},
		{"a session more", []string{added, removed, signedOn, assumed}, "{sessions: [], ignore: [manual_grant]}", []string{"not expected: session of ada@example.com as Admin in 111111111111, verdict allowed"}},
		{"another verdict", []string{assumed}, "{sessions: [{role: Admin, verdict: allowed}], none: [no_mfa]}", []string{"differs: session (line 4): verdict: expected allowed, got finding"}},
		{"a password alone", []string{added, removed, strings.Replace(signedOn, "at:", "factor: password, at:", 1), assumed}, "{findings: [{rule: no_mfa}], ignore: [manual_grant]}", nil},
		{"no factor at all", []string{added, removed, strings.Replace(signedOn, "at:", "factor: none, at:", 1), assumed}, "{findings: [{rule: no_mfa}], ignore: [manual_grant], sessions: [{mfa: 'no'}]}", nil},
		{"through Identity Center, with calls", []string{added, removed, strings.Replace(signedOn, "at:", "provider: idc, at:", 1), strings.Replace(assumed, "account:", "provider: idc, account:", 1), called},
			"{ignore: [manual_grant], sessions: [{account: '111111111111', role: Admin, verdict: allowed}]}", nil},
		{"by the application", []string{added, removed, strings.Replace(signedOn, "at:", "app: 0oa2, at:", 1), strings.Replace(assumed, "account:", "provider: idc, account:", 1)},
			"{ignore: [manual_grant], sessions: [{verdict: allowed}]}", nil},
		{"to another application of the same name", []string{added, removed, strings.Replace(signedOn, "at:", "provider: okta, app: 0oa9, at:", 1), assumed}, "{findings: [{rule: no_sign_on}], ignore: [manual_grant, unattributed]}", nil},
		{"beside the sign-on of another", []string{added, removed, signedOn, strings.ReplaceAll(signedOn, "ada@", "bob@"), assumed}, "{ignore: [manual_grant], sessions: [{verdict: allowed}]}", nil},
		{"calls are of their own role", []string{added, removed, signedOn, assumed, strings.Replace(assumed, "id: entered, user: ada@example.com, account: prod, role: Admin", "user: ada@example.com, account: prod, role: Reader", 1), "call: {user: ada@example.com, account: prod, role: Admin, at: 2026-03-02T10:30:00Z}"},
			"{none: [outlived_grant], findings: [{rule: outlived_grant, role: Admin}]}", nil},
		{"approved", []string{signedOn, assumed, "approve: {user: ada@example.com, by: boss@example.com, account: prod, role: Admin, at: 2026-03-02T09:00:00Z, from: 2026-03-02T09:00:00Z, until: 2026-03-02T10:00:00Z, reason: r}"},
			"{sessions: [{verdict: allowed}]}", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			problems := run(t, "  - {name: x, facts: [{"+strings.Join(tt.facts, "}, {")+"}],\n     expect: "+tt.expect+"}", map[string]string{})[0].Problems
			if len(problems) != len(tt.want) {
				t.Fatalf("told:\n%s\nwant %q", strings.Join(problems, "\n"), tt.want)
			}
			for i := range problems {
				if !strings.HasPrefix(problems[i], tt.want[i]) {
					t.Errorf("told %q, want %q…", problems[i], tt.want[i])
				}
			}
		})
	}
}

const (
	assumption = `{"eventVersion":"1.08","eventID":"e1","eventTime":"2026-03-02T09:05:10Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRoleWithSAML","awsRegion":"eu-west-1","recipientAccountId":"333333333333",
 "userIdentity":{"type":"SAMLUser","userName":"ada@example.com"},"requestParameters":{"roleArn":"arn:aws:iam::333333333333:role/Admin","roleSessionName":"ada@example.com","principalArn":"arn:aws:iam::333333333333:saml-provider/Okta"},
 "responseElements":{"credentials":{"accessKeyId":"ASIA1","expiration":"Mar 2, 2026, 10:05:10 AM"},"assumedRoleUser":{"assumedRoleId":"AROA1:ada@example.com","arn":"arn:aws:sts::333333333333:assumed-role/Admin/ada@example.com"}}}`
	addition = `{"uuid":"o1","published":"2026-03-02T09:00:00.000Z","eventType":"group.user_membership.add","actor":{"id":"0oa","type":"SystemPrincipal"},"outcome":{"result":"SUCCESS"},"target":[{"id":"00u1","type":"User","alternateId":"ada@example.com"},{"id":"00g1","type":"UserGroup","displayName":"AWS-prod-Admin"}]}`
)

func TestEventsInFull(t *testing.T) {
	files := func() map[string]string {
		return map[string]string{"records.json": `{"Records":[` + assumption + `]}`, "log.ndjson": addition + "\n" + strings.ReplaceAll(addition, "o1", "o2"), "page.json": "[" + addition + "]"}
	}
	for _, tt := range []struct{ name, events, expect, want string }{
		{"a file of CloudTrail, in an account that nobody names", "{cloudtrail: [records.json]}", "{sessions: [{account: '333333333333'}], none: []}", ""},
		{"lines, and a page", "{okta: [log.ndjson, page.json]}", "{findings: [{rule: unused_grant, account: prod}], ignore: [lingering_membership]}", ""},
		{"in the suite itself", `
        okta:
          - uuid: o7
            published: 2026-03-02T09:00:00Z
            eventType: group.user_membership.add
            actor: {id: 00u7, type: User, alternateId: boss@example.com}
            outcome: {result: SUCCESS}
            target:
              - {id: 00u1, type: User, alternateId: ada@example.com}
              - {id: 00g1, type: UserGroup, displayName: AWS-prod-Admin}`, "{findings: [{rule: manual_grant, anchor: o7}], none: [manual_grant]}", ""},
		{"no event", "{okta: [{uuid: 1}]}", "{}", "cannot be read: events.okta[0] (line 4): "},
		{"no event behind one", "\n      okta: [log.ndjson, \n             {uuid: 1}]", "{}", "cannot be read: events.okta[1] (line 6): "},
		{"a decision that is none", "{approvals: [{id: a1}]}", "{}", "cannot be read: events.approvals[0] (line 4): "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			problems := run(t, "  - name: x\n    events: "+tt.events+"\n    expect: "+tt.expect, files())[0].Problems
			got := strings.Join(problems, "\n")
			if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) {
				t.Errorf("told:\n%s\nwant %q", got, tt.want)
			}
		})
	}
}

func TestWhatIsNotCoveredIsNotJudged(t *testing.T) {
	for _, tt := range []struct{ name, covered, want string }{
		{"by default all", "", "missing: finding no_grant"},
		{"nothing of Okta", "coverage: [{shard: aws/111111111111/us-east-1, from: 2026-03-01T00:00:00Z, to: 2026-03-09T00:00:00Z}]", "it could not be judged (gap okta/example)"},
		{"not as far back", "complete: {from: 2026-03-02T09:00:00Z, to: 2026-03-09T00:00:00Z}", "it could not be judged (before_coverage okta/example)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := "  - name: x\n    facts: [{assume: {user: ada@example.com, account: prod, role: Admin, at: 2026-03-02T09:05:10Z}}]\n    " + tt.covered +
				"\n    expect: {findings: [{rule: no_grant, person: nobody@example.com}, {rule: no_grant}], none: [no_grant]}"
			if got := strings.Join(run(t, text, map[string]string{})[0].Problems, "\n"); !strings.Contains(got, tt.want) {
				t.Errorf("told:\n%s\nwant %q", got, tt.want)
			}
		})
	}
}

func TestABadSuiteSaysWhatIsWrongAndWhere(t *testing.T) {
	const at = "at: 2026-03-02T09:00:00Z"
	const fine = "facts: [{add: {user: a, group: g, " + at + "}}]"
	for _, tt := range []struct{ name, test, want string }{
		{"unknown key", "  - {name: x, fact: [], expect: {}}", `t.yaml:3: unknown key "fact" in tests[0], did you mean "facts"?`},
		{"key twice", "  - {name: x, name: y, " + fine + ", expect: {}}", `t.yaml:3: key "name" in tests[0] stands twice, first on line 3`},
		{"no name", "  - {" + fine + ", expect: {}}", "t.yaml:3: tests[0].name is missing"},
		{"no expectation", "  - {name: x, " + fine + "}", "t.yaml:3: tests[0].expect is missing"},
		{"no value", "  - {name: x, " + fine + ", expect: }", "t.yaml:3: tests[0].expect has no value"},
		{"name twice", "  - {name: x, " + fine + ", expect: {}}\n  - {name: x, " + fine + ", expect: {}}", `t.yaml:4: tests[1].name: "x" is the name of the test on line 3, too`},
		{"nothing happens", "  - {name: x, expect: {}}", "t.yaml:3: tests[0]: nothing happens"},
		{"no tests", "  []", "t.yaml:1: tests is an empty list"},
		{"a list where a mapping is", "  - [x]", "t.yaml:3: tests[0] must be a mapping (key: value), not a list"},
		{"a mapping where a list is", "  {x: y}", "t.yaml:3: tests must be a list, not a mapping"},
		{"no YAML", "  - {name: x", "t.yaml:4: not YAML: "},
		{"another org", "  - {name: x, org: exampel, " + fine + ", expect: {}}", `t.yaml:3: tests[0].org: "exampel" is no okta_org of the policy, did you mean "example"?`},
		{"two in one", "  - {name: x, facts: [{add: {user: a, group: g, " + at + "}, remove: {user: a, group: g, " + at + "}}], expect: {}}", "t.yaml:3: tests[0].facts[0]: write one of add, remove"},
		{"no user", "  - {name: x, facts: [{add: {group: g, " + at + "}}], expect: {}}", "t.yaml:3: tests[0].facts[0].add.user is missing"},
		{"no time", "  - {name: x, facts: [{add: {user: a, group: g}}], expect: {}}", "t.yaml:3: tests[0].facts[0].add.at is missing"},
		{"a time that is none", "  - {name: x, facts: [{add: {user: a, group: g, at: noon}}], expect: {}}", `t.yaml:3: tests[0].facts[0].add.at: "noon" is no time`},
		{"an id twice", "  - {name: x, facts: [{add: {id: i, user: a, group: g, " + at + "}}, {remove: {id: i, user: a, group: g, " + at + "}}], expect: {}}", `t.yaml:3: tests[0].facts[1].remove.id: "i" is the id of an earlier event`},
		{"no length", "  - {name: x, facts: [{assume: {user: a, account: prod, role: r, hours: long, " + at + "}}], expect: {}}", `t.yaml:3: tests[0].facts[0].assume.hours: "long" is no number`},
		{"too long", "  - {name: x, facts: [{assume: {user: a, account: prod, role: r, hours: 13, " + at + "}}], expect: {}}", `hours: 13 is out of range`},
		{"unknown account", "  - {name: x, facts: [{assume: {user: a, account: lab, role: r, " + at + "}}], expect: {}}", `t.yaml:3: facts[0].account: "lab" is no account`},
		{"unknown provider", "  - {name: x, facts: [{sign_on: {user: a, provider: okat, " + at + "}}], expect: {}}", `t.yaml:3: facts[0].provider: the policy has no provider "okat", did you mean "okta"?`},
		{"an application of nobody", "  - {name: x, facts: [{sign_on: {user: a, app: 0oa7, " + at + "}}], expect: {}}", `t.yaml:3: facts[0].app: "0oa7" is no application of a provider`},
		{"unknown factor", "  - {name: x, facts: [{sign_on: {user: a, factor: sms, " + at + "}}], expect: {}}", `t.yaml:3: tests[0].facts[0].sign_on.factor: unknown value "sms", known: push, password, none`},
		{"a call before", "  - {name: x, facts: [{call: {user: a, account: prod, role: r, " + at + "}}], expect: {}}", "t.yaml:3: facts[0]: a has not assumed r in prod before"},
		{"approved for what", "  - {name: x, facts: [{approve: {user: a, account: prod, " + at + "}}], expect: {}}", "t.yaml:3: tests[0].facts[0].approve: write group, or account and role"},
		{"no rule", "  - {name: x, " + fine + ", expect: {findings: [{status: open}]}}", "t.yaml:3: tests[0].expect.findings[0].rule is missing"},
		{"unknown rule", "  - {name: x, " + fine + ", expect: {findings: [{rule: no_mfaa}]}}", `t.yaml:3: tests[0].expect.findings[0].rule: unknown value "no_mfaa", did you mean "no_mfa"?`},
		{"unknown rule ignored", "  - {name: x, " + fine + ", expect: {ignore: [\n no_mfaa]}}", `t.yaml:4: tests[0].expect.ignore[0]: unknown value "no_mfaa"`},
		{"unknown severity", "  - {name: x, " + fine + ", expect: {findings: [{rule: no_mfa, severity: hihg}]}}", `severity: unknown value "hihg", did you mean "high"?`},
		{"unknown verdict", "  - {name: x, " + fine + ", expect: {sessions: [{verdict: fine}]}}", `t.yaml:3: tests[0].expect.sessions[0].verdict: unknown value "fine"`},
		{"neither true nor false", "  - {name: x, " + fine + ", expect: {findings: [{rule: no_mfa, suppressed: maybe}]}}", `suppressed: "maybe" is neither true nor false`},
		{"all else and nothing else", "  - {name: x, " + fine + ", expect: {ignore: [no_mfa], none: [no_grant]}}", "t.yaml:3: tests[0].expect: ignore does not go with none"},
		{"two coverages", "  - {name: x, " + fine + ", complete: {from: 2026-03-02T00:00:00Z, to: 2026-03-01T00:00:00Z}, coverage: [{shard: okta, from: 2026-03-01T00:00:00Z, to: 2026-03-02T00:00:00Z}], expect: {}}", "complete does not go with coverage"},
		{"an end before its beginning", "  - {name: x, " + fine + ", complete: {from: 2026-03-02T00:00:00Z, to: 2026-03-01T00:00:00Z}, expect: {}}", "t.yaml:3: tests[0].complete: to is not after from"},
		{"no log", "  - {name: x, " + fine + ", coverage: [{shard: aws/1, from: 2026-03-01T00:00:00Z, to: 2026-03-02T00:00:00Z}], expect: {}}", `t.yaml:3: tests[0].coverage[0].shard: "aws/1" is no log`},
		{"no such file", "  - {name: x, events: {okta: [nowhere.json]}, expect: {}}", "t.yaml:3: read events: open nowhere.json"},
		{"a file of something else", "  - {name: x, events: {okta: [bad.json]}, expect: {}}", "t.yaml:3: record 1 of bad.json cannot be read: "},
		{"neither event nor file", "  - {name: x, events: {okta: [[]]}, expect: {}}", "t.yaml:3: tests[0].events.okta[0] must be an event (a mapping), or the path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.test, map[string]string{"bad.json": `{"a":}`})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v\nwant %q", err, tt.want)
			}
		})
	}
}

func TestASuiteThatIsNoSuite(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "the file is empty"},
		{"comments", "# no\n", "the file is empty"},
		{"no policy", "tests: []", "t.yaml:1: policy is missing"},
		{"no policies", "policy: []\ntests: []", "policy is an empty list"},
		{"two documents", "policy: p.yaml\n---\ntests: []", "t.yaml:2: a second YAML document"},
		{"a text", "policy", "the file must be a mapping"},
		{"another policy", "policy: q.yaml\ntests: []", "q.yaml"},
		{"laughs", "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\npolicy: p.yaml\ntests: [{name: x, expect: {}, events: {okta: [{x: *e}]}}]", "YAML aliases unfold"},
		{"itself", "policy: p.yaml\ntests: &t [{name: x, expect: {}, events: {okta: [{x: *t}]}}]", "YAML aliases unfold"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(folder(t, map[string]string{}))
			if _, err := Load("t.yaml", []byte(tt.text), policies); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// Two policies: each account and provider is that of the time of the fact.
func TestEachFactIsUnderThePolicyOfItsTime(t *testing.T) {
	dir := folder(t, map[string]string{"later.yaml": "effective_from: 2026-04-01T00:00:00Z\n" + strings.NewReplacer("duration: 1h", "duration: 12h", "name: okta", "name: direct").Replace(small)})
	t.Chdir(dir)
	text := "policy: [p.yaml, later.yaml]\ntests:\n"
	for month, provider := range map[string]string{"03": "okta", "05": "direct"} {
		text += strings.ReplaceAll(strings.ReplaceAll(`
  - name: two hours in M
    facts:
      - add: {user: ada@example.com, group: AWS-prod-Admin, at: 2026-M-02T09:00:00Z}
      - sign_on: {user: ada@example.com, provider: P, at: 2026-M-02T11:00:00Z}
      - assume: {user: ada@example.com, account: prod, role: Admin, at: 2026-M-02T11:00:10Z, hours: 0.5}
      - remove: {user: ada@example.com, group: AWS-prod-Admin, at: 2026-M-02T11:30:00Z}
    expect: {findings: []}`, "M", month), "P", provider)
	}
	s, err := Load("t.yaml", []byte(text), policies)
	if err != nil {
		t.Fatal(err)
	}
	results, err := s.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		if march := strings.HasSuffix(r.Test, "03"); strings.Contains(strings.Join(r.Problems, "\n"), "not expected: outside_grant") != march || !march && len(r.Problems) > 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestPathsAreRelativeToTheSuite(t *testing.T) {
	dir := folder(t, map[string]string{"log.json": addition})
	text := "policy: p.yaml\ntests: [{name: x, events: {okta: [log.json]}, expect: {none: []}}]"
	if _, err := Load(filepath.Join(dir, "t.yaml"), []byte(text), policies); err != nil {
		t.Error(err)
	}
}

// FuzzLoad: no input makes Load panic, and each of its errors says something.
func FuzzLoad(f *testing.F) {
	data, err := os.ReadFile("../../examples/policy_test.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("policy: p.yaml\ntests: [{name: x, events: {okta: [{a: [1, 1e999, ~, true]}]}, coverage: [{shard: okta/x, from: 2026-01-01T00:00:00Z, to: 2026-01-02T00:00:00Z}], expect: {}}]"))
	p, err := policy.Parse("p.yaml", []byte(small))
	if err != nil {
		f.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Load("t.yaml", data, func([]string) (*policy.Set, error) { return set, nil })
		if err != nil && err.Error() == "" {
			t.Fatal("an error that says nothing")
		}
	})
}
