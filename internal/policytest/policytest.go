// Package policytest runs the tests of a policy: given these events, these
// findings. The events go through the readers and the engine that a scan uses.
package policytest

import (
	"path/filepath"
	"reflect"
	"time"

	"go.yaml.in/yaml/v4"

	"jitaudit/correlate/policy"
)

// Suite is one file of tests, with the policies that they are of. It is not changed
// by being run.
type Suite struct {
	// File is where it was read from.
	File     string
	Tests    []Test
	policies *policy.Set
}

// document is the file of a suite.
type document struct {
	// Policy is the policy's file; several judge each from its effective_from on.
	Policy Paths  `key:"policy,required"`
	Tests  []Test `key:"tests,required"`
}

// Paths is one path or a list, relative to the suite's file.
type Paths []string

// read implements reader.
func (p *Paths) read(d *decoder, n *yaml.Node, path string) {
	if n.Kind == yaml.SequenceNode {
		list := []string{}
		d.into(n, reflect.ValueOf(&list).Elem(), path)
		if *p = list; len(list) == 0 {
			d.errorf(n.Line, "%s is an empty list: name at least one file", path)
		}
		return
	}
	if s, ok := d.text(n, path); ok {
		*p = Paths{s}
	}
}

// Test is one case.
type Test struct {
	Line int    // on which it begins
	Name string `key:"name,required"`
	// Org is the Okta org of the events; by default the first of the policy.
	Org string `key:"org"`
	// Facts are events in short, Events as Okta and AWS write them.
	Facts  []Fact `key:"facts"`
	Events Events `key:"events"`
	// Complete is where all logs are complete; by default from three days before the
	// first event to three days after the last. Coverage says it log by log instead.
	Complete *Window   `key:"complete"`
	Coverage []Covered `key:"coverage"`
	Expect   Expect    `key:"expect,required"`

	records records
}

// Window is [From, To).
type Window struct {
	Line int
	From time.Time `key:"from,required"`
	To   time.Time `key:"to,required"`
}

// Covered is a log, and an interval [From, To) in which all of it is there.
type Covered struct {
	Line int
	// Shard is okta/ORG or aws/ACCOUNT/REGION.
	Shard string    `key:"shard,required"`
	From  time.Time `key:"from,required"`
	To    time.Time `key:"to,required"`
}

// Events are events in full.
type Events struct {
	Okta       []Event `key:"okta"`
	CloudTrail []Event `key:"cloudtrail"`
	Approvals  []Event `key:"approvals"`
}

// Event is one event, or a file of events.
type Event struct {
	Line int
	// File is relative to the suite's; Value is the event where there is no file.
	File  string
	Value any
}

// read implements reader.
func (e *Event) read(d *decoder, n *yaml.Node, path string) {
	e.Line = n.Line
	switch n.Kind {
	case yaml.MappingNode:
		e.Value = d.plain(n, path)
	case yaml.ScalarNode:
		e.File, _ = d.text(n, path)
	default:
		d.errorf(n.Line, "%s must be an event (a mapping), or the path of a file of events", path)
	}
}

// Expect is what must come out.
type Expect struct {
	Line int
	// Findings are all that come out, but for those of the rules that Ignore names.
	Findings []Finding `key:"findings"`
	Ignore   []Rule    `key:"ignore"`
	// None, where given, are the only rules of which nothing else may come out.
	None []Rule `key:"none"`
	// Sessions, where given, are all sessions.
	Sessions []Session `key:"sessions"`
}

// Rule is the name of a rule.
type Rule struct {
	Line int
	Name string
}

// read implements reader.
func (r *Rule) read(d *decoder, n *yaml.Node, path string) {
	r.Line = n.Line
	r.Name, _ = d.text(n, path)
}

// Finding is what is expected of one; what is left out may be anything.
type Finding struct {
	Line     int
	Rule     string `key:"rule,required"`
	Status   string `key:"status"`
	Severity string `key:"severity"`
	Person   string `key:"person"`  // login
	Account  string `key:"account"` // id or name; once read, the id
	Role     string `key:"role"`
	// Anchor is the id of the event on which it hangs.
	Anchor     string `key:"anchor"`
	Suppressed *bool  `key:"suppressed"`
}

// Session is what is expected of one; what is left out may be anything.
type Session struct {
	Line    int
	Person  string `key:"person"`
	Account string `key:"account"`
	Role    string `key:"role"`
	Verdict string `key:"verdict"`
	MFA     string `key:"mfa"`
}

// Load reads a suite strictly, and the policies and events that it names, so that
// it can be run. Policies reads the policies of the given files. All errors are
// reported, joined; each is a *policy.Error and one line, but for those of policies.
func Load(file string, data []byte, policies func(files []string) (*policy.Set, error)) (*Suite, error) {
	d := &decoder{file: file}
	doc := document{}
	if root := d.root(data); root != nil {
		d.into(root, reflect.ValueOf(&doc).Elem(), "")
	}
	// Words are checked against the policy, which there is none of without its name.
	if len(doc.Policy) == 0 {
		return nil, d.err()
	}
	for i, p := range doc.Policy {
		doc.Policy[i] = beside(file, p)
	}
	set, err := policies(doc.Policy)
	if err != nil {
		return nil, err
	}
	s := &Suite{File: file, Tests: doc.Tests, policies: set}
	d.check(s)
	if len(d.errs) > 0 {
		return nil, d.err()
	}
	for i := range s.Tests {
		s.Tests[i].write(d, set)
	}
	if len(d.errs) > 0 {
		return nil, d.err()
	}
	return s, nil
}

// beside is a path as seen from where the file that names it is.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(file), path)
}
