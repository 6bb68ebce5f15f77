package partition

import (
	"encoding/json"
	"fmt"
	"slices"

	"jitaudit/correlate"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// Engine is raised whenever the same records amount to something else than they
// did before: what an earlier one has published is then held against what this
// one says. docs/stream.md has the steps.
const Engine = 2

// Engine is the one that published what stands; 0 for the first release, or when
// nothing has been.
func (p *Partition) Engine() int { return p.engine.number }

// engine is what a record says of who publishes from there on.
type engine struct {
	number int
	offset int64
}

func (p *Partition) tookOver(offset int64, number int) bool {
	if number <= p.engine.number {
		return false
	}
	if p.engine.number > 0 {
		p.refs.release(p.engine.offset)
	}
	p.engine = engine{number, offset}
	p.refs.hold(offset)
	return true
}

// standing is the latest version of a record.
type standing struct {
	who     *person
	version int64
	gone    bool
	add     func(*published)
}

// Upgrade begins to take over from an earlier engine, after Settle. Of each
// record that stands in the results Stands must be told, then Done.
func (p *Partition) Upgrade() *Upgrade { return &Upgrade{p, make(map[string]standing)} }

// Upgrade is the taking over from an earlier engine: what that has published of
// the persons that are held.
type Upgrade struct {
	p     *Partition
	known map[string]standing
}

// Stands notes a version of a record of a results topic; of several the highest
// counts.
func (u *Upgrade) Stands(topic string, value []byte) error {
	switch topic {
	case topics.Grants:
		return stands(u, topic, value, func(r *schemas.Grant) (string, string, string, *schemas.Meta) {
			return r.ID, r.Person.Key, first(r.Evidence), &r.Meta
		}, func(out *published, r schemas.Grant) { out.grants = append(out.grants, r) })
	case topics.Assumptions:
		return stands(u, topic, value, func(r *schemas.Assumption) (string, string, string, *schemas.Meta) {
			return r.ID, r.Person.Key, r.EventID, &r.Meta
		}, func(out *published, r schemas.Assumption) { out.assumptions = append(out.assumptions, r) })
	case topics.Sessions:
		return stands(u, topic, value, func(r *schemas.Session) (string, string, string, *schemas.Meta) {
			return r.ID, r.Person.Key, first(r.Evidence), &r.Meta
		}, func(out *published, r schemas.Session) { out.sessions = append(out.sessions, r) })
	case topics.Findings:
		return stands(u, topic, value, func(r *schemas.Finding) (string, string, string, *schemas.Meta) {
			r.Deleted = r.Deleted || r.Status == schemas.Retracted
			return r.ID, r.Person.Key, r.Anchor, &r.Meta
		}, func(out *published, r schemas.Finding) { out.findings = append(out.findings, r) })
	case topics.Uses:
		return stands(u, topic, value, func(r *schemas.Use) (string, string, string, *schemas.Meta) {
			return r.ID, r.Person.Key, r.Key, &r.Meta
		}, func(out *published, r schemas.Use) { out.uses = append(out.uses, r) })
	}
	return nil
}

func first(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return ids[0]
}

// stands leaves out what is sealed: records of which neither anything is held nor
// that are derived from what is. They stand as they are.
func stands[T any](u *Upgrade, topic string, value []byte, about func(*T) (id, person, anchor string, m *schemas.Meta), add func(*published, T)) error {
	var r T
	if err := json.Unmarshal(value, &r); err != nil {
		return fmt.Errorf("read a record of topic %s: %w", topic, err)
	}
	id, person, anchor, m := about(&r)
	who := u.p.persons[person]
	if who == nil || u.known[id].version > m.Version {
		return nil
	}
	u.p.packer.unpack(who)
	if !who.holds(anchor) && !who.published.has(id) {
		return nil
	}
	s := standing{who: who, version: m.Version, gone: m.Deleted, add: func(out *published) { add(out, r) }}
	*m = schemas.Meta{}
	u.known[id] = s
	return nil
}

// holds reports whether an event, or the use of a credential, is held.
func (who *person) holds(anchor string) bool {
	return slices.ContainsFunc(who.facts, func(h held) bool { return !h.gone && h.fact.ID == anchor }) ||
		slices.ContainsFunc(who.uses, func(h held) bool { return !h.gone && useID(&h.use.UseKey) == anchor })
}

func (p *published) has(id string) bool {
	return slices.ContainsFunc(p.grants, func(r schemas.Grant) bool { return r.ID == id }) ||
		slices.ContainsFunc(p.assumptions, func(r schemas.Assumption) bool { return r.ID == id }) ||
		slices.ContainsFunc(p.sessions, func(r schemas.Session) bool { return r.ID == id }) ||
		slices.ContainsFunc(p.findings, func(r schemas.Finding) bool { return r.ID == id }) ||
		slices.ContainsFunc(p.uses, func(r schemas.Use) bool { return r.ID == id })
}

// Done lets the next tick publish what this engine says otherwise, and homes say
// again whose everything is. Findings on what was sealed already are not made:
// what they would have to look at is no longer held.
func (u *Upgrade) Done() {
	p := u.p
	was := make(map[*person]*published, len(p.persons))
	for _, who := range p.persons {
		p.packer.unpack(who)
		was[who] = &published{}
		for _, f := range who.published.findings {
			if f.At.Before(p.line.seal) && u.known[f.ID].who == nil {
				was[who].findings = append(was[who].findings, f)
			}
		}
		who.thaw()
	}
	p.rejudge(schemas.ByProgram)
	for _, s := range u.known {
		if !s.gone {
			s.add(was[s.who])
		}
	}
	for who, old := range was {
		who.published = *old
	}
	for _, h := range p.homes {
		p.renew(h)
	}
}

// renew lets a home say again whose everything is that is not final.
func (p *Partition) renew(h *home) {
	p.packer.unpackHome(h, p.words)
	for _, f := range h.facts {
		if !f.fact.At.Before(p.line.seal) {
			f.moved, f.sent, f.person, f.goesBy, f.bare, f.said = true, false, schemas.Person{}, nil, false, nil
		}
	}
	for _, u := range h.uses {
		if !u.said.Last.Before(p.line.seal) {
			u.sent, u.person, u.said = false, schemas.Person{}, correlate.Use{}
		}
	}
	h.owners = nil
	p.touchedHomes[h] = struct{}{}
}
