package clickhouse

import (
	"time"

	"jitaudit/schemas"
)

type sessionRow struct {
	id                                      string
	person                                  schemas.Person
	account, role, sessionName, federation  string
	start, end, lastUse                     time.Time
	endedBy                                 string
	assumptions                             []string
	grant                                   string
	grants                                  []string
	signOnEventID, signOnJoinedBy, signOnIP string
	signOnAt                                time.Time
	mfa                                     string
	factorEventID, factorName               string
	factorAt                                time.Time
	origins, services                       []string
	chainedRows
	requestRows
	verdict                                     string
	unjudgedRule, unjudgedReason, unjudgedShard []string
	unjudgedFrom, unjudgedTo                    []*time.Time
	policy                                      string
	evidence                                    []string
	metaRow
}

func sessionTable() *table[schemas.Session, sessionRow] {
	meta := func(r *sessionRow) *metaRow { return &r.metaRow }
	columns := []column[sessionRow]{text("id", func(r *sessionRow) *string { return &r.id })}
	columns = append(columns, personColumns(func(r *sessionRow) *schemas.Person { return &r.person })...)
	columns = append(columns,
		text("account", func(r *sessionRow) *string { return &r.account }),
		text("role", func(r *sessionRow) *string { return &r.role }),
		text("session_name", func(r *sessionRow) *string { return &r.sessionName }),
		text("federation", func(r *sessionRow) *string { return &r.federation }),
		instant("start", func(r *sessionRow) *time.Time { return &r.start }),
		instant("end", func(r *sessionRow) *time.Time { return &r.end }),
		text("ended_by", func(r *sessionRow) *string { return &r.endedBy }),
		optional("last_use", func(r *sessionRow) *time.Time { return &r.lastUse }),
		texts("assumptions", func(r *sessionRow) *[]string { return &r.assumptions }),
		text("grant", func(r *sessionRow) *string { return &r.grant }),
		texts("grants", func(r *sessionRow) *[]string { return &r.grants }),
		text("sign_on_event_id", func(r *sessionRow) *string { return &r.signOnEventID }),
		optional("sign_on_at", func(r *sessionRow) *time.Time { return &r.signOnAt }),
		text("sign_on_joined_by", func(r *sessionRow) *string { return &r.signOnJoinedBy }),
		text("sign_on_ip", func(r *sessionRow) *string { return &r.signOnIP }),
		text("mfa", func(r *sessionRow) *string { return &r.mfa }),
		text("factor_event_id", func(r *sessionRow) *string { return &r.factorEventID }),
		optional("factor_at", func(r *sessionRow) *time.Time { return &r.factorAt }),
		text("factor_name", func(r *sessionRow) *string { return &r.factorName }),
		texts("origins", func(r *sessionRow) *[]string { return &r.origins }),
		texts("services", func(r *sessionRow) *[]string { return &r.services }),
	)
	columns = append(columns, chainedColumns(func(r *sessionRow) *chainedRows { return &r.chainedRows })...)
	columns = append(columns, requestColumns(func(r *sessionRow) *requestRows { return &r.requestRows })...)
	columns = append(columns,
		text("verdict", func(r *sessionRow) *string { return &r.verdict }),
		texts("unjudged.rule", func(r *sessionRow) *[]string { return &r.unjudgedRule }),
		texts("unjudged.reason", func(r *sessionRow) *[]string { return &r.unjudgedReason }),
		texts("unjudged.shard", func(r *sessionRow) *[]string { return &r.unjudgedShard }),
		optionals("unjudged.from", func(r *sessionRow) *[]*time.Time { return &r.unjudgedFrom }),
		optionals("unjudged.to", func(r *sessionRow) *[]*time.Time { return &r.unjudgedTo }),
		text("policy", func(r *sessionRow) *string { return &r.policy }),
		texts("evidence", func(r *sessionRow) *[]string { return &r.evidence }),
	)
	return &table[schemas.Session, sessionRow]{
		name: "sessions_log", view: "sessions", columns: append(columns, metaColumns(meta)...),
		row: newSessionRow, record: (*sessionRow).session, meta: meta,
		check: func(s *schemas.Session) error { return checkResult(s.ID, &s.Meta) },
		scan:  scanSession,
	}
}

func newSessionRow(s *schemas.Session) sessionRow {
	r := sessionRow{
		id: s.ID, person: s.Person,
		account: s.Account, role: s.Role, sessionName: s.SessionName, federation: string(s.Federation),
		start: required(s.Start), end: required(s.End), lastUse: stored(s.LastUse), endedBy: string(s.EndedBy),
		assumptions: s.Assumptions, grant: s.Grant, grants: s.Grants,
		chainedRows: newChainedRows(s.Chained), requestRows: newRequestRows(s.Requests),
		mfa: string(s.MFA), services: s.Services, verdict: string(s.Verdict),
		policy: s.Policy, evidence: s.Evidence, metaRow: newMeta(&s.Meta),
	}
	for _, o := range s.Origins {
		r.origins = append(r.origins, string(o))
	}
	if o := s.SignOn; o != nil {
		r.signOnEventID, r.signOnAt, r.signOnJoinedBy, r.signOnIP = o.EventID, stored(o.At), string(o.JoinedBy), o.IP
	}
	if f := s.Factor; f != nil {
		r.factorEventID, r.factorAt, r.factorName = f.EventID, stored(f.At), f.Name
	}
	for i := range s.Unjudged {
		u := &s.Unjudged[i]
		r.unjudgedRule = append(r.unjudgedRule, u.Rule)
		r.unjudgedReason = append(r.unjudgedReason, string(u.Reason))
		r.unjudgedShard = append(r.unjudgedShard, u.Shard)
		r.unjudgedFrom = append(r.unjudgedFrom, reference(u.From))
		r.unjudgedTo = append(r.unjudgedTo, reference(u.To))
	}
	return r
}

func (r *sessionRow) session() schemas.Session {
	s := schemas.Session{
		ID: r.id, Person: r.person,
		Account: r.account, Role: r.role, SessionName: r.sessionName, Federation: schemas.Federation(r.federation),
		Start: r.start, End: r.end, EndedBy: schemas.EndReason(r.endedBy), LastUse: r.lastUse,
		Assumptions: present(r.assumptions), Grant: r.grant, Grants: absent(r.grants),
		MFA: schemas.MFA(r.mfa), Services: absent(r.services), Chained: r.chained(), Requests: r.requests(), Verdict: schemas.Verdict(r.verdict),
		Policy: r.policy, Evidence: present(r.evidence), Meta: r.schema(),
	}
	for _, o := range r.origins {
		s.Origins = append(s.Origins, schemas.Origin(o))
	}
	if r.signOnEventID != "" {
		s.SignOn = &schemas.SignOnRef{EventID: r.signOnEventID, At: r.signOnAt, JoinedBy: schemas.JoinKey(r.signOnJoinedBy), IP: r.signOnIP}
	}
	if r.factorEventID != "" {
		s.Factor = &schemas.FactorRef{EventID: r.factorEventID, At: r.factorAt, Name: r.factorName}
	}
	for i := range r.unjudgedRule {
		s.Unjudged = append(s.Unjudged, schemas.Unjudged{
			Rule: r.unjudgedRule[i], Reason: schemas.UnjudgedReason(r.unjudgedReason[i]), Shard: r.unjudgedShard[i],
			From: dereference(r.unjudgedFrom[i]), To: dereference(r.unjudgedTo[i]),
		})
	}
	return s
}

// reference is nil for the zero time.
func reference(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = stored(t)
	return &t
}

func dereference(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
