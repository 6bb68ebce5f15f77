package correlate

import (
	"cmp"
	"slices"
	"strings"

	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// session is a JIT session while it is being judged.
type session struct {
	record      schemas.Session
	assumptions []*assumption // by time
	endedBy     string
}

// sessions joins assumptions that overlap; all is sorted by time.
func sessions(all []*assumption) []*session {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, bySessionKey)
	out := make([]*session, 0, len(all))
	var current *session
	for _, a := range sorted {
		if current == nil || bySessionKey(current.assumptions[0], a) != 0 || a.At().After(current.record.End) {
			current = &session{record: schemas.Session{Start: a.At()}}
			out = append(out, current)
		}
		current.add(a)
	}
	for _, s := range out {
		s.describe()
	}
	slices.SortFunc(out, func(a, b *session) int {
		return cmp.Or(a.record.Start.Compare(b.record.Start), cmp.Compare(a.record.ID, b.record.ID))
	})
	return out
}

func bySessionKey(a, b *assumption) int {
	x, y := a.Fact, b.Fact
	if c := strings.Compare(x.Assume.Account, y.Assume.Account); c != 0 {
		return c
	}
	if c := strings.Compare(x.Assume.Role, y.Assume.Role); c != 0 {
		return c
	}
	return strings.Compare(x.Who.SessionName, y.Who.SessionName)
}

func (s *session) add(a *assumption) {
	s.assumptions = append(s.assumptions, a)
	a.session = s
	if a.end.After(s.record.End) {
		s.record.End, s.record.EndedBy, s.endedBy = a.end, a.why, a.endedBy
	}
	if a.lastUse.After(s.record.LastUse) {
		s.record.LastUse = a.lastUse
	}
}

// describe fills in all of the record but its verdict.
func (s *session) describe() {
	first := s.assumptions[0]
	r := &s.record
	r.ID = schemas.SessionID(first.id)
	r.Person = first.Person
	r.Account, r.Role = first.Fact.Assume.Account, first.Fact.Assume.Role
	r.SessionName, r.Federation = first.Fact.Who.SessionName, first.Fact.Assume.Federation
	r.Policy = first.Policy.ID()

	r.Assumptions = make([]string, 0, len(s.assumptions))
	e := newEvidence(len(s.assumptions) + 4)
	for _, a := range s.assumptions {
		r.Assumptions = append(r.Assumptions, a.id)
		e.ids = append(e.ids, a.Fact.ID)
	}
	s.describeSignOn(e)
	s.describeGrants(e)
	s.describeRequests(e)
	s.describeUse()
	s.describeChained(e)
	if r.EndedBy == schemas.EndedByRevocation {
		e.add(s.endedBy)
	}
	r.Evidence = e.ids
}

func (s *session) describeSignOn(e *evidence) {
	r := &s.record
	for _, a := range s.assumptions {
		if a.SignOn != nil && r.SignOn == nil {
			r.SignOn = &schemas.SignOnRef{EventID: a.SignOn.ID, At: a.SignOn.At, JoinedBy: a.JoinedBy, IP: a.SignOn.SignOn.IP}
			e.add(a.SignOn.ID)
		}
		if a.Factor != nil && r.Factor == nil {
			r.Factor = &schemas.FactorRef{EventID: a.Factor.ID, At: a.Factor.At, Name: a.Factor.Factor.Name}
			e.add(a.Factor.ID)
		}
	}
}

// describeGrants names as primary the grant that was opened last of those that
// contain the first assumption which any contains.
func (s *session) describeGrants(e *evidence) {
	r := &s.record
	for _, a := range s.assumptions {
		for _, g := range a.Containing {
			if r.Grant == "" {
				r.Grant = g.Record.ID
			}
			if !slices.Contains(r.Grants, g.Record.ID) {
				r.Grants = append(r.Grants, g.Record.ID)
				e.add(g.Evidence(a.SeenFrom())...)
			}
		}
	}
}

// describeRequests names those behind the grants, and their events. Of one
// request the first assumption that follows it says how far it had come.
func (s *session) describeRequests(e *evidence) {
	for _, a := range s.assumptions {
		for _, q := range a.requests {
			if slices.ContainsFunc(s.record.Requests, func(o schemas.RequestRef) bool { return o.Evidence[0] == q.Evidence[0] }) {
				continue
			}
			s.record.Requests = append(s.record.Requests, q)
			e.add(q.Evidence...)
		}
	}
}

// describeUse says which services were called, and by what means.
func (s *session) describeUse() {
	for _, a := range s.assumptions {
		for _, u := range a.uses {
			s.record.Services = union(s.record.Services, u.Services)
		}
		s.record.Origins = union(s.record.Origins, a.origins())
	}
}

// clis and sdks are parts of user agents. Tools that fetch credentials for a
// command line call STS by an SDK and name themselves only sometimes, so an SDK
// alone says no more than that.
var (
	clis = []string{"aws-cli", "saml2aws", "gimme-aws-creds", "okta-aws-cli", "aws-vault"}
	sdks = []string{"Boto3", "Botocore", "aws-sdk-"}
)

// origins is by what means the session was used, as far as the assumption, the
// portal and minted keys tell.
func (a *assumption) origins() (out []schemas.Origin) {
	as := a.Fact.Assume
	named := func(parts []string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(as.UserAgent, p) })
	}
	switch {
	case as.Browser:
		out = append(out, schemas.FromConsole)
	case as.Federation == schemas.IdentityCenter: // AWS itself made the call
	case named(clis):
		out = append(out, schemas.FromCLI)
	case named(sdks):
		out = append(out, schemas.FromSDK)
	}
	for _, f := range a.portal {
		switch f.Portal.Event {
		case "Federate":
			out = append(out, schemas.FromConsole)
		case "CreateToken", "GetRoleCredentials":
			out = append(out, schemas.FromCLI)
		}
	}
	if len(a.minted) > 0 {
		out = append(out, schemas.FromCLI)
	}
	return out
}

// chained are all further roles that the session led to, by time.
func (s *session) chained() (all []*chained) {
	for _, a := range s.assumptions {
		all = append(all, a.chain...)
	}
	slices.SortFunc(all, compareChained)
	return all
}

// describeChained shows the further roles, and the events of their making.
func (s *session) describeChained(e *evidence) {
	for _, c := range s.chained() {
		s.record.Chained = append(s.record.Chained, c.record())
		for _, f := range c.facts() {
			e.add(f.ID)
		}
	}
	for _, a := range s.assumptions {
		for _, f := range a.minted {
			e.add(f.ID)
		}
	}
}

// forRules is the session as rules see it.
func (s *session) forRules() *rules.Session {
	first := s.assumptions[0]
	out := &rules.Session{
		Record:    &s.record,
		Person:    first.Person,
		Policy:    first.Policy,
		Scope:     first.Scope,
		LastEvent: s.endedBy,
	}
	out.Assumptions = make([]*rules.Assumption, len(s.assumptions))
	for i, a := range s.assumptions {
		out.Assumptions[i] = &a.Assumption
		out.Created = append(out.Created, a.created...)
	}
	slices.SortFunc(out.Created, byTime)
	for _, c := range s.chained() {
		out.Chained = append(out.Chained, c.facts()...)
	}
	return out
}

// evidence gathers event ids, each once, in the order of their first mention.
type evidence struct{ ids []string }

func newEvidence(n int) *evidence { return &evidence{ids: make([]string, 0, n)} }

// add leaves out what is there already. A session's assumptions, which can be
// many and are distinct, are appended without it.
func (e *evidence) add(ids ...string) {
	for _, id := range ids {
		if id != "" && !slices.Contains(e.ids, id) {
			e.ids = append(e.ids, id)
		}
	}
}
