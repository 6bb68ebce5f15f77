package rules

import (
	"slices"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

const grantsPolicy = rulesPolicy + `
trusted_grantors: [{name: JIT access flow}, {alternate_id: helpdesk@example.com}]
bounds: {standing_access: 2d}
`

func grantsPolicyOf(t *testing.T, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var (
	flow     = schemas.Actor{ID: "0oaflow", Type: "PublicClientApp", AlternateID: "unknown", Name: "JIT access flow"}
	script   = schemas.Actor{ID: "0oascript", Type: "PublicClientApp", AlternateID: "unknown", Name: "old script"}
	helpdesk = schemas.Actor{ID: "00uhelp", Type: "User", AlternateID: "helpdesk@example.com", Name: "Helpdesk"}
	bob      = schemas.Actor{ID: "00ubob", Type: "User", AlternateID: "bob@example.com", Name: "Bob"}
	ada      = schemas.Actor{ID: "00uada", Type: "User", AlternateID: "ada@example.com", Name: "Ada"}
)

// given is a grant of Ada's that these actors opened and extended, one an hour.
func given(p *policy.Policy, by ...schemas.Actor) *Grant {
	g := grant(p, noon, time.Time{})
	g.Record.Person = schemas.Person{Key: "okta:example/00uada", Name: "ada@example.com", Org: "example"}
	g.Events = nil
	for i, a := range by {
		f := &schemas.Fact{ID: "add-" + a.Name, Kind: schemas.GroupAdded, Shard: "okta/example", At: noon.Add(time.Duration(i) * time.Hour), Group: &schemas.GroupChange{Name: "AWS-prod-Admin", Actor: a}}
		g.Events = append(g.Events, f)
	}
	g.Opener = g.Events[0]
	g.Record.Evidence = eventIDs(g.Events...)
	return g
}

// changed is a grant with something else about it.
func changed(g *Grant, change func(*Grant)) *Grant { change(g); return g }

// assigned makes of a grant's first addition an account assignment.
func assigned(g *Grant, by schemas.Actor) *Grant {
	f := g.Opener
	f.Kind, f.Group, f.Shard = schemas.AccountAssigned, nil, "aws/999999999999/eu-central-1"
	f.Assignment = &schemas.Assignment{Account: "111111111111", PermissionSet: "arn:aws:sso:::permissionSet/ssoins-1/ps-1", Actor: by}
	g.Org, g.Record.Source, g.Record.Group = "", schemas.ByAssignment, "arn:aws:sso:::permissionSet/ssoins-1/ps-1"
	return g
}

func TestRulesOfWhoGave(t *testing.T) {
	p, open := grantsPolicyOf(t, grantsPolicy), grantsPolicyOf(t, rulesPolicy)
	asApp := func(g *Grant) {
		g.Opener.Kind, g.Record.Source, g.Record.Group = schemas.AppAssigned, schemas.ByApp, "AWS production"
	}
	renewedBy := func(a schemas.Actor) func(*Grant) {
		return func(g *Grant) {
			g.Renewal = &schemas.Fact{ID: "again", Kind: schemas.GroupAdded, At: noon.Add(9 * time.Hour), Group: &schemas.GroupChange{Actor: a}}
			g.Events = append(g.Events, g.Renewal)
		}
	}
	for _, c := range []struct {
		rule, name string
		grant      *Grant
		why        string
		evidence   string
	}{
		{"manual_grant", "by a trusted machine", given(p, flow), "", ""},
		{"manual_grant", "by a trusted person", given(p, helpdesk), "", ""},
		{"manual_grant", "by a person", given(p, bob), "ada@example.com was given AWS-prod-Admin at 2026-03-02 12:00:00Z by bob@example.com, who is no trusted grantor.", "add-Bob add-Bob"},
		{"manual_grant", "by a machine", given(p, script), "by old script, who is no trusted grantor", "add-old script add-old script"},
		{"manual_grant", "by a machine, where none is listed", given(open, script), "", ""},
		{"manual_grant", "by a person, where none is listed", given(open, bob), "by bob@example.com", "add-Bob add-Bob"},
		{"manual_grant", "extended by hand", given(p, flow, bob), "at 2026-03-02 13:00:00Z by bob@example.com", "add-Bob add-JIT access flow add-Bob"},
		{"manual_grant", "renewed by hand", changed(given(p, flow), renewedBy(bob)), "", ""},
		{"manual_grant", "by the member", given(p, ada), "", ""},
		{"manual_grant", "by nobody named", given(p, schemas.Actor{Type: "User"}), "", ""},
		{"manual_grant", "by somebody with no more than a name", given(p, schemas.Actor{Type: "User", Name: "Eve"}), "by Eve, who", "add-Eve add-Eve"},
		{"manual_grant", "by somebody with no more than a login", given(p, schemas.Actor{Type: "User", AlternateID: "eve@example.com"}), "by eve@example.com, who", "add- add-"},
		{"manual_grant", "an application", changed(given(p, bob), asApp), "was given AWS production at", "add-Bob add-Bob"},
		{"manual_grant", "an account", assigned(given(p, flow), bob), "was given Admin in prod at", "add-JIT access flow add-JIT access flow"},
		{"manual_grant", "opening unknown", changed(given(p, bob), func(g *Grant) {
			g.Opener, g.Events = nil, []*schemas.Fact{{ID: "remove", Kind: schemas.GroupRemoved, At: noon, Group: &schemas.GroupChange{Actor: bob}}}
		}), "", ""},
		{"manual_grant", "listed", changed(given(p, bob), listed), "", ""},

		{"self_granted", "by a person", given(p, bob), "", ""},
		{"self_granted", "by the member", given(p, ada), "ada@example.com gave AWS-prod-Admin to themselves at 2026-03-02 12:00:00Z.", "add-Ada add-Ada"},
		{"self_granted", "by a job of Okta's that bears the member's name", given(p, schemas.Actor{ID: ada.ID, Type: "SystemPrincipal", AlternateID: ada.AlternateID, Name: "job"}), "", ""},
		{"self_granted", "by the member, by id alone", given(p, schemas.Actor{ID: "00uada", Type: "User", Name: "id"}), "to themselves", "add-id add-id"},
		{"self_granted", "by the member, by login alone", given(p, schemas.Actor{AlternateID: " ADA@example.com", Name: "login"}), "to themselves", "add-login add-login"},
		{"self_granted", "by another user who once had the login", given(p, schemas.Actor{ID: "00uold", Type: "User", AlternateID: "ada@example.com", Name: "other"}), "", ""},
		{"self_granted", "extended by the member", given(p, flow, ada), "at 2026-03-02 13:00:00Z", "add-Ada add-JIT access flow add-Ada"},
		{"self_granted", "renewed by the member", changed(given(p, flow), renewedBy(ada)), "", ""},
		{"self_granted", "an account, by a role session of the member", assigned(given(p, flow), schemas.Actor{ID: "AROA1:ada@example.com", Type: "AssumedRole", AlternateID: "ada@example.com"}), "gave Admin in prod to themselves", "add-JIT access flow add-JIT access flow"},
		{"self_granted", "by a machine without login, to a person of that name", changed(given(p, schemas.Actor{ID: "0oa1", AlternateID: "unknown", Name: "flow"}), func(g *Grant) { g.Record.Person.Name = "unknown" }), "", ""},
		{"self_granted", "the member known by login", changed(given(p, ada), func(g *Grant) { g.Record.Person.Key = "okta:example/ada@example.com" }), "to themselves", "add-Ada add-Ada"},
		{"self_granted", "by a machine without login, to a person without name", changed(given(p, schemas.Actor{ID: "0oa1", AlternateID: "unknown", Name: "flow"}), func(g *Grant) { g.Record.Person.Name = "" }), "", ""},
		{"self_granted", "a stranger to Okta, by a user of that name", changed(given(p, schemas.Actor{ID: "00ux", Type: "User", AlternateID: "j.doe", Name: "x"}), func(g *Grant) { g.Record.Person = schemas.Person{Key: "aws:j.doe", Name: "J.Doe"} }), "J.Doe gave", "add-x add-x"},
		{"self_granted", "the member known by an earlier login", changed(given(p, schemas.Actor{AlternateID: "ada@example.com", Name: "x"}), func(g *Grant) {
			g.Record.Person.Key, g.Record.Person.Name = "okta:example/ada@example.com", "ada.lovelace@example.com"
		}), "to themselves", "add-x add-x"},
		{"self_granted", "a stranger to Okta", changed(given(p, schemas.Actor{AlternateID: "j.doe", Name: "x"}), func(g *Grant) { g.Record.Person = schemas.Person{Key: "aws:j.doe", Name: "J.Doe"} }), "J.Doe gave", "add-x add-x"},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			b := named(t, c.rule).Grant(c.grant)
			check(t, b, c.why, nil, c.evidence)
			if b != nil && (b.Anchor != c.grant.Opener || b.Grant != "grt") {
				t.Errorf("hangs on %s, about %s", b.Anchor.ID, b.Grant)
			}
		})
	}
}

// listed makes a grant one of which only Okta's listing of the member is known.
func listed(g *Grant) {
	g.Opener = &schemas.Fact{ID: "listed", Kind: schemas.MemberObserved, Shard: "okta/example", At: noon}
	g.Events = []*schemas.Fact{g.Opener}
	g.From, g.Limit = noon.Add(-24*time.Hour), time.Time{}
	g.Record.Source, g.Record.Opened, g.Record.ApprovedUntil, g.Record.FirstObserved = schemas.BySnapshot, time.Time{}, time.Time{}, noon
	g.Record.Evidence = []string{"listed"}
}

func TestSelfApproved(t *testing.T) {
	p := testPolicy(t)
	asked := func(requester schemas.Actor, approvers ...schemas.Actor) *Request {
		return &Request{
			RequestRef: schemas.RequestRef{ID: "REQ-1"}, Decision: &schemas.Fact{ID: "decided", At: noon.Add(-time.Minute)},
			Requester: requester, Approvers: approvers, Grantee: schemas.Identity{Org: "example", OktaUserID: "00uada"},
		}
	}
	grantee := func(q *Request, w schemas.Identity) *Request { q.Grantee = w; return q }
	login := func(s string) schemas.Actor { return schemas.Actor{AlternateID: s} }
	id := func(s string) schemas.Actor { return schemas.Actor{ID: s} }
	for _, c := range []struct {
		name     string
		requests []*Request
		why      string
	}{
		{"no request", nil, ""},
		{"nobody known to have approved", []*Request{asked(ada)}, ""},
		{"by another", []*Request{asked(ada, bob)}, ""},
		{"by the grantee", []*Request{asked(ada, ada)}, "ada@example.com approved the request REQ-1 for AWS-prod-Admin at 2026-03-02 11:59:00Z; it was for themselves."},
		{"by the grantee, whom another asked for", []*Request{asked(bob, ada)}, "it was for themselves"},
		{"by the requester, for another", []*Request{asked(bob, bob)}, "bob@example.com approved the request REQ-1 for AWS-prod-Admin at 2026-03-02 11:59:00Z; they had made it."},
		{"by the requester among others", []*Request{asked(bob, helpdesk, bob)}, "they had made it"},
		{"by the requester, both by login", []*Request{asked(login("bob@example.com"), login("BOB@example.com "))}, "they had made it"},
		{"by the requester, both by id", []*Request{asked(id("00ubob"), id("00ubob"))}, "00ubob approved"},
		{"by the requester, one by id and one by both", []*Request{asked(id("00ubob"), bob)}, "they had made it"},
		{"by the requester, one by login and one by both", []*Request{asked(login("bob@example.com"), bob)}, "they had made it"},
		{"by the requester, one by both and one by login", []*Request{asked(bob, login("bob@example.com"))}, "they had made it"},
		{"by another user with the requester's old login", []*Request{asked(bob, schemas.Actor{ID: "00unew", AlternateID: "bob@example.com"})}, ""},
		{"one by id, one by login", []*Request{asked(id("00ubob"), login("bob@example.com"))}, ""},
		{"two machines without login", []*Request{asked(login("unknown"), login("unknown"))}, ""},
		{"nobody named on either side", []*Request{asked(schemas.Actor{}, schemas.Actor{})}, ""},
		{"by the grantee under another name", []*Request{grantee(asked(bob, login("ada.example")), schemas.Identity{Login: "Ada.Example"})}, "it was for themselves"},
		{"by the grantee by another id", []*Request{grantee(asked(bob, id("00ualt")), schemas.Identity{OktaUserID: "00ualt"})}, "it was for themselves"},
		{"by the grantee by a subject", []*Request{grantee(asked(bob, login("ada.alt")), schemas.Identity{NameID: "Ada.Alt"})}, "it was for themselves"},
		{"by the member, the grantee unnamed", []*Request{grantee(asked(bob, ada), schemas.Identity{})}, "it was for themselves"},
		{"the second request", []*Request{asked(ada, bob), asked(ada, ada)}, "it was for themselves"},
		{"without an id", []*Request{changedRequest(asked(ada, ada), func(q *Request) { q.ID = "" })}, "approved the request without id for"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := given(p, flow)
			g.Requests = c.requests
			b := named(t, "self_approved").Grant(g)
			check(t, b, c.why, nil, "decided add-JIT access flow")
			if b != nil && (b.Anchor != g.Opener || b.Grant != "grt") {
				t.Errorf("hangs on %s, about %s", b.Anchor.ID, b.Grant)
			}
		})
	}
}

func changedRequest(q *Request, change func(*Request)) *Request { change(q); return q }

func TestStandingAccess(t *testing.T) {
	p, never := grantsPolicyOf(t, grantsPolicy), grantsPolicyOf(t, rulesPolicy+"bounds: {standing_access: none}")
	due := noon.Add(48 * time.Hour)
	until := func(at time.Time) func(*Grant) {
		return func(g *Grant) {
			g.Removal = &schemas.Fact{ID: "remove", Kind: schemas.GroupRemoved, At: at}
			g.Record.Removed = at
		}
	}
	missing := func(at time.Time) func(*Grant) {
		return func(g *Grant) { listed(g); g.Record.Removed = at }
	}
	anew := func(at time.Time) func(*Grant) { return func(g *Grant) { listed(g); renewed(g, at) } }
	covered := []Need{{"okta/example", noon, due}}
	for _, c := range []struct {
		name     string
		grant    *Grant
		why      string
		resolved bool
		needs    []Need
	}{
		{"has an end", given(p, flow), "", false, nil},
		{"lasts", endless(given(p, flow)), "ada@example.com has had AWS-prod-Admin without an approved end since 2026-03-02 12:00:00Z; 48h is allowed.", false, covered},
		{"lasts, any age", endless(given(never, flow)), "", false, nil},
		{"removed at the bound", changed(endless(given(p, flow)), until(due)), "", false, nil},
		{"removed a millisecond later", changed(endless(given(p, flow)), until(due.Add(time.Millisecond))), "from 2026-03-02 12:00:00Z to 2026-03-04 12:00:00.001Z", true, nil},
		{"listed only", changed(given(p, flow), listed), "since 2026-03-02 12:00:00Z", false, covered},
		{"listed, and no longer so before the bound", changed(given(p, flow), missing(due)), "", false, nil},
		{"listed, and no longer so after it", changed(given(p, flow), missing(due.Add(time.Second))), "to 2026-03-04 12:00:01Z", true, covered},
		{"listed, and given anew at the bound", changed(given(p, flow), anew(due)), "", false, nil},
		{"listed, and given anew after it", changed(given(p, flow), anew(due.Add(time.Second))), "to 2026-03-04 12:00:01Z", true, nil},
		{"an account", assigned(endless(given(p, flow)), flow), "has had Admin in prod", false, []Need{{"aws/999999999999/eu-central-1", noon, due}}},
		{"opening unknown", changed(endless(given(p, flow)), func(g *Grant) { g.Opener, g.Record.Opened = nil, time.Time{} }), "", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := named(t, "standing_access")
			b := r.Grant(c.grant)
			check(t, b, c.why, c.needs, c.grant.Record.Evidence[0])
			declared(t, r, b)
			if b != nil && (b.Resolved != c.resolved || b.Anchor != c.grant.Opener || b.Grant != "grt") {
				t.Errorf("resolved %v, anchor %s", b.Resolved, b.Anchor.ID)
			}
		})
	}
}

func TestUnusedGrant(t *testing.T) {
	p := testPolicy(t)
	two := func(g *Grant) { g.Accounts = []string{"111111111111", "222222222222"} }
	taken := func(g *Grant) {
		g.Removal = &schemas.Fact{ID: "remove", Kind: schemas.GroupRemoved, At: noon.Add(time.Hour)}
		g.Record.Removed, g.Limit = g.Removal.At, g.Removal.At.Add(2*time.Second)
	}
	aws := func(account string, to time.Time) Need {
		return Need{"aws/" + account + "/*", noon.Add(-2 * time.Minute), to}
	}
	limit, removed := noon.Add(65*time.Minute), noon.Add(time.Hour+2*time.Second)
	for _, c := range []struct {
		name  string
		grant *Grant
		why   string
		needs []Need
	}{
		{"used", changed(changed(given(p, flow), two), func(g *Grant) { g.Used = true }), "", nil},
		{"never used", changed(given(p, flow), two), "ada@example.com was given AWS-prod-Admin at 2026-03-02 12:00:00Z, and assumed no role with it before it was over at 2026-03-02 13:05:00Z.",
			[]Need{aws("111111111111", limit), aws("222222222222", limit), {"okta/example", noon, limit}}},
		{"never used, and taken away", changed(changed(given(p, flow), two), taken), "over at 2026-03-02 13:00:02Z", []Need{aws("111111111111", removed), aws("222222222222", removed)}},
		{"an approval and nothing more", changed(changed(given(p, flow), two), func(g *Grant) { g.Record.Source = schemas.ByRequest }), "assumed no role",
			[]Need{aws("111111111111", limit), aws("222222222222", limit)}},
		{"not over", changed(endless(given(p, flow)), func(g *Grant) { g.Limit = time.Time{} }), "", nil},
		{"listed only", changed(changed(given(p, flow), listed), func(g *Grant) { g.Limit = limit }), "", nil},
		{"opening unknown", changed(given(p, flow), func(g *Grant) { g.Opener, g.Record.Opened = nil, time.Time{} }), "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := named(t, "unused_grant")
			b := r.Grant(c.grant)
			check(t, b, c.why, c.needs, "add-JIT access flow")
			declared(t, r, b)
			if b != nil && (b.Anchor != c.grant.Opener || b.Grant != "grt" || b.Resolved) {
				t.Errorf("hangs on %s, about %s, resolved %v", b.Anchor.ID, b.Grant, b.Resolved)
			}
		})
	}
}

// What must be taken away is a stay: a request that opens a role by itself ends by
// itself.
func TestWhatIsTakenAwayLate(t *testing.T) {
	p := testPolicy(t)
	due := noon.Add(65 * time.Minute)
	late := due.Add(time.Millisecond)
	removed := func(g *Grant) {
		g.Removal = &schemas.Fact{ID: "remove", At: late}
		g.Record.Removed = late
	}
	of := func(source schemas.GrantSource, name string) *Grant {
		g := given(p, flow)
		g.Record.Source, g.Record.Group = source, name
		return g
	}
	missing := func(at time.Time) *Grant {
		return changed(given(p, flow), func(g *Grant) { g.Record.Removed = at })
	}
	covered := []Need{{"okta/example", noon, due}}
	for _, c := range []struct {
		rule, name string
		grant      *Grant
		why        string
		resolved   bool
		needs      []Need
	}{
		{"late_revocation", "an application", changed(of(schemas.ByApp, "AWS production"), removed), "was removed from AWS production", false, nil},
		{"late_revocation", "an account", changed(assigned(given(p, flow), flow), removed), "was removed from Admin in prod", false, nil},
		{"late_revocation", "an approval", changed(of(schemas.ByRequest, ""), removed), "", false, nil},
		{"late_revocation", "no longer listed", missing(late), "", false, nil},
		{"lingering_membership", "an application", of(schemas.ByApp, "AWS production"), "still has AWS production", false, covered},
		{"lingering_membership", "an account", assigned(given(p, flow), flow), "still has Admin in prod", false, []Need{{"aws/999999999999/eu-central-1", noon, due}}},
		{"lingering_membership", "an approval", of(schemas.ByRequest, ""), "", false, nil},
		{"lingering_membership", "no longer listed when due", missing(due), "", false, nil},
		{"lingering_membership", "no longer listed afterwards", missing(late), "until Okta no longer listed them at 2026-03-02 13:05:00.001Z", true, covered},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			r := named(t, c.rule)
			b := r.Grant(c.grant)
			check(t, b, c.why, c.needs, "add-JIT access flow")
			declared(t, r, b)
			if b != nil && (b.Resolved != c.resolved || b.Anchor != c.grant.Opener) {
				t.Errorf("resolved %v, anchor %s", b.Resolved, b.Anchor.ID)
			}
		})
	}
}

func TestRulesOfGrantsChangeNoGrant(t *testing.T) {
	g := changed(given(grantsPolicyOf(t, grantsPolicy), bob, ada), func(g *Grant) {
		g.Requests = []*Request{{RequestRef: schemas.RequestRef{ID: "REQ-1"}, Decision: g.Opener, Approvers: []schemas.Actor{ada}}}
	})
	g.Record.Evidence = append(make([]string, 0, 10), g.Record.Evidence...) // room to be overwritten
	events, evidence := slices.Clone(g.Events), slices.Clone(g.Record.Evidence[:10])
	for _, r := range All() {
		if r.Grant != nil {
			r.Grant(g)
		}
	}
	if !slices.Equal(g.Events, events) || !slices.Equal(g.Record.Evidence[:10], evidence) {
		t.Errorf("events %v, evidence %v", g.Events, g.Record.Evidence[:10])
	}
}
