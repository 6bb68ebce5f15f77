package partition

import (
	"slices"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

// shared are the facts that concern nobody in particular, by what they speak of.
type shared struct {
	byTopic map[string][]sharedFact // sorted as facts are
	// concerned are the persons whose facts have to do with a topic.
	concerned map[string]map[*person]struct{}
	// fresh are the topics of which something has been said since the last tick,
	// with the earliest that it speaks of.
	fresh map[string]time.Time
	// pinned is how many persons need a snapshot, by its event.
	pinned map[string]int
}

type sharedFact struct {
	*schemas.Fact
	offset int64
}

func newShared() *shared {
	return &shared{byTopic: make(map[string][]sharedFact), concerned: make(map[string]map[*person]struct{}), fresh: make(map[string]time.Time), pinned: make(map[string]int)}
}

func groupTopic(org, id string) string      { return "group " + org + "/" + id }
func conditionTopic(org, id string) string  { return "condition " + org + "/" + id }
func roleTopic(account, role string) string { return "role " + account + "/" + role }

// topicOf is what a shared fact speaks of.
func topicOf(f *schemas.Fact) (string, bool) {
	switch {
	case f.Snapshot != nil:
		return groupTopic(f.Snapshot.Org, f.Snapshot.Group.ID), true
	case f.Condition != nil:
		return conditionTopic(f.Who.Org, f.Condition.ID), true
	case f.Revocation != nil:
		return roleTopic(f.Revocation.Account, f.Revocation.Role), true
	}
	return "", false
}

// topicsOf are what a person's fact has to do with.
func topicsOf(f *schemas.Fact) (out []string) {
	switch f.Kind {
	case schemas.GroupAdded, schemas.GroupRemoved:
		out = append(out, groupTopic(f.Who.Org, f.Group.ID))
	case schemas.MemberObserved:
		out = append(out, groupTopic(f.Who.Org, f.Member.ID))
	case schemas.Assumed:
		out = append(out, roleTopic(f.Assume.Account, f.Assume.Role))
	case schemas.Requested:
		if f.Request.Condition != "" {
			out = append(out, conditionTopic(f.Who.Org, f.Request.Condition))
		}
	}
	return out
}

// sharedFact takes in a fact that concerns nobody in particular.
func (p *Partition) sharedFact(offset int64, f *schemas.Fact) bool {
	topic, ok := topicOf(f)
	if !ok {
		return false
	}
	if f.At.Before(p.line.seal) {
		if p.cfg.Partition == 0 { // every partition gets it: one tells of it
			p.isLate(offset, f.ID, f.At, f.Source)
		}
		return false
	}
	list := p.shared.byTopic[topic]
	at, known := slices.BinarySearchFunc(list, f, func(h sharedFact, f *schemas.Fact) int { return compareFacts(h.Fact, f) })
	if known {
		return false
	}
	p.shared.byTopic[topic] = slices.Insert(list, at, sharedFact{f, offset})
	p.shared.freshen(topic, f)
	p.refs.hold(offset)
	return true
}

// freshen notes that something has been said.
func (s *shared) freshen(topic string, f *schemas.Fact) {
	from := f.At
	if f.Snapshot != nil {
		from = earlier(from, f.Snapshot.From)
	}
	if before, ok := s.fresh[topic]; ok {
		from = earlier(from, before)
	}
	s.fresh[topic] = from
}

// concerns notes what one more fact of a person has to do with.
func (s *shared) concerns(who *person, f *schemas.Fact) {
	for _, topic := range topicsOf(f) {
		i, known := slices.BinarySearch(who.topics, topic)
		if known {
			continue
		}
		who.topics = slices.Insert(who.topics, i, topic)
		if s.concerned[topic] == nil {
			s.concerned[topic] = make(map[*person]struct{})
		}
		s.concerned[topic][who] = struct{}{}
	}
}

// concernedBy looks again at what the facts of a person have to do with.
func (s *shared) concernedBy(who *person) {
	s.leave(who)
	for i := range who.facts {
		if h := &who.facts[i]; !h.gone {
			s.concerns(who, h.fact)
		}
	}
}

// leave forgets what a person has to do with.
func (s *shared) leave(who *person) {
	for _, topic := range who.topics {
		if delete(s.concerned[topic], who); len(s.concerned[topic]) == 0 {
			delete(s.concerned, topic)
		}
	}
	who.topics = nil
}

// concerning are the shared facts that a person has to do with.
func (p *Partition) concerning(who *person) (out []*schemas.Fact) {
	for _, topic := range who.topics {
		for _, f := range p.shared.byTopic[topic] {
			if !p.outranked(f.ID, entry.Rank(f.Fact)) {
				out = append(out, f.Fact)
			}
		}
	}
	return out
}

// touchConcerned looks again at those whom what has been said concerns.
func (p *Partition) touchConcerned() {
	for topic, from := range p.shared.fresh {
		for who := range p.shared.concerned[topic] {
			p.touch(who, from.Before(who.frozen.before))
		}
	}
	clear(p.shared.fresh)
}

// forgetShared drops what can matter to nothing that is not sealed.
func (p *Partition) forgetShared(line time.Time) {
	for topic, list := range p.shared.byTopic {
		list = slices.DeleteFunc(list, func(f sharedFact) bool {
			if !p.over(f.Fact, line) {
				return false
			}
			p.refs.release(f.offset)
			return true
		})
		if p.shared.byTopic[topic] = list; len(list) == 0 {
			delete(p.shared.byTopic, topic)
		}
	}
}
