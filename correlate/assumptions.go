package correlate

import (
	"time"

	"jitaudit/correlate/identity"
	"jitaudit/correlate/policy"
	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// assumption is one AssumeRoleWithSAML while it is being judged.
type assumption struct {
	rules.Assumption
	id                string
	uses              []*Use
	firstUse, lastUse time.Time
	lastUseID         string
	// lasts is the later of expiry and last use; end the same or, where it is
	// earlier, the revocation. endedBy is the event that says so, why how.
	lasts, end time.Time
	endedBy    string
	why        schemas.EndReason
	// chain are the further roles that it led to, minted the keys that a command
	// line got from it, created the long-lived credentials that it made.
	chain           []*chained
	minted, created []*schemas.Fact
	chainUses       []*Use
	// requests are those behind the grants that contain it.
	requests []schemas.RequestRef
	// portal are the uses of the portal beside it.
	portal  []*schemas.Fact
	session *session
}

// assumptions judges every assumption by itself; they come sorted by time.
func assumptions(in *Input, facts []*schemas.Fact, opened *openings) []*assumption {
	var assumes []*schemas.Fact
	for _, f := range facts {
		if f.Kind == schemas.Assumed {
			assumes = append(assumes, f)
		}
	}
	if len(assumes) == 0 {
		return nil
	}
	block, out := make([]assumption, len(assumes)), make([]*assumption, len(assumes))
	signOns := newSignOns(facts)
	people := []string{identity.Fold(in.Person.Name)}
	names := newNames(in, facts)
	for i, f := range assumes {
		a := &block[i]
		out[i] = a
		a.Fact, a.Person, a.Policy = f, in.Person, in.Policies.At(f.At)
		a.id = schemas.AssumptionID(in.Person.Key, f.ID)
		a.Provider = a.Policy.Provider(f.Assume.ProviderARN)
		a.Scope = policy.Scope{Account: f.Assume.Account, Role: f.Assume.Role, People: namesAt(a.Policy, people, f.At)}
		signOns.explain(&a.Assumption)
		if a.SignOn == nil {
			a.JoinedBy = ""
		}
		signOns.secondFactor(&a.Assumption)
		judgeGrants(&a.Assumption, opened.grants)
		for _, g := range a.Containing {
			if g.Record.Group != "" {
				a.Scope.Groups = append(a.Scope.Groups, g.Record.Group)
			}
		}
		a.Handles = names.of(&a.Assumption)
		a.portal = names.portalBeside(&a.Assumption)
		a.requests = opened.requestsSeen(&a.Assumption)
		a.Justified = opened.justifying(&a.Assumption)
	}
	opened.used(out)
	return out
}

// attribute hands every use to where its credentials came from and settles when
// each assumption ended.
func attribute(in *Input, facts []*schemas.Fact, all []*assumption, opened *openings) *anchors {
	an := newAnchors(all)
	an.chain(facts)
	uses := fold(in.Uses, facts)
	for i := range uses {
		switch a := an.find(&uses[i].UseKey, uses[i].First); {
		case a == nil:
			an.orphans = append(an.orphans, &uses[i])
		case a.chained != nil:
			a.chained.take(&uses[i])
			a.chainUses = append(a.chainUses, &uses[i])
		default:
			a.take(&uses[i])
		}
	}
	for _, f := range facts {
		if f.Kind == schemas.CredentialCreated {
			if a := an.made(f); a != nil {
				a.created = append(a.created, f)
			}
		}
	}
	for _, a := range all {
		a.settle(in.Shared)
		if !a.Limit.IsZero() {
			a.findLateUse(grantsFor(opened.grants, a.Fact.Assume.Account, a.Fact.Assume.Role))
		}
	}
	return an
}

// settle finds when the assumption ended.
func (a *assumption) settle(shared []*schemas.Fact) {
	a.lasts, a.endedBy, a.why = a.Fact.Assume.Expires, a.Fact.ID, schemas.EndedByExpiry
	if a.lastUse.After(a.lasts) {
		a.lasts, a.endedBy, a.why = a.lastUse, a.lastUseID, schemas.EndedByLastUse
	}
	a.end = a.lasts
	var revoked *schemas.Fact
	for _, f := range shared {
		r := f.Revocation
		if r == nil || r.Account != a.Fact.Assume.Account || r.Role != a.Fact.Assume.Role || !a.At().Before(r.Before) || f.At.Before(a.At()) {
			continue
		}
		if revoked == nil || before(f.At, f.ID, revoked.At, revoked.ID) {
			revoked = f
		}
	}
	if revoked != nil && revoked.At.Before(a.end) {
		a.end, a.endedBy, a.why = revoked.At, revoked.ID, schemas.EndedByRevocation
	}
	a.Ends = a.end
}

func (a *assumption) take(u *Use) {
	if a.uses == nil {
		a.uses = make([]*Use, 0, 4) // an hour
	}
	a.uses = append(a.uses, u)
	if a.firstUse.IsZero() || u.First.Before(a.firstUse) {
		a.firstUse = u.First
	}
	if before(a.lastUse, a.lastUseID, u.Last, u.LastID) {
		a.lastUse, a.lastUseID = u.Last, u.LastID
	}
}

// findLateUse looks for the earliest known call after the grants' end. Only
// the first and the last call of each quarter of an hour are known.
func (a *assumption) findLateUse(grants []*rules.Grant) {
	for _, uses := range [][]*Use{a.uses, a.chainUses} {
		for _, u := range uses {
			a.considerLate(u.First, u.FirstID, grants)
			a.considerLate(u.Last, u.LastID, grants)
		}
	}
}

func (a *assumption) considerLate(at time.Time, id string, grants []*rules.Grant) {
	if !at.After(a.Limit) {
		return
	}
	if a.LateUse != nil && !before(at, id, a.LateUse.At, a.LateUse.EventID) {
		return
	}
	for _, g := range grants {
		if g.Contains(at) {
			return
		}
	}
	a.LateUse = &rules.Use{EventID: id, At: at}
}

// record is the assumption as others see it.
func (a *assumption) record() schemas.Assumption {
	f, as := a.Fact, a.Fact.Assume
	r := schemas.Assumption{
		ID:          a.id,
		EventID:     f.ID,
		Person:      a.Person,
		At:          f.At,
		Expires:     as.Expires,
		Account:     as.Account,
		Role:        as.Role,
		RoleARN:     as.RoleARN,
		SessionName: f.Who.SessionName,
		Federation:  as.Federation,
		ProviderARN: as.ProviderARN,
		AssertionID: f.Who.AssertionID,
		IP:          as.IP,
		UserAgent:   as.UserAgent,
		Session:     a.session.record.ID,
		JoinedBy:    a.JoinedBy,
		FirstUse:    a.firstUse,
		LastUse:     a.lastUse,
		Policy:      a.Policy.ID(),
	}
	if a.SignOn != nil {
		r.SignOn = a.SignOn.ID
	}
	for _, g := range a.Containing {
		r.Grants = append(r.Grants, g.Record.ID)
	}
	return r
}
