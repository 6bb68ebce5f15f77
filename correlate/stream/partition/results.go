package partition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"jitaudit/correlate"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// record is one result without what only its publication gives it.
type record struct {
	topic   string
	content []byte
	// assumptions are a session's, the earliest first.
	assumptions []string
}

// records are results by id.
type records map[string]record

func (rs records) add(topic, id string, r any, assumptions []string) error {
	content, err := encode(r)
	rs[id] = record{topic, content, assumptions}
	return err
}

// rebuild says what a person's facts amount to.
func (p *Partition) rebuild(who *person) (records, []correlate.Due, error) {
	in := p.input(who)
	o := correlate.Rebuild(in)
	rs := make(records, len(o.Grants)+len(o.Assumptions)+len(o.Sessions)+len(o.Findings)+len(in.Uses))
	var errs []error
	for i := range o.Grants {
		errs = append(errs, rs.add(topics.Grants, o.Grants[i].ID, &o.Grants[i], nil))
	}
	for i := range o.Assumptions {
		errs = append(errs, rs.add(topics.Assumptions, o.Assumptions[i].ID, &o.Assumptions[i], nil))
	}
	for i := range o.Sessions {
		errs = append(errs, rs.add(topics.Sessions, o.Sessions[i].ID, &o.Sessions[i], o.Sessions[i].Assumptions))
	}
	for i := range o.Findings {
		errs = append(errs, rs.add(topics.Findings, o.Findings[i].ID, &o.Findings[i], nil))
	}
	for i := range in.Uses {
		if r, ok := useOf(in.Person, &in.Uses[i], &o); ok {
			errs = append(errs, rs.add(topics.Uses, r.ID, &r, nil))
		}
	}
	return rs, o.Next, errors.Join(errs...)
}

// useOf is a use with the session that it belongs to, if it does to any.
func useOf(who schemas.Person, u *correlate.Use, o *correlate.Outcome) (schemas.Use, bool) {
	at, ok := o.Attribute(u)
	key := useID(&u.UseKey)
	return schemas.Use{
		ID: schemas.UseID(who.Key, key), Key: key, Person: who, Assumption: at.Assumption, Session: at.Session, Chained: at.Chained,
		PrincipalID: u.PrincipalID, AccessKeyID: u.AccessKeyID, CreatedAt: u.CreatedAt,
		First: u.First, Last: u.Last, FirstID: u.FirstID, LastID: u.LastID, Services: u.Services,
	}, ok
}

// settlePerson publishes what has changed about a person.
func (p *Partition) settlePerson(who *person, m schemas.Meta, out *Output) error {
	now, due, err := p.rebuild(who)
	if err != nil {
		return fmt.Errorf("rebuild %s: %w", who.key, err)
	}
	before := who.published
	ids := slices.Collect(maps.Keys(now))
	for id := range before {
		if _, ok := now[id]; !ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		old, known := before[id]
		r, ok := now[id]
		value := []byte(nil)
		switch {
		case !ok:
			r = old
			value, err = old.gone(now, m)
		case known && bytes.Equal(old.content, r.content):
			continue
		default:
			value, err = r.withMeta(m)
		}
		if err != nil {
			return err
		}
		out.Results = append(out.Results, Result{r.topic, id, value})
	}
	who.published, who.due = now, due
	if len(who.facts)+len(who.uses) == 0 && who.sealed.text == "" {
		delete(p.persons, who.key)
	}
	return nil
}

// encode writes a record of package schemas.
func encode(r any) ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode a result: %w", err)
	}
	return b, nil
}

// withMeta adds what publication gives a record; Meta is the last of each.
func (r *record) withMeta(m schemas.Meta) ([]byte, error) {
	meta, err := encode(&m)
	if err != nil {
		return nil, err
	}
	return slices.Concat(r.content[:len(r.content)-1], []byte(","), meta[1:]), nil
}

// gone is the last version of a record that is no longer: a finding is
// retracted, anything else deleted. A session that was merged into another
// names that one.
func (r *record) gone(now records, m schemas.Meta) ([]byte, error) {
	if r.topic == topics.Findings {
		var f schemas.Finding
		if err := json.Unmarshal(r.content, &f); err != nil {
			return nil, fmt.Errorf("retract a finding: %w", err)
		}
		f.Status, f.Meta = schemas.Retracted, m
		return encode(&f)
	}
	m.Deleted = true
	if len(r.assumptions) > 0 {
		for id, s := range now {
			if slices.Contains(s.assumptions, r.assumptions[0]) {
				m.SupersededBy = id
			}
		}
	}
	return r.withMeta(m)
}
