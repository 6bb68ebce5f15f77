// Package explain tells of one session or finding in plain words: what was seen
// when, what was expected, which rule, grant and join key decided, by which
// events, how sure that is, and what is not known.
package explain

import (
	"slices"
	"time"

	"jitaudit/schemas"
)

// Subject is a session or finding with all that the results say around it.
type Subject struct {
	// Finding is what is asked about; nil when it is the session.
	Finding *schemas.Finding
	// Session is nil for a finding that is about none.
	Session *schemas.Session
	// Assumptions are the session's; Grants those that it used, or that the
	// finding names.
	Assumptions []schemas.Assumption
	Grants      []schemas.Grant
	// Findings are those of the session and of its grants.
	Findings []schemas.Finding
	// Triage are the decisions about those findings.
	Triage []schemas.Triage
	Counts schemas.ActivityCounts
	// Coverage is where the logs are complete.
	Coverage []schemas.Coverage
}

// Explanation is what there is to say.
type Explanation struct {
	// Headline is one sentence.
	Headline string `json:"headline"`
	// Facts are who, where, when, on what ground.
	Facts []Fact `json:"facts"`
	// Timeline is what was seen, by time.
	Timeline []Moment `json:"timeline"`
	// Findings are what is wrong, the one that was asked about first.
	Findings []Judgement `json:"findings"`
	// Unknown are rules that could not be judged, and why.
	Unknown []string `json:"unknown,omitempty"`
	// Coverage says for each log that matters up to where it is complete.
	Coverage []string `json:"coverage,omitempty"`
	// Policy is the id of the policy that judged.
	Policy string `json:"policy"`
}

// Fact is one answer.
type Fact struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// Moment is something that was seen.
type Moment struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	// Event is the id of the event that proves it; empty for what follows from
	// others.
	Event string `json:"event,omitempty"`
}

// Judgement is a finding with the rule behind it.
type Judgement struct {
	Finding  schemas.Finding `json:"finding"`
	Title    string          `json:"title"`
	Expected string          `json:"expected"`
	Sure     string          `json:"sure"`
	// Triage is what was decided last; nil for nothing.
	Triage *schemas.Triage `json:"triage,omitempty"`
}

// Of explains a subject.
func Of(s *Subject) Explanation {
	e := Explanation{Headline: s.headline(), Timeline: s.timeline(), Unknown: s.unknown(), Coverage: s.coverage()}
	switch {
	case s.Session != nil:
		e.Facts, e.Policy = s.sessionFacts(), s.Session.Policy
	case s.Finding != nil:
		e.Facts, e.Policy = s.findingFacts(), s.Finding.Policy
	}
	for _, f := range s.ordered() {
		e.Findings = append(e.Findings, s.judgement(f))
	}
	return e
}

// ordered are the findings, the one that was asked about first.
func (s *Subject) ordered() []schemas.Finding {
	var out []schemas.Finding
	if s.Finding != nil {
		out = append(out, *s.Finding)
	}
	for _, f := range s.Findings {
		if s.Finding == nil || f.ID != s.Finding.ID {
			out = append(out, f)
		}
	}
	return out
}

func (s *Subject) person() schemas.Person {
	if s.Session != nil {
		return s.Session.Person
	}
	return s.Finding.Person
}

// latest is what was decided last about a finding.
func (s *Subject) latest(finding string) *schemas.Triage {
	var last *schemas.Triage
	for i := range s.Triage {
		if t := &s.Triage[i]; t.Finding == finding && (last == nil || t.At.After(last.At) || t.At.Equal(last.At) && t.ID > last.ID) {
			last = t
		}
	}
	return last
}

func (s *Subject) grant(id string) *schemas.Grant {
	if i := slices.IndexFunc(s.Grants, func(g schemas.Grant) bool { return g.ID == id }); i >= 0 {
		return &s.Grants[i]
	}
	return nil
}
