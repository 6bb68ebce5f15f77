package correlate

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"jitaudit/schemas"
)

// drawEverything adds to a history what the other kinds of fact say, close
// enough to it that they meet. shared are facts that concern nobody.
func drawEverything(t *rapid.T, days, deeds int) (facts, shared []*schemas.Fact) {
	facts = drawHistory(t, days, deeds)
	d := &drawn{t: t, assumed: ofKind(facts, schemas.Assumed), days: days}
	for range rapid.IntRange(0, deeds).Draw(t, "more") {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			d.chain()
		case 1:
			d.snapshots()
		case 2:
			d.request()
		case 3:
			d.revoke()
		case 4:
			d.refusals()
		case 5:
			d.assignment()
		case 6:
			d.deed()
		case 7:
			d.orphan()
		case 8:
			d.rename()
		case 9:
			d.app()
		}
	}
	return append(facts, d.facts...), d.shared
}

func ofKind(facts []*schemas.Fact, kind schemas.FactKind) (out []*schemas.Fact) {
	for _, f := range facts {
		if f.Kind == kind {
			out = append(out, f)
		}
	}
	return out
}

type drawn struct {
	t             *rapid.T
	assumed       []*schemas.Fact
	days, n       int
	facts, shared []*schemas.Fact
}

func (d *drawn) id(kind string) string { d.n++; return fmt.Sprintf("%s-more-%d", kind, d.n) }

func (d *drawn) when() time.Time {
	return day.Add(time.Duration(rapid.IntRange(0, d.days*24*60-1).Draw(d.t, "at")) * time.Minute)
}

func (d *drawn) add(f *schemas.Fact) { d.facts = append(d.facts, f) }

// later is some time after t, mostly soon.
func (d *drawn) later(t time.Time, minutes int) time.Time {
	return t.Add(time.Duration(rapid.IntRange(0, minutes).Draw(d.t, "later")) * time.Minute).Truncate(time.Second)
}

// anchor is one of the assumptions, if there is any.
func (d *drawn) anchor() *schemas.Fact {
	if len(d.assumed) == 0 {
		return nil
	}
	return rapid.SampledFrom(d.assumed).Draw(d.t, "anchor")
}

// chain lets an assumption lead to a further role, that to another, and mints
// keys now and then.
func (d *drawn) chain() {
	a := d.anchor()
	if a == nil {
		return
	}
	by := schemas.Call{PrincipalID: a.Assume.PrincipalID, AccessKeyID: a.Assume.AccessKeyID, CreatedAt: a.At, RoleARN: a.Assume.RoleARN, Service: "sts", Action: "AssumeRole"}
	at := a.At
	for depth := range rapid.IntRange(1, 3).Draw(d.t, "depth") {
		at = d.later(at, 40)
		id := d.id("chain")
		f := fact(schemas.Acted, id, at)
		call := by
		f.Kind, f.Call = schemas.Chained, &call
		f.Chain = &schemas.Chain{
			Account: account2, Role: fmt.Sprintf("Deploy%d", depth), RoleARN: fmt.Sprintf("arn:aws:iam::%s:role/Deploy%d", account2, depth),
			PrincipalID: fmt.Sprintf("AROADEPLOY%d:ada@example.com", depth), AccessKeyID: "ASIA" + id, Expires: at.Add(time.Hour),
		}
		if rapid.IntRange(0, 3).Draw(d.t, "minted") == 0 {
			f.Kind, f.Chain = schemas.Minted, &schemas.Chain{PrincipalID: by.PrincipalID}
		} else if rapid.Bool().Draw(d.t, "cross") {
			f.Chain.SharedID = "shared-" + id
			g := *f
			g.ID, g.Call = id+"-callee", &schemas.Call{PrincipalID: by.PrincipalID}
			d.add(&g)
		}
		d.add(f)
		by = schemas.Call{PrincipalID: f.Chain.PrincipalID, AccessKeyID: f.Chain.AccessKeyID, CreatedAt: at, RoleARN: f.Chain.RoleARN, Service: "s3", Action: "GetObject"}
		c := fact(schemas.Acted, d.id("call"), d.later(at, 70))
		used := by
		c.Call = &used
		d.add(c)
	}
}

// snapshots lists the members of a group now and then, the person or not.
func (d *drawn) snapshots() {
	group := rapid.SampledFrom([]string{"AWS-prod-Admin", "AWS-dev-Reader", "AWS-nowhere-X"}).Draw(d.t, "group")
	at := d.when()
	for range rapid.IntRange(1, 4).Draw(d.t, "rounds") {
		to := at.Add(time.Duration(rapid.IntRange(0, 20).Draw(d.t, "takes")) * time.Minute)
		s := fact(schemas.SnapshotComplete, d.id("snapshot"), to)
		s.Who = schemas.Identity{Org: org}
		s.Snapshot = &schemas.Snapshot{Org: org, Group: schemas.Group{ID: "g-" + group, Name: group}, From: at, To: to}
		d.shared = append(d.shared, s)
		if rapid.Bool().Draw(d.t, "listed") {
			m := fact(schemas.MemberObserved, d.id("member"), at)
			m.Member = &schemas.Group{ID: "g-" + group, Name: group}
			d.add(m)
		}
		at = d.later(to, 600)
	}
}

// request asks for a role or group, and is decided or not.
func (d *drawn) request() {
	at := d.when()
	origin := rapid.SampledFrom([]schemas.RequestOrigin{schemas.OriginFeed, schemas.OriginGovernance, schemas.OriginSelfService}).Draw(d.t, "origin")
	q := schemas.Request{ID: d.id("request"), Origin: origin, Requester: schemas.Actor{ID: "00uada"}}
	switch origin {
	case schemas.OriginFeed:
		q.Account, q.Role = account, rapid.SampledFrom([]string{"Admin", "Reader", "BreakGlass"}).Draw(d.t, "role")
		if rapid.Bool().Draw(d.t, "window") {
			q.From, q.Until = at, at.Add(90*time.Minute)
		}
	case schemas.OriginGovernance:
		q.GroupID, q.Condition = "g-AWS-prod-Admin", "condition"
		c := fact(schemas.ConditionSet, d.id("condition"), d.when())
		c.Who = schemas.Identity{Org: org}
		c.Condition = &schemas.Condition{ID: "condition", Seconds: int64(rapid.IntRange(0, 4).Draw(d.t, "hours")) * 1800}
		d.shared = append(d.shared, c)
	case schemas.OriginSelfService:
		q.AppID, q.ID = oktaApp, oktaApp+"/00uada"
	}
	for _, step := range []schemas.RequestStep{schemas.StepCreated, schemas.StepApproved, schemas.StepResolved, schemas.StepCancelled} {
		if rapid.IntRange(0, 2).Draw(d.t, "skip") == 0 {
			continue
		}
		f := fact(schemas.Requested, d.id("step"), at)
		if origin == schemas.OriginFeed {
			f.Source, f.Shard = schemas.Approvals, schemas.ApprovalsShard("tickets")
		}
		s := q
		s.Step = step
		if step == schemas.StepApproved {
			s.Approvers = []schemas.Actor{{AlternateID: rapid.SampledFrom([]string{"ada@example.com", "boss@example.com"}).Draw(d.t, "approver")}}
		}
		f.Request = &s
		d.add(f)
		at = d.later(at, 30)
	}
}

func (d *drawn) revoke() {
	at := d.when()
	f := fact(schemas.SessionsRevoked, d.id("revoke"), at)
	f.Source, f.Who = schemas.CloudTrail, schemas.Identity{}
	f.Revocation = &schemas.Revocation{Account: account, Role: rapid.SampledFrom([]string{"Admin", "Reader"}).Draw(d.t, "role"), Before: at}
	d.shared = append(d.shared, f)
}

func (d *drawn) refusals() {
	at := d.when()
	for range rapid.IntRange(1, 9).Draw(d.t, "refusals") {
		f := assumed(d.id("refused"), "Okta", account, "Admin", "", at, 0)
		f.Kind, f.Assume.ErrorCode = schemas.AssumeFailed, "AccessDenied"
		d.add(f)
		at = d.later(at, 12)
	}
}

func (d *drawn) assignment() {
	at := d.when()
	for _, kind := range []schemas.FactKind{schemas.AccountAssigned, schemas.AccountUnassigned} {
		f := fact(schemas.Acted, d.id("assign"), at)
		f.Kind = kind
		f.Assignment = &schemas.Assignment{Account: account, PermissionSet: permissionSetARN, Actor: schemas.Actor{AlternateID: "admin"}}
		d.add(f)
		if rapid.Bool().Draw(d.t, "stays") {
			return
		}
		at = d.later(at, 200)
	}
}

func (d *drawn) app() {
	at := d.when()
	for _, kind := range []schemas.FactKind{schemas.AppAssigned, schemas.AppUnassigned} {
		f := fact(kind, d.id("app"), at)
		f.Group = &schemas.GroupChange{ID: oktaApp, Name: "AWS"}
		d.add(f)
		at = d.later(at, 200)
	}
}

func (d *drawn) deed() {
	kind := rapid.SampledFrom([]schemas.FactKind{schemas.CredentialCreated, schemas.TrustChanged, schemas.LogTampered}).Draw(d.t, "deed")
	f := fact(schemas.Acted, d.id("deed"), d.when())
	if a := d.anchor(); a != nil && rapid.Bool().Draw(d.t, "by a session") {
		f = called(f.ID, a, d.later(a.At, 90))
	}
	f.Kind, f.Deed = kind, &schemas.Deed{Action: "Do", Object: "thing", Account: account}
	d.add(f)
}

// orphan uses a watched role that nobody assumed.
func (d *drawn) orphan() {
	created := d.when()
	for range rapid.IntRange(1, 3).Draw(d.t, "uses") {
		f := fact(schemas.Acted, d.id("orphan"), d.later(created, 600))
		f.Call = &schemas.Call{PrincipalID: "AROAWATCHED:ada@example.com", AccessKeyID: "ASIAORPHAN" + fmt.Sprint(created.Unix()), CreatedAt: created,
			RoleARN: "arn:aws:iam::" + account + ":role/Admin", Service: "s3", Action: "GetObject"}
		d.add(f)
	}
}

func (d *drawn) rename() {
	f := fact(schemas.Renamed, d.id("rename"), d.when())
	f.Rename = &schemas.Rename{Old: "ada@example.com", New: "a.example@example.com"}
	d.add(f)
}
