package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"jitaudit/correlate/policy"
	"jitaudit/correlate/stream/entry"
	"jitaudit/internal/config"
	"jitaudit/internal/explain"
	"jitaudit/internal/pipeline"
	"jitaudit/schemas"
	"jitaudit/sinks/clickhouse"
)

// database opens the ClickHouse of a configuration.
func (m *Main) database(cfg *config.Config) (*clickhouse.DB, error) {
	where, err := pipeline.Database(cfg)
	if err != nil {
		return nil, err
	}
	return clickhouse.New(where, m.logger())
}

// inForce are the policies of a configuration; nil where it names none.
func inForce(path string, policies []entry.Policy) (*policy.Set, error) {
	if len(policies) == 0 {
		return nil, nil
	}
	parsed := make([]*policy.Policy, 0, len(policies))
	for _, p := range policies {
		one, err := policy.Parse(p.Name, p.Data)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, one)
	}
	set, err := policy.NewSet(parsed...)
	if err != nil {
		return nil, badPolicy(fmt.Errorf("the policies that %s names: %w", path, err), nil)
	}
	return set, nil
}

// subjectInDatabase reads what is published about a session or finding.
func (m *Main) subjectInDatabase(ctx context.Context, path, id string) (s *explain.Subject, err error) {
	cfg, named, err := readConfig(path, "")
	if err != nil {
		return nil, err
	}
	set, err := inForce(path, named)
	if err != nil {
		return nil, err
	}
	db, err := m.database(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = firstError(err, db.Close()) }()
	if s, err = readSubject(ctx, db, id); err != nil {
		return nil, err
	}
	nameAccounts(s, set)
	return s, nil
}

// readSubject reads a session or finding and what is around it.
func readSubject(ctx context.Context, db *clickhouse.DB, id string) (*explain.Subject, error) {
	s := &explain.Subject{}
	session := id
	if strings.HasPrefix(id, "fnd_") {
		found, err := db.FindingsByID(ctx, id)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, unknownID(id)
		}
		s.Finding, session = &found[0], found[0].Session
	}
	if session != "" {
		found, err := db.SessionsByID(ctx, session)
		switch {
		case err != nil:
			return nil, err
		case len(found) > 0:
			s.Session = &found[0]
		case s.Finding == nil:
			return nil, noSuchSession(ctx, db, id)
		}
	}
	return s, surround(ctx, db, s)
}

// noSuchSession says where a session went, if anywhere.
func noSuchSession(ctx context.Context, db *clickhouse.DB, id string) error {
	became, err := db.BecameOf(ctx, id)
	switch {
	case err != nil:
		return err
	case became != "":
		return fmt.Errorf("%s has become part of %s: explain that one", id, became)
	}
	return unknownID(id)
}

// surround reads what belongs to a session and a finding.
func surround(ctx context.Context, db *clickhouse.DB, s *explain.Subject) (err error) {
	var grants []string
	session := ""
	if s.Session != nil {
		session, grants = s.Session.ID, s.Session.Grants
		if s.Assumptions, err = db.AssumptionsOf(ctx, session); err != nil {
			return err
		}
		if s.Counts, err = db.ActivityCountsOf(ctx, session); err != nil {
			return err
		}
	}
	if s.Finding != nil && s.Finding.Grant != "" && !slices.Contains(grants, s.Finding.Grant) {
		grants = append(slices.Clone(grants), s.Finding.Grant)
	}
	if s.Grants, err = db.GrantsByID(ctx, grants...); err != nil {
		return err
	}
	if s.Findings, err = db.FindingsOf(ctx, session, grants); err != nil {
		return err
	}
	ids, events := about(s)
	if session != "" {
		if s.Calls, err = db.CallsOf(ctx, session, events); err != nil {
			return err
		}
	}
	if s.Triage, err = db.TriageOf(ctx, ids...); err != nil {
		return err
	}
	s.Coverage, err = db.Coverage(ctx)
	return err
}

// about are the ids of all findings, and those of their events.
func about(s *explain.Subject) (ids, events []string) {
	add := func(f *schemas.Finding) {
		ids, events = append(ids, f.ID), append(events, f.Evidence...)
	}
	if s.Finding != nil {
		add(s.Finding)
	}
	for i := range s.Findings {
		add(&s.Findings[i])
	}
	return ids, events
}
