package clickhouse

import (
	"time"

	"jitaudit/schemas"
)

type assumptionRow struct {
	id, eventID                                     string
	person                                          schemas.Person
	at, expires                                     time.Time
	account, role, roleARN, sessionName, federation string
	providerARN, assertionID, ip, userAgent         string
	session, signOn, joinedBy                       string
	grants                                          []string
	firstUse, lastUse                               time.Time
	policy                                          string
	metaRow
}

func assumptionTable() *table[schemas.Assumption, assumptionRow] {
	meta := func(r *assumptionRow) *metaRow { return &r.metaRow }
	columns := []column[assumptionRow]{
		text("id", func(r *assumptionRow) *string { return &r.id }),
		text("event_id", func(r *assumptionRow) *string { return &r.eventID }),
	}
	columns = append(columns, personColumns(func(r *assumptionRow) *schemas.Person { return &r.person })...)
	columns = append(columns,
		instant("at", func(r *assumptionRow) *time.Time { return &r.at }),
		optional("expires", func(r *assumptionRow) *time.Time { return &r.expires }),
		text("account", func(r *assumptionRow) *string { return &r.account }),
		text("role", func(r *assumptionRow) *string { return &r.role }),
		text("role_arn", func(r *assumptionRow) *string { return &r.roleARN }),
		text("session_name", func(r *assumptionRow) *string { return &r.sessionName }),
		text("federation", func(r *assumptionRow) *string { return &r.federation }),
		text("provider_arn", func(r *assumptionRow) *string { return &r.providerARN }),
		text("assertion_id", func(r *assumptionRow) *string { return &r.assertionID }),
		text("ip", func(r *assumptionRow) *string { return &r.ip }),
		text("user_agent", func(r *assumptionRow) *string { return &r.userAgent }),
		text("session", func(r *assumptionRow) *string { return &r.session }),
		text("sign_on", func(r *assumptionRow) *string { return &r.signOn }),
		text("joined_by", func(r *assumptionRow) *string { return &r.joinedBy }),
		texts("grants", func(r *assumptionRow) *[]string { return &r.grants }),
		optional("first_use", func(r *assumptionRow) *time.Time { return &r.firstUse }),
		optional("last_use", func(r *assumptionRow) *time.Time { return &r.lastUse }),
		text("policy", func(r *assumptionRow) *string { return &r.policy }),
	)
	return &table[schemas.Assumption, assumptionRow]{
		name: "assumptions_log", view: "assumptions", columns: append(columns, metaColumns(meta)...),
		row: newAssumptionRow, record: (*assumptionRow).assumption, meta: meta,
		check: func(a *schemas.Assumption) error { return checkResult(a.ID, &a.Meta) },
	}
}

func newAssumptionRow(a *schemas.Assumption) assumptionRow {
	return assumptionRow{
		id: a.ID, eventID: a.EventID, person: a.Person,
		at: required(a.At), expires: stored(a.Expires),
		account: a.Account, role: a.Role, roleARN: a.RoleARN, sessionName: a.SessionName, federation: string(a.Federation),
		providerARN: a.ProviderARN, assertionID: a.AssertionID, ip: a.IP, userAgent: a.UserAgent,
		session: a.Session, signOn: a.SignOn, joinedBy: string(a.JoinedBy), grants: a.Grants,
		firstUse: stored(a.FirstUse), lastUse: stored(a.LastUse), policy: a.Policy, metaRow: newMeta(&a.Meta),
	}
}

func (r *assumptionRow) assumption() schemas.Assumption {
	return schemas.Assumption{
		ID: r.id, EventID: r.eventID, Person: r.person, At: r.at, Expires: r.expires,
		Account: r.account, Role: r.role, RoleARN: r.roleARN, SessionName: r.sessionName, Federation: schemas.Federation(r.federation),
		ProviderARN: r.providerARN, AssertionID: r.assertionID, IP: r.ip, UserAgent: r.userAgent,
		Session: r.session, SignOn: r.signOn, JoinedBy: schemas.JoinKey(r.joinedBy), Grants: absent(r.grants),
		FirstUse: r.firstUse, LastUse: r.lastUse, Policy: r.policy, Meta: r.schema(),
	}
}

// absent is for a list that a record leaves out when it is empty.
func absent(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}
