package explain

import (
	"slices"
	"strings"

	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// Judgement is a finding with the rule behind it.
type Judgement struct {
	Finding schemas.Finding `json:"finding"`
	// Title, Means, Notes, Do and Controls are the rule's; Fires when it says so.
	// Expected is what ought to have been. All but Title and Expected are empty for
	// a rule that this program does not know.
	Title    string   `json:"title"`
	Means    string   `json:"means,omitempty"`
	Expected string   `json:"expected"`
	Fires    string   `json:"fires,omitempty"`
	Sure     string   `json:"sure"`
	Notes    string   `json:"does_not_prove,omitempty"`
	Do       string   `json:"what_to_do,omitempty"`
	Controls []string `json:"controls,omitempty"`
	// Evidence are the events of the finding, the one on which it hangs first.
	Evidence []Evidence `json:"evidence"`
	// Decisions are what people decided about it, by time: the last one counts.
	Decisions []schemas.Triage `json:"decisions,omitempty"`
}

// Evidence is one event of a finding.
type Evidence struct {
	Event string `json:"event"`
	// What it proves; empty where only its id is at hand.
	What string `json:"what,omitempty"`
}

func ruleOf(name string) (rules.Rule, bool) {
	all := rules.All()
	i := slices.IndexFunc(all, func(r rules.Rule) bool { return r.Name == name })
	if i < 0 {
		return rules.Rule{}, false
	}
	return all[i], true
}

func (s *Subject) judgement(f *schemas.Finding, timeline []Moment) Judgement {
	j := Judgement{Finding: *f, Title: f.Rule, Evidence: s.evidence(f, timeline), Decisions: s.decisions(f.ID)}
	r, ok := ruleOf(f.Rule)
	if !ok {
		j.Expected, j.Sure = "not known: this program has no such rule, a later version has found it", "not known"
		return j
	}
	j.Title, j.Means, j.Expected, j.Notes, j.Do, j.Controls = r.Title, r.Means, expected(r.Name), r.Notes, r.Do, r.Controls
	j.Fires, j.Sure = "It fires when "+r.Fires, sure(&r, f.Status)
	if f.Status == schemas.Retracted {
		j.Notes, j.Do = "", "" // there is nothing to prove, or to do
	}
	return j
}

// sure says what a finding rests on: on what was seen, or on what is missing
// where it would be.
func sure(r *rules.Rule, status schemas.Status) string {
	if status == schemas.Retracted {
		return "It does not hold: it was published and is no longer derived. What came later, an event or another policy, explains what it said."
	}
	var out string
	switch {
	case r.NotKnowing:
		out = "It says what is not known, and accuses nobody."
	case strings.HasPrefix(r.Needs, "nothing"):
		out = "It says what was seen, in the events below, and rests on nothing that is missing."
	default:
		out = "It rests on something that is missing where a log is taken to be complete. Covered had to be, and is: " +
			r.Needs + " What comes late may still retract it."
	}
	if status == schemas.Resolved {
		out += " It was true, and is over."
	}
	return out
}

// evidence tells of each event what the timeline says.
func (s *Subject) evidence(f *schemas.Finding, timeline []Moment) []Evidence {
	out := make([]Evidence, 0, len(f.Evidence))
	for _, id := range f.Evidence {
		out = append(out, Evidence{id, s.eventWords(id, timeline)})
	}
	return out
}

func (s *Subject) eventWords(id string, timeline []Moment) string {
	for i := range timeline {
		if timeline[i].Event == id {
			return timeline[i].What
		}
	}
	for i := range s.Assumptions {
		if a := &s.Assumptions[i]; a.EventID == id {
			return "assumed " + a.Role + " in " + s.accountName(a.Account) + " at " + clock(a.At)
		}
	}
	return ""
}

// decisions are those about a finding, by time.
func (s *Subject) decisions(finding string) (out []schemas.Triage) {
	for _, t := range s.Triage {
		if t.Finding == finding {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b schemas.Triage) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}
