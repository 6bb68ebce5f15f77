package main

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/internal/scan"
	"jitaudit/internal/visible"
	"jitaudit/schemas"
)

// csvPrinter writes one kind of record, a row each (RFC 4180, with line feeds).
type csvPrinter struct {
	w        *csv.Writer
	kind     string
	policies *policy.Set
	row      []string
	begun    bool
}

func newCSV(w io.Writer, kind string, set *policy.Set) *csvPrinter {
	return &csvPrinter{w: csv.NewWriter(w), kind: kind, policies: set}
}

func header(kind string) string {
	const who = "person,person_key,account,account_name,role,"
	switch kind {
	case "sessions":
		return "id,start,end,last_use," + who + "session_name,federation,verdict,findings,unjudged,mfa,factor," +
			"sign_on,joined_by,source_ip,grant,calls,writes,denied,service_driven,services,policy,evidence"
	case "findings":
		return "id,rule,severity,status,at," + who + "session,grant,why,policy,anchor,evidence"
	case "grants":
		return "id,opened,approved_until,removed," + who + "group,group_id,granted_by,removed_by,policy,evidence"
	default:
		return "id,event_id,at,expires," + who + "role_arn,session_name,federation,provider_arn,assertion_id," +
			"ip,user_agent,session,sign_on,joined_by,grants,first_use,last_use,policy"
	}
}

// Result implements scan.Sink.
func (p *csvPrinter) Result(r *scan.Result) error {
	if err := p.begin(); err != nil {
		return err
	}
	switch p.kind {
	case "sessions":
		broken := openRules(r.Findings)
		for i := range r.Sessions {
			if err := p.session(&r.Sessions[i], &r.Activity[i], broken[r.Sessions[i].ID]); err != nil {
				return err
			}
		}
		return nil
	case "findings":
		return rows(r.Findings, p.finding)
	case "grants":
		return rows(r.Grants, p.grant)
	default:
		return rows(r.Assumptions, p.assumption)
	}
}

func rows[T any](list []T, write func(*T) error) error {
	for i := range list {
		if err := write(&list[i]); err != nil {
			return err
		}
	}
	return nil
}

// DeadLetter implements scan.Sink; dead letters are none of the records.
func (p *csvPrinter) DeadLetter(*schemas.DeadLetter) error { return nil }

// Finish implements printer.
func (p *csvPrinter) Finish(*scan.Summary) error {
	if err := p.begin(); err != nil {
		return err
	}
	p.w.Flush()
	return p.w.Error()
}

func (p *csvPrinter) begin() error {
	if p.begun {
		return nil
	}
	p.begun = true
	return p.w.Write(strings.Split(header(p.kind), ","))
}

func (p *csvPrinter) write(values ...string) error {
	p.row = p.row[:0]
	for _, v := range values {
		p.row = append(p.row, visible.Cell(v))
	}
	return p.w.Write(p.row)
}

func (p *csvPrinter) session(s *schemas.Session, n *schemas.ActivityCounts, broken []string) error {
	var signOn schemas.SignOnRef
	if s.SignOn != nil {
		signOn = *s.SignOn
	}
	factor := ""
	if s.Factor != nil {
		factor = s.Factor.Name
	}
	var unjudged []string
	for _, u := range s.Unjudged {
		unjudged = append(unjudged, u.Rule+" ("+string(u.Reason)+")")
	}
	return p.write(s.ID, instant(s.Start), instant(s.End), instant(s.LastUse), s.Person.Name, s.Person.Key,
		s.Account, p.accountName(s.Account, s.Start), s.Role, s.SessionName, string(s.Federation),
		string(s.Verdict), list(broken), list(unjudged), string(s.MFA), factor,
		signOn.EventID, string(signOn.JoinedBy), signOn.IP, s.Grant,
		strconv.Itoa(n.Calls), strconv.Itoa(n.Writes), strconv.Itoa(n.Denied), strconv.Itoa(n.ServiceDriven),
		list(s.Services), s.Policy, list(s.Evidence))
}

func (p *csvPrinter) finding(f *schemas.Finding) error {
	return p.write(f.ID, f.Rule, string(f.Severity), string(f.Status), instant(f.At), f.Person.Name, f.Person.Key,
		f.Account, p.accountName(f.Account, f.At), f.Role, f.Session, f.Grant, f.Why, f.Policy, f.Anchor, list(f.Evidence))
}

func (p *csvPrinter) grant(g *schemas.Grant) error {
	at := g.Opened
	if at.IsZero() {
		at = g.Removed
	}
	return p.write(g.ID, instant(g.Opened), instant(g.ApprovedUntil), instant(g.Removed), g.Person.Name, g.Person.Key,
		g.Account, p.accountName(g.Account, at), g.Role, g.Group, g.GroupID, actor(g.GrantedBy), actor(g.RemovedBy),
		g.Policy, list(g.Evidence))
}

func (p *csvPrinter) assumption(a *schemas.Assumption) error {
	return p.write(a.ID, a.EventID, instant(a.At), instant(a.Expires), a.Person.Name, a.Person.Key,
		a.Account, p.accountName(a.Account, a.At), a.Role, a.RoleARN, a.SessionName, string(a.Federation), a.ProviderARN,
		a.AssertionID, a.IP, a.UserAgent, a.Session, a.SignOn, string(a.JoinedBy), list(a.Grants),
		instant(a.FirstUse), instant(a.LastUse), a.Policy)
}

func (p *csvPrinter) accountName(id string, at time.Time) string {
	return p.policies.At(at).AccountName(id)
}

// actor names who did something in Okta by what says most.
func actor(a *schemas.Actor) string {
	switch {
	case a == nil:
		return ""
	case a.AlternateID != "" && a.AlternateID != "unknown":
		return a.AlternateID
	case a.Name != "":
		return a.Name
	}
	return a.ID
}

// instant is empty for a time that is not known.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func list(values []string) string { return strings.Join(values, "; ") }

// openRules are the rules that each session breaks, by session id.
func openRules(findings []schemas.Finding) map[string][]string {
	broken := map[string][]string{}
	for i := range findings {
		if f := &findings[i]; f.Session != "" && f.Status == schemas.Open {
			broken[f.Session] = append(broken[f.Session], f.Rule)
		}
	}
	return broken
}
