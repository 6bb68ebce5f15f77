package clickhouse

import (
	"time"

	"jitaudit/schemas"
)

// requestRows are requests as the Nested columns that grants and sessions have.
type requestRows struct {
	id, origin, requester, subject, justification []string
	approvers, evidence                           [][]string
	at, decidedAt, from, until                    []*time.Time
}

func requestColumns[R any](of func(*R) *requestRows) []column[R] {
	return []column[R]{
		texts("requests.id", func(r *R) *[]string { return &of(r).id }),
		texts("requests.origin", func(r *R) *[]string { return &of(r).origin }),
		texts("requests.requester", func(r *R) *[]string { return &of(r).requester }),
		lists("requests.approvers", func(r *R) *[][]string { return &of(r).approvers }),
		optionals("requests.at", func(r *R) *[]*time.Time { return &of(r).at }),
		optionals("requests.decided_at", func(r *R) *[]*time.Time { return &of(r).decidedAt }),
		optionals("requests.from", func(r *R) *[]*time.Time { return &of(r).from }),
		optionals("requests.until", func(r *R) *[]*time.Time { return &of(r).until }),
		texts("requests.subject", func(r *R) *[]string { return &of(r).subject }),
		texts("requests.justification", func(r *R) *[]string { return &of(r).justification }),
		lists("requests.evidence", func(r *R) *[][]string { return &of(r).evidence }),
	}
}

func newRequestRows(all []schemas.RequestRef) (r requestRows) {
	for i := range all {
		q := &all[i]
		r.id = append(r.id, q.ID)
		r.origin = append(r.origin, string(q.Origin))
		r.requester = append(r.requester, q.Requester)
		r.approvers = append(r.approvers, present(q.Approvers))
		r.at = append(r.at, reference(q.At))
		r.decidedAt = append(r.decidedAt, reference(q.DecidedAt))
		r.from = append(r.from, reference(q.From))
		r.until = append(r.until, reference(q.Until))
		r.subject = append(r.subject, q.Subject)
		r.justification = append(r.justification, q.Justification)
		r.evidence = append(r.evidence, present(q.Evidence))
	}
	return r
}

func (r *requestRows) requests() (all []schemas.RequestRef) {
	for i := range r.id {
		all = append(all, schemas.RequestRef{
			ID: r.id[i], Origin: schemas.RequestOrigin(r.origin[i]), Requester: r.requester[i], Approvers: absent(r.approvers[i]),
			At: dereference(r.at[i]), DecidedAt: dereference(r.decidedAt[i]), From: dereference(r.from[i]), Until: dereference(r.until[i]),
			Subject: r.subject[i], Justification: r.justification[i], Evidence: present(r.evidence[i]),
		})
	}
	return all
}

// chainedRows are onward roles as Nested columns.
type chainedRows struct {
	eventID, parent, account, role, roleARN, principalID, sharedID []string
	at                                                             []time.Time
	expires, firstUse, lastUse                                     []*time.Time
	services                                                       [][]string
}

func chainedColumns[R any](of func(*R) *chainedRows) []column[R] {
	return []column[R]{
		texts("chained.event_id", func(r *R) *[]string { return &of(r).eventID }),
		instants("chained.at", func(r *R) *[]time.Time { return &of(r).at }),
		texts("chained.from", func(r *R) *[]string { return &of(r).parent }),
		texts("chained.account", func(r *R) *[]string { return &of(r).account }),
		texts("chained.role", func(r *R) *[]string { return &of(r).role }),
		texts("chained.role_arn", func(r *R) *[]string { return &of(r).roleARN }),
		texts("chained.principal_id", func(r *R) *[]string { return &of(r).principalID }),
		optionals("chained.expires", func(r *R) *[]*time.Time { return &of(r).expires }),
		optionals("chained.first_use", func(r *R) *[]*time.Time { return &of(r).firstUse }),
		optionals("chained.last_use", func(r *R) *[]*time.Time { return &of(r).lastUse }),
		lists("chained.services", func(r *R) *[][]string { return &of(r).services }),
		texts("chained.shared_id", func(r *R) *[]string { return &of(r).sharedID }),
	}
}

func newChainedRows(all []schemas.ChainedRole) (r chainedRows) {
	for i := range all {
		c := &all[i]
		r.eventID = append(r.eventID, c.EventID)
		r.at = append(r.at, required(c.At))
		r.parent = append(r.parent, c.From)
		r.account = append(r.account, c.Account)
		r.role = append(r.role, c.Role)
		r.roleARN = append(r.roleARN, c.RoleARN)
		r.principalID = append(r.principalID, c.PrincipalID)
		r.expires = append(r.expires, reference(c.Expires))
		r.firstUse = append(r.firstUse, reference(c.FirstUse))
		r.lastUse = append(r.lastUse, reference(c.LastUse))
		r.services = append(r.services, present(c.Services))
		r.sharedID = append(r.sharedID, c.SharedID)
	}
	return r
}

func (r *chainedRows) chained() (all []schemas.ChainedRole) {
	for i := range r.eventID {
		all = append(all, schemas.ChainedRole{
			EventID: r.eventID[i], At: r.at[i], From: r.parent[i], Account: r.account[i], Role: r.role[i], RoleARN: r.roleARN[i],
			PrincipalID: r.principalID[i], Expires: dereference(r.expires[i]), FirstUse: dereference(r.firstUse[i]),
			LastUse: dereference(r.lastUse[i]), Services: absent(r.services[i]), SharedID: r.sharedID[i],
		})
	}
	return all
}
