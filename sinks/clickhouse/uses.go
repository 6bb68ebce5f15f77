package clickhouse

import (
	"time"

	"jitaudit/schemas"
)

type useRow struct {
	id, key                  string
	person                   schemas.Person
	assumption, session      string
	chained                  string
	principalID, accessKeyID string
	createdAt, first, last   time.Time
	firstID, lastID          string
	services                 []string
	metaRow
}

func useTable() *table[schemas.Use, useRow] {
	meta := func(r *useRow) *metaRow { return &r.metaRow }
	columns := []column[useRow]{
		text("id", func(r *useRow) *string { return &r.id }),
		text("key", func(r *useRow) *string { return &r.key }),
	}
	columns = append(columns, personColumns(func(r *useRow) *schemas.Person { return &r.person })...)
	columns = append(columns,
		text("assumption", func(r *useRow) *string { return &r.assumption }),
		text("session", func(r *useRow) *string { return &r.session }),
		text("chained", func(r *useRow) *string { return &r.chained }),
		text("principal_id", func(r *useRow) *string { return &r.principalID }),
		text("access_key_id", func(r *useRow) *string { return &r.accessKeyID }),
		optional("created_at", func(r *useRow) *time.Time { return &r.createdAt }),
		instant("first", func(r *useRow) *time.Time { return &r.first }),
		instant("last", func(r *useRow) *time.Time { return &r.last }),
		text("first_id", func(r *useRow) *string { return &r.firstID }),
		text("last_id", func(r *useRow) *string { return &r.lastID }),
		texts("services", func(r *useRow) *[]string { return &r.services }),
	)
	return &table[schemas.Use, useRow]{
		name: "uses_log", view: "uses", columns: append(columns, metaColumns(meta)...),
		row: newUseRow, record: (*useRow).use, meta: meta,
		check: func(u *schemas.Use) error { return checkResult(u.ID, &u.Meta) },
	}
}

func newUseRow(u *schemas.Use) useRow {
	return useRow{
		id: u.ID, key: u.Key, person: u.Person, assumption: u.Assumption, session: u.Session, chained: u.Chained,
		principalID: u.PrincipalID, accessKeyID: u.AccessKeyID,
		createdAt: stored(u.CreatedAt), first: required(u.First), last: required(u.Last),
		firstID: u.FirstID, lastID: u.LastID, services: u.Services, metaRow: newMeta(&u.Meta),
	}
}

func (r *useRow) use() schemas.Use {
	return schemas.Use{
		ID: r.id, Key: r.key, Person: r.person, Assumption: r.assumption, Session: r.session, Chained: r.chained,
		PrincipalID: r.principalID, AccessKeyID: r.accessKeyID,
		CreatedAt: r.createdAt, First: r.first, Last: r.last,
		FirstID: r.firstID, LastID: r.lastID, Services: present(r.services), Meta: r.schema(),
	}
}
