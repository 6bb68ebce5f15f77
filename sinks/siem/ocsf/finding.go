package ocsf

import (
	"fmt"
	"strings"

	"jitaudit/schemas"
	"jitaudit/schemas/ocsf"
	"jitaudit/sinks/alerts"
)

// finding is a Detection Finding. All events of one finding have the same
// finding_info.uid.
func (m *Mapper) finding(a *alerts.Alert) *event {
	f := a.Finding
	e := of(a)
	status := statusOf(f, a.Triage)
	e.classify(ocsf.DetectionFinding, activityOf(a.Change), severityOf(f.Severity), status)
	e.StatusCode, e.StatusDetail = name(string(f.Status)), detailOf(f, a.Triage)
	if a.Triage != nil {
		e.Comment = sentence(a.Triage.Reason)
	}
	e.Time = ms(f.Observed)
	if e.Time == 0 {
		e.Time = ms(f.At)
	}
	alertable := e.ActivityID != closed.id && status != suppressed
	e.IsAlert = &alertable
	e.Message = fmt.Sprintf("%s %s (%s): %s", name(f.Rule), name(string(a.Change)), name(string(f.Severity)), sentence(f.Why))
	e.Metadata.CorrelationUID = id(f.Session)
	if f.Session == "" {
		e.Metadata.CorrelationUID = id(f.Grant)
	}
	e.Metadata.EventCode, e.Metadata.OriginalTime = name(f.Rule), stamp(f.At)
	m.describe(e, a)
	who := person(&f.Person)
	doer := &actor{User: who}
	if f.Person.Attributed() {
		doer.IDP = &named{Name: "Okta", UID: id(f.Person.Org)}
	}
	e.Evidences = []evidence{{Name: "anchor", Actor: doer, Data: map[string]any{"event_id": id(f.Anchor)}}}
	e.observe("evidences[].actor.user", who)
	e.inAccount(f.Account)
	if f.Account != "" {
		e.Resources = append(e.Resources, resource{UID: id(f.Account), Name: id(f.Account), Type: "AWS account"})
	}
	if f.Role != "" {
		e.Resources = append(e.Resources, resource{UID: roleName(f.Account, f.Role), Name: name(f.Role), Type: "AWS role"})
	}
	e.keep("session", id(f.Session))
	e.keep("grant", id(f.Grant))
	e.keep("policy", id(f.Policy))
	e.keep("superseded_by", id(f.SupersededBy))
	return e
}

// describe says what the finding is, by its rule.
func (m *Mapper) describe(e *event, a *alerts.Alert) {
	f := a.Finding
	info := &findingInfo{
		UID: id(f.ID), Title: name(f.Rule), Desc: sentence(f.Why), Types: []string{name(f.Rule)}, ProductUID: productName,
		FirstSeenTime: ms(f.At), ModifiedTime: ms(f.Observed), SrcURL: name(a.Link), RelatedEventsCount: len(f.Evidence),
		Analytic: &analytic{UID: name(f.Rule), Name: name(f.Rule), TypeID: 1, Type: "Rule"},
	}
	if a.Change == alerts.Opened {
		info.CreatedTime = ms(f.Observed)
	}
	for _, uid := range some(f.Evidence, mostEvents, id) {
		info.RelatedEvents = append(info.RelatedEvents, related{uid})
	}
	if more := len(f.Evidence) - mostEvents; more > 0 {
		e.Unmapped["evidence_left_out"] = more
	}
	if r := m.rules[f.Rule]; r != nil {
		info.Title, info.Analytic.Name = r.Title, r.Title
		switch {
		case r.NotKnowing:
			info.Types, info.Analytic.Category = append(info.Types, "not_knowing"), "not_knowing"
		case r.Advisory:
			info.Types, info.Analytic.Category = append(info.Types, "advisory"), "advisory"
		}
		for _, uid := range r.Attack {
			info.Attacks = append(info.Attacks, attackOf(uid))
		}
		if len(r.Controls) > 0 {
			e.Unmapped["controls"] = r.Controls
		}
		if r.Do != "" {
			e.Remediation = &described{sentence(r.Do)}
		}
	}
	e.FindingInfo = info
}

// attackOf is a MITRE ATT&CK technique, such as T1078, or a part of one, T1078.004.
func attackOf(uid string) attack {
	const at = "https://attack.mitre.org/techniques/"
	whole, part, ok := strings.Cut(uid, ".")
	out := attack{Technique: &technique{whole, at + whole + "/"}}
	if ok {
		out.SubTechnique = &technique{uid, at + whole + "/" + part + "/"}
	}
	return out
}

var (
	created = caption{1, "Create"}
	updated = caption{2, "Update"}
	closed  = caption{3, "Close"}
)

func activityOf(c alerts.Change) caption {
	switch c {
	case alerts.Opened:
		return created
	case alerts.Resolved, alerts.Retracted:
		return closed
	}
	return updated
}

func severityOf(s schemas.Severity) caption {
	switch s {
	case "":
		return caption{0, "Unknown"}
	case schemas.Info:
		return caption{1, "Informational"}
	case schemas.Low:
		return caption{2, "Low"}
	case schemas.Medium:
		return caption{3, "Medium"}
	case schemas.High:
		return caption{4, "High"}
	case schemas.Critical:
		return caption{5, "Critical"}
	}
	return other(name(string(s)))
}

var (
	fresh      = caption{1, "New"}
	inProgress = caption{2, "In Progress"}
	suppressed = caption{3, "Suppressed"}
	resolved   = caption{4, "Resolved"}
)

// statusOf is what the record says where it is over, else what people have decided,
// else what the policy does.
func statusOf(f *schemas.Finding, t *schemas.Triage) caption {
	switch {
	case f.Status == schemas.Retracted:
		return suppressed
	case f.Status == schemas.Resolved:
		return resolved
	case t != nil && t.Status == schemas.TriageInvestigating:
		return inProgress
	case t != nil && (t.Status == schemas.TriageAccepted || t.Status == schemas.TriageFalsePositive):
		return suppressed
	case t != nil && t.Status == schemas.TriageFixed:
		return resolved
	case f.Suppressed != nil:
		return suppressed
	}
	return fresh
}

// detailOf says why the status is what it is.
func detailOf(f *schemas.Finding, t *schemas.Triage) string {
	var said []string
	switch f.Status {
	case schemas.Retracted:
		said = append(said, "retracted: it was never true")
	case schemas.Resolved:
		said = append(said, "resolved: it was true and is over")
	}
	if t != nil {
		s := fmt.Sprintf("triage: %s by %s", name(string(t.Status)), name(t.By))
		if t.Owner != "" {
			s += ", owner " + name(t.Owner)
		}
		said = append(said, s)
	}
	if s := f.Suppressed; s != nil {
		said = append(said, fmt.Sprintf("suppressed by policy until %s, owner %s: %s", stamp(s.Until), name(s.Owner), name(s.Reason)))
	}
	return strings.Join(said, "; ")
}
