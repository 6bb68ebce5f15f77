package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// Covered is where one log is complete around what is told.
type Covered struct {
	Shard string `json:"shard"`
	// Complete are the intervals of completeness that reach within a day of what is
	// told; Missing what they leave out of the time that it spans.
	Complete []schemas.Interval `json:"complete"`
	Missing  []Span             `json:"missing,omitempty"`
}

// Span is an interval of time.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

const around = 24 * time.Hour

// coverage tells of the logs that matter: the person's Okta org, or every one
// where nobody knows the person, the approvals, and the accounts.
func (s *Subject) coverage(timeline []Moment) (out []Covered) {
	if len(timeline) == 0 {
		return nil
	}
	first, last := timeline[0].At, timeline[len(timeline)-1].At
	shards := map[string][]schemas.Interval{}
	for _, shard := range s.neededShards() {
		shards[shard] = nil
	}
	for _, c := range s.Coverage {
		if s.matters(c.Shard) {
			shards[c.Shard] = append(shards[c.Shard], schemas.Interval{From: c.From, To: c.To, Basis: c.Basis})
		}
	}
	for shard, all := range shards {
		all = joined(all)
		c := Covered{Shard: shard, Complete: []schemas.Interval{}, Missing: missing(all, first, last)}
		for _, i := range all {
			if i.To.After(first.Add(-around)) && i.From.Before(last.Add(around)) {
				c.Complete = append(c.Complete, i)
			}
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Covered) int { return strings.Compare(a.Shard, b.Shard) })
	return out
}

// neededShards are those that must be told of even when nothing is known of them.
func (s *Subject) neededShards() (out []string) {
	if org := s.person().Org; org != "" {
		out = append(out, schemas.OktaShard(org))
	}
	if s.Session != nil {
		for _, u := range s.Session.Unjudged {
			if u.Shard != "" && !strings.HasSuffix(u.Shard, "*") {
				out = append(out, u.Shard)
			}
		}
	}
	return out
}

func (s *Subject) matters(shard string) bool {
	source, rest, _ := strings.Cut(shard, "/")
	switch source {
	case string(schemas.Okta):
		return s.person().Org == "" || rest == s.person().Org
	case string(schemas.Approvals):
		return true
	}
	account, _, _ := strings.Cut(rest, "/")
	if s.Finding != nil && s.Finding.Account == account {
		return true
	}
	return s.Session != nil && (s.Session.Account == account ||
		slices.ContainsFunc(s.Session.Chained, func(c schemas.ChainedRole) bool { return c.Account == account }))
}

// joined joins intervals that overlap or touch. What is verified in part only
// counts as assumed.
func joined(all []schemas.Interval) (out []schemas.Interval) {
	slices.SortFunc(all, func(a, b schemas.Interval) int { return a.From.Compare(b.From) })
	for _, i := range all {
		if n := len(out) - 1; n >= 0 && !i.From.After(out[n].To) {
			if i.To.After(out[n].To) {
				out[n].To = i.To
			}
			if i.Basis != out[n].Basis {
				out[n].Basis = schemas.CoverageAssumed
			}
			continue
		}
		out = append(out, i)
	}
	return out
}

// missing is what joined intervals leave out of [from, to].
func missing(all []schemas.Interval, from, to time.Time) (out []Span) {
	at := from
	for _, i := range all {
		if !i.To.After(at) {
			continue
		}
		if i.From.After(to) {
			break
		}
		if i.From.After(at) {
			out = append(out, Span{at, i.From})
		}
		at = i.To
	}
	if !at.After(to) {
		out = append(out, Span{at, to})
	}
	return out
}

func (s *Subject) unjudgedRules() (out []string) {
	for _, u := range s.Session.Unjudged {
		if !slices.Contains(out, u.Rule) {
			out = append(out, u.Rule)
		}
	}
	return out
}

// unjudged says of each rule that could not be judged why; rules with the same
// reason are told of together.
func (s *Subject) unjudged() (out []string) {
	if s.Session == nil {
		return nil
	}
	var reasons []string
	byReason := map[string][]string{}
	for _, u := range s.Session.Unjudged {
		why := map[schemas.UnjudgedReason]string{
			schemas.BeforeCoverage: "the log begins later", schemas.InGap: "the log has a hole there, or has stopped",
			schemas.Pending: "the log has not got there yet", schemas.NoProvider: "the SAML provider is not in the policy",
			schemas.NoOktaSession: "the sign-on names no Okta session",
		}[u.Reason]
		why = cmp.Or(why, string(u.Reason))
		if u.Shard != "" {
			why += fmt.Sprintf(" (needed is %s from %s to %s)", u.Shard, clock(u.From), clock(u.To))
		}
		if byReason[why] == nil {
			reasons = append(reasons, why)
		}
		byReason[why] = append(byReason[why], u.Rule)
	}
	for _, why := range reasons {
		out = append(out, strings.Join(byReason[why], ", ")+": "+why)
	}
	return out
}
