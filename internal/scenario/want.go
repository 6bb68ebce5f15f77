package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// Record is a subset of a record's fields, by their JSON names. Null says that
// the field must be absent.
type Record map[string]any

// Want is what must come out. Each list is complete, each record a subset of
// its fields. Grants and Assumptions are compared where they are given.
//
// Where a field of a result holds ids of other results, Want names them by
// event: an assumption by its event, a session by the event of its earliest
// assumption, a grant by an event among its evidence.
type Want struct {
	Sessions    []Record `json:"sessions"`
	Findings    []Record `json:"findings"`
	Grants      []Record `json:"grants"`
	Assumptions []Record `json:"assumptions"`
	// Dead is the number of records that the readers refuse.
	Dead int `json:"dead"`
	// Facts is the number of facts by kind, for the kinds that are named.
	Facts map[schemas.FactKind]int `json:"facts"`
}

// Diff compares results with what is wanted and returns one sentence for each
// difference.
func (w Want) Diff(grants []schemas.Grant, assumptions []schemas.Assumption,
	sessions []schemas.Session, findings []schemas.Finding,
) []string {
	n := names{}
	for _, g := range grants {
		n[g.ID] = g.Evidence
	}
	for _, a := range assumptions {
		n[a.ID] = []string{a.EventID}
	}
	for _, s := range sessions {
		if len(s.Assumptions) > 0 {
			n[s.ID] = n[s.Assumptions[0]]
		}
	}
	var out []string
	out = append(out, compare(n, "session", w.Sessions, sessions, "start", "account", "role", "person")...)
	out = append(out, compare(n, "finding", w.Findings, findings, "rule", "anchor")...)
	if w.Grants != nil {
		out = append(out, compare(n, "grant", w.Grants, grants, "opened", "removed", "account", "role", "person", "group")...)
	}
	if w.Assumptions != nil {
		out = append(out, compare(n, "assumption", w.Assumptions, assumptions, "event_id")...)
	}
	return out
}

// compare pairs wanted records with results by the fields in keys, so far as a
// wanted record gives them, and reports what has no partner and what differs.
func compare[T any](n names, kind string, wanted []Record, results []T, keys ...string) []string {
	var out []string
	got := make([]Record, len(results))
	for i, r := range results {
		got[i] = record(r)
	}
	taken := make([]bool, len(got))
	for _, w := range wanted {
		key := Record{}
		for _, k := range keys {
			if v, ok := w[k]; ok {
				key[k] = v
			}
		}
		i := -1
		for j, g := range got {
			if !taken[j] && len(n.diff("", map[string]any(key), map[string]any(g))) == 0 {
				i = j
				break
			}
		}
		if i < 0 {
			out = append(out, fmt.Sprintf("%s %s: missing", kind, text(key)))
			continue
		}
		taken[i] = true
		for _, d := range n.diff("", map[string]any(w), map[string]any(got[i])) {
			out = append(out, fmt.Sprintf("%s %s: %s", kind, text(key), d))
		}
	}
	for i, g := range got {
		if !taken[i] {
			out = append(out, fmt.Sprintf("%s not wanted: %s", kind, text(g)))
		}
	}
	return out
}

// names gives the events by which a result's id may be called.
type names map[string][]string

// diff compares one value; path is where it stands.
func (n names) diff(path string, want, got any) []string {
	switch w := want.(type) {
	case nil:
		if got != nil {
			return []string{fmt.Sprintf("%s: want none, got %s", path, text(got))}
		}
		return nil
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return []string{fmt.Sprintf("%s: want %s, got %s", path, text(want), text(got))}
		}
		var out []string
		for _, k := range sortedKeys(w) {
			out = append(out, n.diff(strings.TrimPrefix(path+"."+k, "."), w[k], g[k])...)
		}
		return out
	case []any:
		g, _ := got.([]any)
		return n.diffList(path, w, g)
	}
	if !n.same(want, got) {
		return []string{fmt.Sprintf("%s: want %s, got %s", path, text(want), text(got))}
	}
	return nil
}

// diffList compares lists without regard to order. Evidence may hold more than
// is wanted, any other list may not.
func (n names) diffList(path string, want, got []any) []string {
	var out []string
	rest := slices.Clone(got)
	for _, w := range want {
		i := slices.IndexFunc(rest, func(g any) bool { return len(n.diff("", w, g)) == 0 })
		if i < 0 {
			out = append(out, fmt.Sprintf("%s: lacks %s, got %s", path, text(w), text(got)))
			continue
		}
		rest = slices.Delete(rest, i, i+1)
	}
	if path != "evidence" && len(rest) > 0 {
		out = append(out, fmt.Sprintf("%s: not wanted: %s", path, text(rest)))
	}
	return out
}

// same compares two scalars: instants as instants, ids also by their events.
func (n names) same(want, got any) bool {
	if want == got {
		return true
	}
	w, ok1 := want.(string)
	g, ok2 := got.(string)
	if !ok1 || !ok2 {
		return false
	}
	if slices.Contains(n[g], w) {
		return true
	}
	wt, err1 := time.Parse(time.RFC3339, w)
	gt, err2 := time.Parse(time.RFC3339, g)
	return err1 == nil && err2 == nil && wt.Equal(gt)
}

// record is v as the JSON object that leaves the program.
func record(v any) Record {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("marshal %T: %v", v, err)) // the schemas hold nothing that cannot be marshalled
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		panic(fmt.Sprintf("unmarshal %T: %v", v, err))
	}
	return r
}

func text(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
