package scenario_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/rules"
	"jitaudit/internal/scenario"
	"jitaudit/schemas"
)

func load(t *testing.T) []scenario.Scenario {
	t.Helper()
	all, err := scenario.Load(os.DirFS("testdata"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestScenariosAreWellFormed(t *testing.T) {
	numbered := regexp.MustCompile(`^\d{3}-[a-z0-9-]+$`)
	section := regexp.MustCompile(`^(1\.[1-4]|2\.[1-4]|3|4|5|6) `)
	numbers := make(map[string]string)
	for _, s := range load(t) {
		t.Run(s.Name, func(t *testing.T) {
			if !numbered.MatchString(s.Name) {
				t.Errorf("name: want NNN-words (got %q)", s.Name)
			}
			if other, ok := numbers[s.Name[:3]]; ok {
				t.Errorf("number is also that of %s", other)
			}
			numbers[s.Name[:3]] = s.Name
			if !section.MatchString(s.Domain) {
				t.Errorf("domain: want a section of docs/domain.md first (got %q)", s.Domain)
			}
			if !strings.HasSuffix(s.What, ".") {
				t.Errorf("what: want a sentence (got %q)", s.What)
			}
			events := readable(t, "okta.ndjson", s.Okta)
			for org, data := range s.OtherOrgs {
				events = append(events, readable(t, org, data)...)
			}
			events = append(events, readable(t, "cloudtrail.json", s.CloudTrail)...)
			events = append(events, readable(t, "approvals.ndjson", s.Approvals)...)
			events = append(events, listed(t, s.Snapshots)...)
			checkReferences(t, s.Want, events)
			checkFields(t, s.Want)
		})
	}
}

// readable returns the events of concatenated JSON values, of arrays and of
// {"Records": […]}.
func readable(t *testing.T, section string, data []byte) []map[string]any {
	t.Helper()
	var events []map[string]any
	dec := json.NewDecoder(bytes.NewReader(data))
	for {
		var v any
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			t.Errorf("%s: %v", section, err)
			return events
		}
		if m, ok := v.(map[string]any); ok && m["Records"] != nil {
			v = m["Records"]
		}
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, e := range list {
			if m, ok := e.(map[string]any); ok {
				events = append(events, m)
			}
		}
	}
}

// listed returns what Okta listed, with the ids that such records go by.
func listed(t *testing.T, data []byte) []map[string]any {
	t.Helper()
	var events []map[string]any
	for line := range bytes.Lines(data) {
		line = bytes.TrimSpace(line)
		events = append(events, readable(t, "snapshots.ndjson", line)...)
		sum := sha256.Sum256(line)
		events = append(events, map[string]any{"id": "sha256:" + hex.EncodeToString(sum[:])})
	}
	return events
}

// checkReferences finds events that are wanted and stand in no source.
func checkReferences(t *testing.T, w scenario.Want, events []map[string]any) {
	t.Helper()
	ids := make(map[any]bool)
	for _, e := range events {
		ids[e["uuid"]], ids[e["eventID"]], ids[e["id"]] = true, true, true
	}
	known := func(what string, id any) {
		if s, ok := id.(string); ok && !ids[s] && !strings.HasPrefix(s, "sha256:") {
			t.Errorf("%s: no event %q", what, s)
		}
	}
	for _, f := range w.Findings {
		known("anchor", f["anchor"])
		known("session of a finding", f["session"])
		known("grant of a finding", f["grant"])
		for _, id := range f["evidence"].([]any) {
			known("evidence", id)
		}
	}
	for _, s := range w.Sessions {
		known("grant of a session", s["grant"])
		for _, key := range []string{"grants", "assumptions"} {
			list, _ := s[key].([]any)
			for _, id := range list {
				known(key, id)
			}
		}
		for _, key := range []string{"sign_on", "factor"} {
			if ref, ok := s[key].(map[string]any); ok {
				known(key, ref["event_id"])
			}
		}
	}
	for _, a := range w.Assumptions {
		known("assumption", a["event_id"])
		known("sign-on of an assumption", a["sign_on"])
	}
}

// checkFields finds wanted fields that no record has, such as a misspelt one.
func checkFields(t *testing.T, w scenario.Want) {
	t.Helper()
	check := func(kind string, list []scenario.Record, typ reflect.Type) {
		fields := make(map[string]bool)
		for _, f := range reflect.VisibleFields(typ) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			fields[name] = true
		}
		for _, r := range list {
			for k := range r {
				if !fields[k] {
					t.Errorf("a %s has no field %q", kind, k)
				}
			}
		}
	}
	check("session", w.Sessions, reflect.TypeFor[schemas.Session]())
	check("finding", w.Findings, reflect.TypeFor[schemas.Finding]())
	check("grant", w.Grants, reflect.TypeFor[schemas.Grant]())
	check("assumption", w.Assumptions, reflect.TypeFor[schemas.Assumption]())
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	const head = "domain: 3 join\nwhat: Something happens.\n"
	const want = "-- want.json --\n{\"sessions\": [], \"findings\": []}\n"
	tests := []struct{ name, data, err string }{
		{"no what", "domain: 3 join\n-- coverage --\n" + want, "must give domain: and what:"},
		{"odd comment", head + "why: because\n-- coverage --\n" + want, `comment line "why: because"`},
		{"unknown section", head + "-- coverage --\n-- okta.json --\n" + want, `section "okta.json" is not known`},
		{"section twice", head + "-- coverage --\n-- coverage --\n" + want, `section "coverage" stands twice`},
		{"no coverage", head + want, `section "coverage" is missing`},
		{"no want", head + "-- coverage --\n", `section "want.json" is missing`},
		{"short coverage", head + "-- coverage --\nokta/example\n" + want, "want SHARD FROM TO"},
		{"coverage time", head + "-- coverage --\nokta/example today 2026-03-02T00:00:00Z\n" + want, "coverage of okta/example: from"},
		{"coverage order", head + "-- coverage --\nokta/example 2026-03-02T00:00:00Z 2026-03-02T00:00:00Z\n" + want, "is not before"},
		{"unknown key", head + "-- coverage --\n-- want.json --\n{\"session\": []}\n", `unknown field "session"`},
		{"no findings", head + "-- coverage --\n-- want.json --\n{\"sessions\": []}\n", "[] for none"},
		{"session without role", head + "-- coverage --\n-- want.json --\n{\"sessions\": [{\"start\": \"x\"}], \"findings\": []}\n", "a session needs start, role and person"},
		{"finding without anchor", head + "-- coverage --\n-- want.json --\n{\"sessions\": [], \"findings\": [{\"rule\": \"no_grant\"}]}\n", "a finding needs rule, anchor, status and evidence"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := scenario.Parse("001-x", []byte(tt.data))
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("want an error with %q, got %v", tt.err, err)
			}
		})
	}
}

func TestLoadTakesAllSectionsAndTheDefaultPolicyOnlyWithoutOwn(t *testing.T) {
	const head = "domain: 3 join\nwhat: Something happens.\n"
	const tail = "-- coverage --\n-- want.json --\n{\"sessions\": [], \"findings\": []}\n"
	all, err := scenario.Load(fstest.MapFS{
		"policy.yaml": {Data: []byte("default\n")},
		"001-a.txtar": {Data: []byte(head + tail)},
		"002-b.txtar": {Data: []byte(head + "-- policy.yaml --\none\n-- policy-2.yaml --\ntwo\n-- okta-other.ndjson --\n{}\n" +
			"-- approvals.ndjson --\n{\"id\": \"a\"}\n-- snapshots.ndjson --\n{\"org\": \"example\"}\n" + tail)},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := [][]string{}
	for _, s := range all {
		var policies []string
		for _, p := range s.Policies {
			policies = append(policies, string(p))
		}
		got = append(got, policies)
	}
	if diff := cmp.Diff([][]string{{"default\n"}, {"one\n", "two\n"}}, got); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	if got := string(all[1].OtherOrgs["other"]); got != "{}\n" {
		t.Errorf("events of the org other: got %q", got)
	}
	if got := string(all[1].Approvals); got != "{\"id\": \"a\"}\n" {
		t.Errorf("approvals: got %q", got)
	}
	if got := string(all[1].Snapshots); got != "{\"org\": \"example\"}\n" {
		t.Errorf("what Okta listed: got %q", got)
	}
}

func TestScenariosCoverEveryRuleBothWays(t *testing.T) {
	all, names := load(t), rules.Names()
	fires := make(map[string]int)
	for _, s := range all {
		of := make(map[any]bool)
		for _, f := range s.Want.Findings {
			of[f["rule"]] = true
		}
		for rule := range of {
			name, _ := rule.(string)
			if !slices.Contains(names, name) {
				t.Errorf("%s wants a finding of an unknown rule %q", s.Name, name)
			}
			fires[name]++
		}
	}
	for _, rule := range names {
		if fires[rule] == 0 || fires[rule] == len(all) {
			t.Errorf("%s fires in %d of %d scenarios: want it both ways", rule, fires[rule], len(all))
		}
	}
}
