package clickhouse

import (
	"time"

	"jitaudit/schemas"
)

func personColumns[R any](at func(*R) *schemas.Person) []column[R] {
	return []column[R]{
		text("person_key", func(r *R) *string { return &at(r).Key }),
		text("person_name", func(r *R) *string { return &at(r).Name }),
		text("person_org", func(r *R) *string { return &at(r).Org }),
	}
}

func actorColumns[R any](prefix string, at func(*R) *schemas.Actor) []column[R] {
	return []column[R]{
		text(prefix+"_id", func(r *R) *string { return &at(r).ID }),
		text(prefix+"_type", func(r *R) *string { return &at(r).Type }),
		text(prefix+"_alternate_id", func(r *R) *string { return &at(r).AlternateID }),
		text(prefix+"_name", func(r *R) *string { return &at(r).Name }),
	}
}

// actor is nil for nobody.
func actor(a schemas.Actor) *schemas.Actor {
	if a == (schemas.Actor{}) {
		return nil
	}
	return &a
}

// known is the zero actor for nil.
func known(a *schemas.Actor) schemas.Actor {
	if a == nil {
		return schemas.Actor{}
	}
	return *a
}

type grantRow struct {
	id                             string
	person                         schemas.Person
	account, role, source          string
	groupID, group                 string
	opened, removed, approvedUntil time.Time
	firstObserved                  time.Time
	requestRows
	grantedBy, removedBy schemas.Actor
	policy               string
	evidence             []string
	metaRow
}

func grantTable() *table[schemas.Grant, grantRow] {
	meta := func(r *grantRow) *metaRow { return &r.metaRow }
	columns := []column[grantRow]{text("id", func(r *grantRow) *string { return &r.id })}
	columns = append(columns, personColumns(func(r *grantRow) *schemas.Person { return &r.person })...)
	columns = append(columns,
		text("account", func(r *grantRow) *string { return &r.account }),
		text("role", func(r *grantRow) *string { return &r.role }),
		text("source", func(r *grantRow) *string { return &r.source }),
		text("group_id", func(r *grantRow) *string { return &r.groupID }),
		text("group", func(r *grantRow) *string { return &r.group }),
		optional("opened", func(r *grantRow) *time.Time { return &r.opened }),
		optional("removed", func(r *grantRow) *time.Time { return &r.removed }),
		optional("approved_until", func(r *grantRow) *time.Time { return &r.approvedUntil }),
		optional("first_observed", func(r *grantRow) *time.Time { return &r.firstObserved }),
	)
	columns = append(columns, requestColumns(func(r *grantRow) *requestRows { return &r.requestRows })...)
	columns = append(columns, actorColumns("granted_by", func(r *grantRow) *schemas.Actor { return &r.grantedBy })...)
	columns = append(columns, actorColumns("removed_by", func(r *grantRow) *schemas.Actor { return &r.removedBy })...)
	columns = append(columns,
		text("policy", func(r *grantRow) *string { return &r.policy }),
		texts("evidence", func(r *grantRow) *[]string { return &r.evidence }),
	)
	return &table[schemas.Grant, grantRow]{
		name: "grants_log", view: "grants", columns: append(columns, metaColumns(meta)...),
		row: newGrantRow, record: (*grantRow).grant, meta: meta,
		check: func(g *schemas.Grant) error { return checkResult(g.ID, &g.Meta) },
	}
}

func newGrantRow(g *schemas.Grant) grantRow {
	return grantRow{
		id: g.ID, person: g.Person,
		account: g.Account, role: g.Role, source: string(g.Source), groupID: g.GroupID, group: g.Group,
		opened: stored(g.Opened), removed: stored(g.Removed), approvedUntil: stored(g.ApprovedUntil),
		firstObserved: stored(g.FirstObserved), requestRows: newRequestRows(g.Requests),
		grantedBy: known(g.GrantedBy), removedBy: known(g.RemovedBy),
		policy: g.Policy, evidence: g.Evidence, metaRow: newMeta(&g.Meta),
	}
}

func (r *grantRow) grant() schemas.Grant {
	return schemas.Grant{
		ID: r.id, Person: r.person,
		Account: r.account, Role: r.role, Source: schemas.GrantSource(r.source), GroupID: r.groupID, Group: r.group,
		Opened: r.opened, Removed: r.removed, ApprovedUntil: r.approvedUntil,
		FirstObserved: r.firstObserved, Requests: r.requests(),
		GrantedBy: actor(r.grantedBy), RemovedBy: actor(r.removedBy),
		Policy: r.policy, Evidence: present(r.evidence), Meta: r.schema(),
	}
}

// present is for a list that a record always has: what a table reads back as
// empty is [] and not null.
func present(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
