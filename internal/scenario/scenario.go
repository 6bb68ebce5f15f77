// Package scenario reads the scenarios that readers and engine are measured
// by: events as Okta and CloudTrail write them, approvals, what Okta listed, a
// policy, coverage, and what must come out. A scenario is one txtar file;
// testdata/README.md describes it.
package scenario

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"golang.org/x/tools/txtar"

	"jitaudit/schemas"
)

// DefaultPolicy is the file beside the scenarios that stands in where a
// scenario brings no policy of its own.
const DefaultPolicy = "policy.yaml"

// Org is the Okta org that the section okta.ndjson comes from.
const Org = "example"

// Feed is the approvals feed that the section approvals.ndjson comes from.
const Feed = "tickets"

// Scenario is one file, parsed.
type Scenario struct {
	// Name is the file's name without its extension.
	Name string
	// Domain is the section of docs/domain.md that the scenario rests on.
	Domain string
	// What says in one sentence what happens and what must come out.
	What string
	// Policies are YAML documents, in the order in which they were given.
	Policies [][]byte
	// Okta holds events of the org Org, CloudTrail those of all accounts.
	Okta, CloudTrail []byte
	// OtherOrgs holds Okta events of further orgs, by the org's name.
	OtherOrgs map[string][]byte
	// Approvals holds records of the feed Feed (schemas.ApprovalRecord), and
	// Snapshots what Okta listed (schemas.Member, schemas.Snapshot, each with its
	// org), one JSON object per line; nil where the scenario has none.
	Approvals, Snapshots []byte
	Coverage             []schemas.Coverage
	Want                 Want
}

// Load reads every scenario (*.txtar) at the top of fsys, sorted by name.
func Load(fsys fs.FS) ([]Scenario, error) {
	policy, err := fs.ReadFile(fsys, DefaultPolicy)
	if err != nil {
		return nil, fmt.Errorf("read the default policy: %w", err)
	}
	files, err := fs.Glob(fsys, "*.txtar")
	if err != nil {
		return nil, fmt.Errorf("list scenarios: %w", err)
	}
	all := make([]Scenario, 0, len(files))
	for _, file := range files {
		data, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("read scenario: %w", err)
		}
		s, err := Parse(strings.TrimSuffix(path.Base(file), ".txtar"), data)
		if err != nil {
			return nil, fmt.Errorf("parse scenario %s: %w", file, err)
		}
		if len(s.Policies) == 0 {
			s.Policies = [][]byte{policy}
		}
		all = append(all, s)
	}
	return all, nil
}

// Parse reads one scenario. It has no policies when the file brings none.
func Parse(name string, data []byte) (Scenario, error) {
	s := Scenario{Name: name}
	ar := txtar.Parse(data)
	if err := s.comment(string(ar.Comment)); err != nil {
		return Scenario{}, err
	}
	seen := make(map[string]bool)
	for _, f := range ar.Files {
		if seen[f.Name] {
			return Scenario{}, fmt.Errorf("section %q stands twice: merge the two", f.Name)
		}
		seen[f.Name] = true
		if err := s.section(f); err != nil {
			return Scenario{}, err
		}
	}
	for _, name := range []string{"coverage", "want.json"} {
		if !seen[name] {
			return Scenario{}, fmt.Errorf("section %q is missing: add it, empty if need be", name)
		}
	}
	return s, nil
}

func (s *Scenario) comment(text string) error {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "domain":
			s.Domain = value
		case "what":
			s.What = value
		default:
			return fmt.Errorf("comment line %q: want domain: or what:", line)
		}
	}
	if s.Domain == "" || s.What == "" {
		return fmt.Errorf("the comment must give domain: and what: (got %q)", text)
	}
	return nil
}

func (s *Scenario) section(f txtar.File) (err error) {
	switch name := f.Name; {
	case name == "policy.yaml", strings.HasPrefix(name, "policy-") && strings.HasSuffix(name, ".yaml"):
		s.Policies = append(s.Policies, f.Data)
	case name == "okta.ndjson":
		s.Okta = f.Data
	case strings.HasPrefix(name, "okta-") && strings.HasSuffix(name, ".ndjson"):
		if s.OtherOrgs == nil {
			s.OtherOrgs = make(map[string][]byte)
		}
		s.OtherOrgs[strings.TrimSuffix(strings.TrimPrefix(name, "okta-"), ".ndjson")] = f.Data
	case name == "cloudtrail.json":
		s.CloudTrail = f.Data
	case name == "approvals.ndjson":
		s.Approvals = f.Data
	case name == "snapshots.ndjson":
		s.Snapshots = f.Data
	case name == "coverage":
		s.Coverage, err = parseCoverage(f.Data)
	case name == "want.json":
		s.Want, err = parseWant(f.Data)
	default:
		err = fmt.Errorf("section %q is not known", name)
	}
	return err
}

func parseCoverage(data []byte) ([]schemas.Coverage, error) {
	all := []schemas.Coverage{} // not nil: an empty section says that nothing is covered
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("coverage line %q: want SHARD FROM TO", strings.TrimSpace(line))
		}
		from, err := time.Parse(time.RFC3339, fields[1])
		if err != nil {
			return nil, fmt.Errorf("coverage of %s: from: %w", fields[0], err)
		}
		to, err := time.Parse(time.RFC3339, fields[2])
		if err != nil {
			return nil, fmt.Errorf("coverage of %s: to: %w", fields[0], err)
		}
		if !from.Before(to) {
			return nil, fmt.Errorf("coverage of %s: %s is not before %s", fields[0], fields[1], fields[2])
		}
		all = append(all, schemas.Coverage{
			Shard: fields[0], From: from.UTC(), To: to.UTC(), Basis: schemas.CoverageAssumed,
		})
	}
	return all, nil
}

func parseWant(data []byte) (Want, error) {
	var w Want
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w); err != nil {
		return Want{}, fmt.Errorf("want.json: %w", err)
	}
	if w.Sessions == nil || w.Findings == nil {
		return Want{}, fmt.Errorf("want.json: sessions and findings must be given, [] for none")
	}
	for _, s := range w.Sessions {
		if s["start"] == nil || s["role"] == nil || s["person"] == nil {
			return Want{}, fmt.Errorf("want.json: a session needs start, role and person (got %s)", text(s))
		}
	}
	for _, f := range w.Findings {
		if f["rule"] == nil || f["anchor"] == nil || f["status"] == nil || f["evidence"] == nil {
			return Want{}, fmt.Errorf("want.json: a finding needs rule, anchor, status and evidence (got %s)", text(f))
		}
	}
	return w, nil
}
