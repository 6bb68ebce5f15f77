package correlate

import (
	"strings"
	"time"

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
	// end is the later of expiry and last use, endedBy the event that says so.
	end     time.Time
	endedBy string
	session *session
}

// assumptions judges every assumption by itself; they come sorted by time.
func assumptions(in *Input, facts []*schemas.Fact, grants []*rules.Grant) []*assumption {
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
	people := []string{strings.ToLower(strings.TrimSpace(in.Person.Name))}
	for i, f := range assumes {
		a := &block[i]
		out[i] = a
		a.Fact, a.Person, a.Policy = f, in.Person, in.Policies.At(f.At)
		a.id = schemas.AssumptionID(in.Person.Key, f.ID)
		a.Provider = a.Policy.Provider(f.Assume.ProviderARN)
		a.Scope = policy.Scope{Account: f.Assume.Account, Role: f.Assume.Role, People: people}
		signOns.explain(&a.Assumption)
		if a.SignOn == nil {
			a.JoinedBy = ""
		}
		signOns.secondFactor(&a.Assumption)
		judgeGrants(&a.Assumption, grants)
	}
	return out
}

// attribute hands every use to its assumption and settles when each ended.
func attribute(all []*assumption, uses []Use, grants []*rules.Grant) *anchors {
	an := newAnchors(all)
	for i := range uses {
		if a := an.find(&uses[i].UseKey, uses[i].First); a != nil {
			a.take(&uses[i])
		}
	}
	for _, a := range all {
		a.end, a.endedBy = a.Fact.Assume.Expires, a.Fact.ID
		if a.lastUse.After(a.end) {
			a.end, a.endedBy = a.lastUse, a.lastUseID
		}
		if !a.Limit.IsZero() && a.lastUse.After(a.Limit) {
			a.findLateUse(grantsFor(grants, a.Fact.Assume.Account, a.Fact.Assume.Role))
		}
	}
	return an
}

func (a *assumption) take(u *Use) {
	if a.uses == nil {
		a.uses = make([]*Use, 0, 4) // an hour
	}
	a.uses = append(a.uses, u)
	if a.firstUse.IsZero() || u.First.Before(a.firstUse) {
		a.firstUse = u.First
	}
	if a.lastUseID == "" || before(a.lastUse, a.lastUseID, u.Last, u.LastID) {
		a.lastUse, a.lastUseID = u.Last, u.LastID
	}
}

// findLateUse looks for the earliest known call after the grants' end. Only
// the first and the last call of each quarter of an hour are known.
func (a *assumption) findLateUse(grants []*rules.Grant) {
	for _, u := range a.uses {
		a.considerLate(u.First, u.FirstID, grants)
		a.considerLate(u.Last, u.LastID, grants)
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
