// Package explain tells of one session or finding in plain words, for whoever
// has to answer for it: who, where, on what grant, approved by whom, with which
// second factor, what was done; what was expected, which rule says so, by which
// events, how sure that is; and what is not known.
//
// It only words what the results say. Nothing is judged here.
package explain

import (
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
	// Calls are those of the session that are evidence of a finding, as far as
	// they are at hand.
	Calls []schemas.Activity
	// Coverage is where the logs are complete.
	Coverage []schemas.Coverage
	// AccountNames are those that the policies give to accounts, by id; may be
	// nil.
	AccountNames map[string]string
}

// Explanation is what there is to say.
type Explanation struct {
	// ID is that of the session or finding.
	ID string `json:"id"`
	// Headline is one sentence.
	Headline string `json:"headline"`
	// Answers say who, where, how long, on what ground, and whether it was allowed.
	Answers []Answer `json:"answers"`
	// Onward are the further roles that the session led to, as a tree.
	Onward []Onward `json:"onward,omitempty"`
	// Findings are what is wrong, the one that was asked about first.
	Findings []Judgement `json:"findings,omitempty"`
	// Timeline is what was seen, by time.
	Timeline []Moment `json:"timeline"`
	// Unjudged are rules that could not be judged, and why.
	Unjudged []string `json:"unjudged,omitempty"`
	// Coverage says of each log that matters where it is complete.
	Coverage []Covered `json:"coverage,omitempty"`
	// Session and Grants are the records that all this is told from.
	Session *schemas.Session `json:"session,omitempty"`
	Grants  []schemas.Grant  `json:"grants,omitempty"`
	// Policy is the id of the policy that judged.
	Policy string `json:"policy"`
	// Observed is when what is told was published; zero for a scan.
	Observed time.Time `json:"observed,omitzero"`
}

// Answer is the answer to one question.
type Answer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// Of explains a subject, of which Finding or Session is set.
func Of(s *Subject) Explanation {
	e := Explanation{Timeline: s.timeline(), Unjudged: s.unjudged(), Session: s.Session, Grants: s.Grants}
	if s.Session != nil {
		e.ID, e.Policy, e.Observed = s.Session.ID, s.Session.Policy, s.Session.Observed
		e.Headline, e.Answers, e.Onward = s.sessionHeadline(), s.sessionAnswers(), s.onward()
	}
	if s.Finding != nil {
		e.ID, e.Policy, e.Observed = s.Finding.ID, s.Finding.Policy, s.Finding.Observed
		e.Headline = s.findingHeadline()
	}
	if s.Session == nil {
		e.Answers = s.findingAnswers()
	}
	for _, f := range s.ordered() {
		e.Findings = append(e.Findings, s.judgement(&f, e.Timeline))
	}
	e.Coverage = s.coverage(e.Timeline)
	return e
}

// ordered are the findings, the one that was asked about first.
func (s *Subject) ordered() []schemas.Finding {
	var out []schemas.Finding
	if s.Finding != nil {
		out = append(out, *s.Finding)
	}
	for i := range s.Findings {
		if s.Finding == nil || s.Findings[i].ID != s.Finding.ID {
			out = append(out, s.Findings[i])
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

func (s *Subject) grant(id string) *schemas.Grant {
	for i := range s.Grants {
		if s.Grants[i].ID == id {
			return &s.Grants[i]
		}
	}
	return nil
}
