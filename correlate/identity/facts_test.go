package identity

import (
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

const day24 = 24 * time.Hour

// hours is a time after monday.
func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

func policySet(t testing.TB, texts ...string) *policy.Set {
	t.Helper()
	var all []*policy.Policy
	for _, text := range texts {
		p, err := policy.Parse("test.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	s, err := policy.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func built(ps *policy.Set, facts ...*schemas.Fact) *Directory {
	b := NewBuilder(ps)
	for _, f := range facts {
		b.Observe(f)
	}
	return b.Directory()
}

// learnt is a directory that has learnt the facts the last first, each twice.
func learnt(ps *policy.Set, facts ...*schemas.Fact) *Directory {
	d := NewDirectory(ps)
	for i := range 2 * len(facts) {
		for _, c := range Claims(facts[len(facts)-1-i/2]) {
			d.Learn(c)
		}
	}
	return d
}

func oktaFact(kind schemas.FactKind, id, login string, after time.Duration) *schemas.Fact {
	return &schemas.Fact{
		ID: string(kind) + id + login + after.String(), Kind: kind, Source: schemas.Okta, At: monday.Add(after),
		Who: schemas.Identity{Org: "a", OktaUserID: id, Login: login},
	}
}

func renamed(id, login, from, to string, after time.Duration) *schemas.Fact {
	f := oktaFact(schemas.Renamed, id, login, after)
	f.ID += from + to
	f.Rename = &schemas.Rename{Old: from, New: to}
	return f
}

func deactivated(id, login string, after time.Duration) *schemas.Fact {
	return oktaFact(schemas.Deactivated, id, login, after)
}

func observed(portalID, name, email string, after time.Duration) *schemas.Fact {
	return &schemas.Fact{
		ID: "listed" + portalID + name + email, Kind: schemas.UserObserved, Source: schemas.CloudTrail, At: monday.Add(after),
		Who: schemas.Identity{PortalUserID: portalID, NameID: name, Email: email},
	}
}

func awsFact(kind schemas.FactKind, who schemas.Identity, after time.Duration) *schemas.Fact {
	f := &schemas.Fact{
		ID:   string(kind) + who.SessionName + who.IAMUser + who.PortalUserID + after.String(),
		Kind: kind, Source: schemas.CloudTrail, At: monday.Add(after), Who: who,
	}
	switch kind {
	case schemas.TrustChanged, schemas.LogTampered, schemas.CredentialCreated:
		f.Deed = &schemas.Deed{}
	case schemas.Entered:
		f.Entry = &schemas.Entry{}
	case schemas.AccountAssigned, schemas.AccountUnassigned:
		f.Assignment = &schemas.Assignment{}
	}
	return f
}

func requested(who schemas.Identity, after time.Duration) *schemas.Fact {
	return &schemas.Fact{
		ID: "approved" + who.Org + who.Login + who.NameID + who.Email, Kind: schemas.Requested, Source: schemas.Approvals, At: monday.Add(after),
		Who: who, Request: &schemas.Request{Step: schemas.StepApproved, Origin: schemas.OriginFeed},
	}
}

// session names a role session and the key it has.
type session struct{ principal, key string }

func (s session) assumed(name string, after time.Duration) *schemas.Fact {
	f := role("A", schemas.Identity{SessionName: name}, after)
	f.ID = "assumed" + s.key
	f.Assume.PrincipalID, f.Assume.AccessKeyID = s.principal, s.key
	return f
}

// made is the call by which a role session made credentials of another one.
func (s session) made(to session, after time.Duration) *schemas.Fact {
	return &schemas.Fact{
		ID: "chain" + s.key + to.key, Kind: schemas.Chained, Source: schemas.CloudTrail, At: monday.Add(after),
		Call:  &schemas.Call{PrincipalID: s.principal, AccessKeyID: s.key},
		Chain: &schemas.Chain{PrincipalID: to.principal, AccessKeyID: to.key},
	}
}

func (s session) entered(way schemas.EntryWay, after time.Duration) *schemas.Fact {
	f := awsFact(schemas.Entered, schemas.Identity{SessionName: "robot"}, after)
	f.ID += s.key
	f.Entry = &schemas.Entry{Way: way, PrincipalID: s.principal, AccessKeyID: s.key}
	return f
}
