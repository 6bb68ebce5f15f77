package clickhouse

import (
	"time"

	"jitaudit/schemas"
)

type findingRow struct {
	id, rule, severity, status    string
	person                        schemas.Person
	anchor                        string
	at                            time.Time
	account, role, session, grant string
	why                           string
	evidence                      []string
	suppressedReason              string
	suppressedOwner               string
	suppressedUntil               time.Time
	policy                        string
	metaRow
}

// findingsHistory keeps every version of a finding; its columns are those of the
// table of findings.
const findingsHistory = "findings_history_log"

func findingTable() *table[schemas.Finding, findingRow] {
	meta := func(r *findingRow) *metaRow { return &r.metaRow }
	columns := []column[findingRow]{
		text("id", func(r *findingRow) *string { return &r.id }),
		text("rule", func(r *findingRow) *string { return &r.rule }),
		text("severity", func(r *findingRow) *string { return &r.severity }),
		text("status", func(r *findingRow) *string { return &r.status }),
	}
	columns = append(columns, personColumns(func(r *findingRow) *schemas.Person { return &r.person })...)
	columns = append(columns,
		text("anchor", func(r *findingRow) *string { return &r.anchor }),
		instant("at", func(r *findingRow) *time.Time { return &r.at }),
		text("account", func(r *findingRow) *string { return &r.account }),
		text("role", func(r *findingRow) *string { return &r.role }),
		text("session", func(r *findingRow) *string { return &r.session }),
		text("grant", func(r *findingRow) *string { return &r.grant }),
		text("why", func(r *findingRow) *string { return &r.why }),
		texts("evidence", func(r *findingRow) *[]string { return &r.evidence }),
		text("suppressed_reason", func(r *findingRow) *string { return &r.suppressedReason }),
		text("suppressed_owner", func(r *findingRow) *string { return &r.suppressedOwner }),
		optional("suppressed_until", func(r *findingRow) *time.Time { return &r.suppressedUntil }),
		text("policy", func(r *findingRow) *string { return &r.policy }),
	)
	return &table[schemas.Finding, findingRow]{
		name: "findings_log", view: "findings", columns: append(columns, metaColumns(meta)...),
		row: newFindingRow, record: (*findingRow).finding, meta: meta,
		check: func(f *schemas.Finding) error { return checkResult(f.ID, &f.Meta) },
	}
}

func newFindingRow(f *schemas.Finding) findingRow {
	r := findingRow{
		id: f.ID, rule: f.Rule, severity: string(f.Severity), status: string(f.Status), person: f.Person,
		anchor: f.Anchor, at: required(f.At),
		account: f.Account, role: f.Role, session: f.Session, grant: f.Grant,
		why: f.Why, evidence: f.Evidence, policy: f.Policy, metaRow: newMeta(&f.Meta),
	}
	if s := f.Suppressed; s != nil {
		r.suppressedReason, r.suppressedOwner, r.suppressedUntil = s.Reason, s.Owner, stored(s.Until)
	}
	return r
}

func (r *findingRow) finding() schemas.Finding {
	f := schemas.Finding{
		ID: r.id, Rule: r.rule, Severity: schemas.Severity(r.severity), Status: schemas.Status(r.status), Person: r.person,
		Anchor: r.anchor, At: r.at,
		Account: r.account, Role: r.role, Session: r.session, Grant: r.grant,
		Why: r.why, Evidence: present(r.evidence), Policy: r.policy, Meta: r.schema(),
	}
	if r.suppressedReason != "" {
		f.Suppressed = &schemas.Suppression{Reason: r.suppressedReason, Owner: r.suppressedOwner, Until: r.suppressedUntil}
	}
	return f
}
