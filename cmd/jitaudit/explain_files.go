package main

import (
	"context"
	"slices"

	"jitaudit/internal/explain"
	"jitaudit/internal/scan"
	"jitaudit/schemas"
)

// wanted keeps of a scan what concerns one id.
type wanted struct {
	id      string
	subject *explain.Subject
	dead    int // records that could not be read
}

// Result implements scan.Sink.
func (w *wanted) Result(r *scan.Result) error {
	finding := slices.IndexFunc(r.Findings, func(f schemas.Finding) bool { return f.ID == w.id })
	session := slices.IndexFunc(r.Sessions, func(s schemas.Session) bool { return s.ID == w.id })
	if finding < 0 && session < 0 {
		return nil
	}
	s := &explain.Subject{}
	if finding >= 0 {
		s.Finding = &r.Findings[finding]
		session = slices.IndexFunc(r.Sessions, func(o schemas.Session) bool { return o.ID == s.Finding.Session })
	}
	var grants []string
	if session >= 0 {
		s.Session, s.Counts = &r.Sessions[session], r.Activity[session]
		grants = s.Session.Grants
	}
	if s.Finding != nil && s.Finding.Grant != "" {
		grants = append(slices.Clone(grants), s.Finding.Grant)
	}
	for _, a := range r.Assumptions {
		if s.Session != nil && a.Session == s.Session.ID {
			s.Assumptions = append(s.Assumptions, a)
		}
	}
	for _, g := range r.Grants {
		if slices.Contains(grants, g.ID) {
			s.Grants = append(s.Grants, g)
		}
	}
	for _, f := range r.Findings {
		if s.Session != nil && f.Session == s.Session.ID || f.Session == "" && f.Grant != "" && slices.Contains(grants, f.Grant) {
			s.Findings = append(s.Findings, f)
		}
	}
	w.subject = s
	return nil
}

// DeadLetter implements scan.Sink.
func (w *wanted) DeadLetter(*schemas.DeadLetter) error {
	w.dead++
	return nil
}

// subjectInFiles finds a session or finding by scanning.
func (m *Main) subjectInFiles(ctx context.Context, f *scanFlags, id string) (*explain.Subject, error) {
	if err := needPolicies(f.policies); err != nil {
		return nil, err
	}
	set, err := readPolicies(f.policies)
	if err != nil {
		return nil, err
	}
	opts, err := f.options(set)
	if err != nil {
		return nil, err
	}
	bars := newProgress(m.Stderr)
	opts.Progress = bars.reports()
	w := &wanted{id: id}
	sum, err := scan.Run(ctx, opts, w)
	bars.close()
	if err != nil {
		return nil, err
	}
	if w.dead > 0 {
		m.logger().Warn("records could not be read; a grant or sign-on among them counts as absent", "records", w.dead)
	}
	if w.subject == nil {
		return nil, unknownID(id)
	}
	w.subject.Coverage = sum.Coverage
	nameAccounts(w.subject, set)
	return w.subject, nil
}
