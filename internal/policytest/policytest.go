// Package policytest runs the tests of a policy: given these events, these
// findings. The events go through the readers and the engine that a scan uses.
package policytest

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"jitaudit/schemas"
)

// Suite is one file of tests.
type Suite struct {
	// File is where it was read from.
	File string `yaml:"-"`
	// Policy is the file of the policy, relative to the suite's; several judge each
	// from its effective_from on.
	Policy Paths  `yaml:"policy"`
	Tests  []Test `yaml:"tests"`
}

// Paths is one path or a list.
type Paths []string

// UnmarshalYAML reads a text or a list of texts.
func (p *Paths) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*p = Paths{n.Value}
		return nil
	}
	var list []string
	if err := n.Decode(&list); err != nil {
		return fmt.Errorf("line %d: policy is a path or a list of paths", n.Line)
	}
	*p = list
	return nil
}

// Test is one case.
type Test struct {
	Name string `yaml:"name"`
	// Org is the Okta org of the events; by default the first of the policy.
	Org string `yaml:"org"`
	// Facts are events in short, Events as Okta and AWS write them.
	Facts  []Fact `yaml:"facts"`
	Events Events `yaml:"events"`
	// Complete is where all logs are complete; by default from three days before the
	// first event to three days after the last.
	Complete *Window `yaml:"complete"`
	Expect   Expect  `yaml:"expect"`
}

// Window is [From, To).
type Window struct {
	From time.Time `yaml:"from"`
	To   time.Time `yaml:"to"`
}

// Events are events in full.
type Events struct {
	Okta       []map[string]any `yaml:"okta"`
	CloudTrail []map[string]any `yaml:"cloudtrail"`
	Approvals  []map[string]any `yaml:"approvals"`
}

// Expect is what must come out.
type Expect struct {
	// Findings are all that come out, but for those of the rules that Ignore names.
	Findings []Finding `yaml:"findings"`
	Ignore   []string  `yaml:"ignore"`
	// Sessions, where given, are all sessions.
	Sessions []Session `yaml:"sessions"`
}

// Finding is what is expected of one; what is left out may be anything.
type Finding struct {
	Rule       string `yaml:"rule"`
	Status     string `yaml:"status"`
	Severity   string `yaml:"severity"`
	Person     string `yaml:"person"`
	Account    string `yaml:"account"`
	Role       string `yaml:"role"`
	Suppressed *bool  `yaml:"suppressed"`
}

// Session is what is expected of one; what is left out may be anything.
type Session struct {
	Person  string `yaml:"person"`
	Account string `yaml:"account"`
	Role    string `yaml:"role"`
	Verdict string `yaml:"verdict"`
	MFA     string `yaml:"mfa"`
}

// Parse reads a suite strictly.
func Parse(file string, data []byte) (*Suite, error) {
	s := &Suite{File: file}
	if err := yaml.Load(data, s, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, tidy(err))
	}
	if len(s.Policy) == 0 {
		return nil, fmt.Errorf("%s: policy is missing: name the policy's file, relative to this one", file)
	}
	if len(s.Tests) == 0 {
		return nil, fmt.Errorf("%s: tests is missing: there is nothing to run", file)
	}
	names := map[string]bool{}
	for i := range s.Tests {
		t := &s.Tests[i]
		switch {
		case t.Name == "":
			return nil, fmt.Errorf("%s: tests[%d].name is missing", file, i)
		case names[t.Name]:
			return nil, fmt.Errorf("%s: two tests are named %q", file, t.Name)
		case len(t.Facts)+len(t.Events.Okta)+len(t.Events.CloudTrail)+len(t.Events.Approvals) == 0:
			return nil, fmt.Errorf("%s: test %q has no facts and no events", file, t.Name)
		}
		names[t.Name] = true
		for j := range t.Facts {
			if err := t.Facts[j].check(); err != nil {
				return nil, fmt.Errorf("%s: test %q: facts[%d]: %w", file, t.Name, j, err)
			}
		}
		for _, f := range t.Expect.Findings {
			if f.Rule == "" {
				return nil, fmt.Errorf("%s: test %q: a finding without its rule", file, t.Name)
			}
		}
	}
	return s, nil
}

// tidy makes one line of an error of the YAML reader.
func tidy(err error) error { return errors.New(strings.Join(strings.Fields(err.Error()), " ")) }

// Policies are the files of the policy, as seen from where the suite's file is named.
func (s *Suite) Policies() []string {
	out := make([]string, len(s.Policy))
	for i, p := range s.Policy {
		if out[i] = p; !filepath.IsAbs(p) {
			out[i] = filepath.Join(filepath.Dir(s.File), p)
		}
	}
	return out
}

// Result is what became of one test.
type Result struct {
	Test string
	// Problems say what differs; empty when it passed.
	Problems []string
}

func (f *Finding) fits(got *schemas.Finding, account string) bool {
	return f.Rule == got.Rule && open(f.Status, string(got.Status)) && open(f.Severity, string(got.Severity)) &&
		openFold(f.Person, got.Person.Name) && (open(f.Account, got.Account) || account == got.Account && account != "") && open(f.Role, got.Role) &&
		(f.Suppressed == nil || *f.Suppressed == (got.Suppressed != nil))
}

func (s *Session) fits(got *schemas.Session, account string) bool {
	return openFold(s.Person, got.Person.Name) && (open(s.Account, got.Account) || account == got.Account && account != "") && open(s.Role, got.Role) &&
		open(s.Verdict, string(got.Verdict)) && open(s.MFA, string(got.MFA))
}

// open is for what is expected: it may be left out, or must be the same.
func open(want, got string) bool { return want == "" || want == got }

func openFold(want, got string) bool { return want == "" || strings.EqualFold(want, got) }
