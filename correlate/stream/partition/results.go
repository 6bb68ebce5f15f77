package partition

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"jitaudit/correlate"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// published is what a person's facts amount to, without what only publication
// gives a record.
type published struct {
	grants      []schemas.Grant
	assumptions []schemas.Assumption
	sessions    []schemas.Session
	findings    []schemas.Finding
	uses        []schemas.Use
}

// rebuild says what a person's facts amount to, and what to wait for.
func (p *Partition) rebuild(who *person) (published, *correlate.Outcome) {
	in := p.input(who)
	o := correlate.Rebuild(in)
	out := published{o.Grants, o.Assumptions, o.Sessions, o.Findings, make([]schemas.Use, 0, len(in.Uses))}
	for i := range in.Uses {
		if r, ok := useOf(in.Person, &in.Uses[i], &o); ok {
			out.uses = append(out.uses, r)
		}
	}
	return out, &o
}

// amount notes what a person's facts amount to, as if it had come out.
func (p *Partition) amount(who *person) {
	now, o := p.rebuild(who)
	who.published, who.accounts = now, accountsOf(who, &now)
	p.dues.set(who, o.Next)
}

// accountsOf are the accounts that a rule may look at the logs of for what they
// lack: those of grants, and of uses that nothing explains.
func accountsOf(who *person, now *published) (out []string) {
	add := func(account string) {
		if i, known := slices.BinarySearch(out, account); !known && account != "" {
			out = slices.Insert(out, i, account)
		}
	}
	for i := range now.grants {
		add(now.grants[i].Account)
	}
	if len(now.uses) < len(who.uses) {
		for i := range who.uses {
			account, _ := schemas.RoleOf(who.uses[i].use.RoleARN)
			add(account)
		}
	}
	return out
}

// useOf is a use with the session that it belongs to, if it does to any.
func useOf(who schemas.Person, u *correlate.Use, o *correlate.Outcome) (schemas.Use, bool) {
	at, ok := o.Attribute(u)
	if !ok {
		return schemas.Use{}, false
	}
	key := useID(&u.UseKey)
	return schemas.Use{
		ID: schemas.UseID(who.Key, key), Key: key, Person: who, Assumption: at.Assumption, Session: at.Session, Chained: at.Chained,
		PrincipalID: u.PrincipalID, AccessKeyID: u.AccessKeyID, CreatedAt: u.CreatedAt,
		First: u.First, Last: u.Last, FirstID: u.FirstID, LastID: u.LastID, Services: u.Services,
	}, true
}

// settlePerson publishes what has changed about a person.
func (p *Partition) settlePerson(who *person, m schemas.Meta, out *Output) error {
	before := who.published
	p.amount(who)
	now := &who.published
	w := changes{meta: m}
	diff(&w, topics.Grants, before.grants, now.grants, func(r *schemas.Grant) (string, *schemas.Meta) { return r.ID, &r.Meta }, sameGrant)
	diff(&w, topics.Assumptions, before.assumptions, now.assumptions, func(r *schemas.Assumption) (string, *schemas.Meta) { return r.ID, &r.Meta }, sameAssumption)
	w.superseded = func(id string) string { return supersededBy(before.sessions, now.sessions, id) }
	diff(&w, topics.Sessions, before.sessions, now.sessions, func(r *schemas.Session) (string, *schemas.Meta) { return r.ID, &r.Meta }, sameSession)
	w.superseded = nil
	diff(&w, topics.Findings, before.findings, now.findings, func(r *schemas.Finding) (string, *schemas.Meta) { return r.ID, &r.Meta }, sameFinding)
	diff(&w, topics.Uses, before.uses, now.uses, func(r *schemas.Use) (string, *schemas.Meta) { return r.ID, &r.Meta }, sameUseRecord)
	if w.err != nil {
		return fmt.Errorf("publish what %s did: %w", who.key, w.err)
	}
	slices.SortFunc(w.results, func(a, b Result) int { return strings.Compare(a.ID, b.ID) })
	out.Results = append(out.Results, w.results...)
	if len(who.facts)+len(who.uses) == 0 && who.sealed.text == "" {
		p.shared.leave(who)
		delete(p.persons, who.key)
	}
	return nil
}

// changes gathers the new versions of records.
type changes struct {
	meta       schemas.Meta
	superseded func(id string) string // nil: by nothing
	results    []Result
	err        error
}

// diff adds what is new, what has changed and what is gone. Most of it is neither,
// and stands in the same order as before.
func diff[T any](w *changes, topic string, before, now []T, meta func(*T) (string, *schemas.Meta), same func(a, b *T) bool) {
	for len(before) > 0 && len(now) > 0 && same(&before[0], &now[0]) {
		before, now = before[1:], now[1:]
	}
	for len(before) > 0 && len(now) > 0 && same(&before[len(before)-1], &now[len(now)-1]) {
		before, now = before[:len(before)-1], now[:len(now)-1]
	}
	if len(before)+len(now) == 0 {
		return
	}
	known := make(map[string]*T, len(before))
	for i := range before {
		id, _ := meta(&before[i])
		known[id] = &before[i]
	}
	for i := range now {
		id, _ := meta(&now[i])
		if old := known[id]; old == nil || !same(old, &now[i]) {
			publish(w, topic, id, now[i], meta, w.meta)
		}
		delete(known, id)
	}
	for id, old := range known {
		m := w.meta
		if f, ok := any(old).(*schemas.Finding); ok {
			f.Status = schemas.Retracted
		} else {
			m.Deleted = true
		}
		if w.superseded != nil {
			m.SupersededBy = w.superseded(id)
		}
		publish(w, topic, id, *old, meta, m)
	}
}

// publish adds one version of a record.
func publish[T any](w *changes, topic, id string, r T, meta func(*T) (string, *schemas.Meta), m schemas.Meta) {
	_, at := meta(&r)
	*at = m
	value, err := encode(&r)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.results = append(w.results, Result{topic, id, value})
}

// supersededBy is the session that a session which is gone was merged into, if
// any.
func supersededBy(before, now []schemas.Session, id string) string {
	i := slices.IndexFunc(before, func(s schemas.Session) bool { return s.ID == id })
	if i < 0 || len(before[i].Assumptions) == 0 {
		return ""
	}
	for j := range now {
		if slices.Contains(now[j].Assumptions, before[i].Assumptions[0]) {
			return now[j].ID
		}
	}
	return ""
}

// encode writes a record of package schemas.
func encode(r any) ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode a result: %w", err)
	}
	return b, nil
}
