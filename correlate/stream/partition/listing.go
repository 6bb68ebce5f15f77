package partition

import (
	"slices"
	"time"

	"jitaudit/correlate"
	"jitaudit/schemas"
)

// Okta lists the members of groups several times a day, for as long as there are
// groups. Of a past that is final little of it is needed: snapshots in which
// somebody was missed, or was listed while the log shows a change; and of the
// times that a member was listed, with nothing between, the first and the last.

// settled is how long after a snapshot what Okta lists may still tell that a
// member was not missed in it: until the end of the next day.
const settled = 48 * time.Hour

// pin notes which snapshots a person needs whatever comes.
func (s *shared) pin(who *person) {
	need := s.needed(who)
	if who.frozen.held > 0 {
		need = append(need, who.pins...)
		slices.Sort(need)
		need = slices.Compact(need)
	}
	for _, id := range need {
		s.pinned[id]++
	}
	s.unpin(who)
	who.pins = need
}

func (s *shared) unpin(who *person) {
	for _, id := range who.pins {
		if s.pinned[id]--; s.pinned[id] == 0 {
			delete(s.pinned, id)
		}
	}
	who.pins = nil
}

// needed are the snapshots on which rests what is said of a person, sorted.
func (s *shared) needed(who *person) (out []string) {
	for _, topic := range who.topics {
		for _, f := range s.byTopic[topic] {
			if f.Snapshot != nil && (who.missedIn(f.ID) || who.ambiguous(topic, f.Snapshot)) {
				out = append(out, f.ID)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// missedIn reports whether a membership ended with a snapshot.
func (who *person) missedIn(id string) bool {
	return slices.ContainsFunc(who.published.grants, func(g schemas.Grant) bool {
		return !g.Removed.IsZero() && g.RemovedBy == nil && slices.Contains(g.Evidence, id)
	})
}

// ambiguous reports whether the log shows a change while the person was listed.
func (who *person) ambiguous(topic string, s *schemas.Snapshot) bool {
	listed, changed := false, false
	i, _ := who.find(&schemas.Fact{At: s.From})
	for ; i < len(who.facts) && !who.facts[i].fact.At.After(s.To); i++ {
		if f := who.facts[i].fact; slices.Contains(topicsOf(f), topic) {
			listed = listed || f.Kind == schemas.MemberObserved
			changed = changed || f.Kind != schemas.MemberObserved
		}
	}
	return listed && changed
}

// thin drops the times between the first and the last that Okta listed a member,
// as long as nothing else is known to have happened, if that changes nothing.
func (p *Partition) thin(who *person) {
	drop := p.between(who, p.line.seal.Add(-settled))
	if len(drop) == 0 {
		return
	}
	whole := who.facts
	who.facts = slices.DeleteFunc(slices.Clone(whole), func(h held) bool { return drop[h.offset] })
	in := p.input(who)
	now, o := amountTo(&in)
	if rest, ok := who.published.without(&now); !ok || rest.len() > 0 {
		who.facts = whole
		return
	}
	for offset := range drop {
		p.refs.release(offset)
	}
	p.dues.set(who, o.Next)
}

// between are the records of what lies between, before a time.
func (p *Partition) between(who *person, before time.Time) map[int64]bool {
	drop := make(map[int64]bool)
	last := make(map[string]*held) // the last time that a member was listed, after another
	first := make(map[string]*held)
	for i := range who.facts {
		h := &who.facts[i]
		if h.gone || h.fact.Group == nil && h.fact.Member == nil || !h.fact.At.Before(before) {
			continue
		}
		for _, topic := range topicsOf(h.fact) {
			switch since := first[topic]; {
			case h.fact.Kind != schemas.MemberObserved:
				delete(first, topic)
				delete(last, topic)
			case since == nil || p.shared.missed(topic, since.fact.At, h.fact.At):
				first[topic] = h
				delete(last, topic)
			default:
				if l := last[topic]; l != nil {
					drop[l.offset] = true
				}
				last[topic] = h
			}
		}
	}
	return drop
}

// missed reports whether a snapshot between two times is needed by anybody.
func (s *shared) missed(topic string, from, to time.Time) bool {
	return slices.ContainsFunc(s.byTopic[topic], func(f sharedFact) bool {
		return f.Snapshot != nil && s.pinned[f.ID] > 0 && f.Snapshot.To.After(from) && f.Snapshot.From.Before(to)
	})
}

// over reports whether a shared fact can matter to nothing that is not final.
func (p *Partition) over(f *schemas.Fact, line time.Time) bool {
	if f.Snapshot != nil {
		return f.Snapshot.To.Before(line.Add(-settled)) && p.shared.pinned[f.ID] == 0
	}
	until, ever := correlate.SharedUntil(p.policies.set, f)
	return !ever && until.Before(line)
}
