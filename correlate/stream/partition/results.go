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

// amountTo says what facts amount to.
func amountTo(in *correlate.Input) (published, *correlate.Outcome) {
	o := correlate.Rebuild(*in)
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
	in := p.input(who)
	now, o := amountTo(&in)
	who.published, who.called = now, in.Person.Name
	who.notes(&in)
	p.dues.set(who, o.Next)
}

// notes of which accounts a rule may look at the logs for what they lack: those
// of grants, and of uses that nothing explains.
func (who *person) notes(in *correlate.Input) {
	if who.frozen.held == 0 {
		who.accounts = nil
	}
	add := func(account string) {
		if i, known := slices.BinarySearch(who.accounts, account); !known && account != "" {
			who.accounts = slices.Insert(who.accounts, i, account)
		}
	}
	for i := range who.published.grants {
		add(who.published.grants[i].Account)
	}
	if len(who.published.uses) < len(in.Uses) {
		for i := range in.Uses {
			account, _ := schemas.RoleOf(in.Uses[i].RoleARN)
			add(account)
		}
	}
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
	p.packer.unpack(who)
	if p.touchedPersons[who] || who.Person().Name != who.called {
		who.thaw()
	}
	before := who.published
	p.amount(who)
	now := &who.published
	w := changes{meta: m}
	diff(&w, topics.Grants, before.grants, now.grants, grantID, sameGrant)
	diff(&w, topics.Assumptions, before.assumptions, now.assumptions, assumptionID, sameAssumption)
	w.superseded = func(id string) string { return supersededBy(before.sessions, now.sessions, id) }
	diff(&w, topics.Sessions, before.sessions, now.sessions, sessionID, sameSession)
	w.superseded = nil
	diff(&w, topics.Findings, before.findings, now.findings, findingID, sameFinding)
	diff(&w, topics.Uses, before.uses, now.uses, useRecordID, sameUseRecord)
	if w.err != nil {
		return fmt.Errorf("publish what %s did: %w", who.key, w.err)
	}
	p.shared.pin(who)
	p.freeze(who)
	p.packer.weigh(who)
	slices.SortFunc(w.results, func(a, b Result) int { return strings.Compare(a.ID, b.ID) })
	for i := range w.results {
		w.results[i].Cause = p.rejudged[who]
	}
	out.Results = append(out.Results, w.results...)
	if len(who.facts)+len(who.uses) == 0 && who.sealed.text == "" {
		p.shared.leave(who)
		p.shared.unpin(who)
		p.packer.drop(&who.opened)
		delete(p.persons, who.key)
	}
	return nil
}

func grantID(r *schemas.Grant) (string, *schemas.Meta)           { return r.ID, &r.Meta }
func assumptionID(r *schemas.Assumption) (string, *schemas.Meta) { return r.ID, &r.Meta }
func sessionID(r *schemas.Session) (string, *schemas.Meta)       { return r.ID, &r.Meta }
func findingID(r *schemas.Finding) (string, *schemas.Meta)       { return r.ID, &r.Meta }
func useRecordID(r *schemas.Use) (string, *schemas.Meta)         { return r.ID, &r.Meta }

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
	w.results = append(w.results, Result{Topic: topic, ID: id, Value: value})
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
