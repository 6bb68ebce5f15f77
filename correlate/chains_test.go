package correlate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

// onward is an AssumeRole by the credentials of an assumption or of another
// onward role, into role in account2.
func onward(id string, by *schemas.Fact, role string, when time.Time) *schemas.Fact {
	f := fact(schemas.Acted, id, when.Truncate(time.Second))
	f.Kind = schemas.Chained
	f.Call = callBy(by)
	f.Call.Service, f.Call.Action = "sts", "AssumeRole"
	f.Chain = &schemas.Chain{
		Account: account2, Role: role, RoleARN: "arn:aws:iam::" + account2 + ":role/" + role,
		PrincipalID: "AROA" + role + ":onward", AccessKeyID: "ASIA" + id, Expires: f.At.Add(time.Hour),
	}
	return f
}

func callBy(by *schemas.Fact) *schemas.Call {
	if by.Chain != nil {
		return &schemas.Call{PrincipalID: by.Chain.PrincipalID, AccessKeyID: by.Chain.AccessKeyID, CreatedAt: by.At, Service: "s3"}
	}
	return &schemas.Call{PrincipalID: by.Assume.PrincipalID, AccessKeyID: by.Assume.AccessKeyID, CreatedAt: by.At, Service: "s3"}
}

func use(id string, by *schemas.Fact, when time.Time) *schemas.Fact {
	f := fact(schemas.Acted, id, when)
	f.Call = callBy(by)
	return f
}

func TestOnwardRolesAreATreeAcrossAccounts(t *testing.T) {
	a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
	first := onward("c1", a, "Deploy", at("09:10:00"))
	first.Chain.SharedID = "shared"
	callee := *first
	callee.ID, callee.Call = "c1-callee", &schemas.Call{PrincipalID: a.Assume.PrincipalID}
	second := onward("c2", first, "Audit", at("09:20:00"))
	facts := []*schemas.Fact{
		a, &callee, second, first,
		use("u1", first, at("09:15:00")), use("u2", second, at("09:50:00")), use("u3", second, at("10:15:00")),
	}
	o := rebuilt(t, facts, nil)
	want := []schemas.ChainedRole{
		{EventID: "c1", At: at("09:10:00"), Account: account2, Role: "Deploy", RoleARN: first.Chain.RoleARN, PrincipalID: "AROADeploy:onward",
			Expires: at("10:10:00"), FirstUse: at("09:15:00"), LastUse: at("09:20:00"), Services: []string{"s3", "sts"}, SharedID: "shared"},
		{EventID: "c2", At: at("09:20:00"), From: "c1", Account: account2, Role: "Audit", RoleARN: second.Chain.RoleARN, PrincipalID: "AROAAudit:onward",
			Expires: at("10:20:00"), FirstUse: at("09:50:00"), LastUse: at("10:15:00"), Services: []string{"s3"}},
	}
	s := o.Sessions[0]
	if d := cmp.Diff(want, s.Chained); d != "" {
		t.Error(d)
	}
	if !s.End.Equal(at("10:00:00")) || !s.LastUse.Equal(at("09:10:00")) {
		t.Errorf("ends %s, last use %s: what an onward role does is not the session's own", s.End, s.LastUse)
	}
	if d := cmp.Diff([]string{"asm", "c1", "c1-callee", "c2"}, s.Evidence); d != "" {
		t.Error(d)
	}
	for _, f := range facts[4:] {
		k := KeyOf(f.Call, f.At)
		at, ok := o.Attribute(&Use{UseKey: k, First: f.At})
		wantChain := map[string]string{"u1": "c1", "u2": "c2", "u3": "c2"}[f.ID]
		if !ok || at.Session != s.ID || at.Assumption != o.Assumptions[0].ID || at.Chained != wantChain {
			t.Errorf("%s belongs to %+v", f.ID, at)
		}
	}
}

func TestTheRecordOfTheCallersAccountStandsForBoth(t *testing.T) {
	a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
	principal := a.Assume.PrincipalID
	for _, by := range []schemas.Call{
		{PrincipalID: principal, AccessKeyID: a.Assume.AccessKeyID, CreatedAt: a.At}, {PrincipalID: principal, AccessKeyID: a.Assume.AccessKeyID}, {PrincipalID: principal, CreatedAt: a.At},
	} {
		for _, id := range []string{"before", "later"} { // one second: facts come by id
			caller := onward("caller", a, "Deploy", at("09:10:00"))
			caller.Chain.SharedID = "shared"
			owner := *caller
			caller.Call, owner.ID, owner.Call = &by, id, &schemas.Call{PrincipalID: principal}
			s := rebuilt(t, []*schemas.Fact{a, caller, &owner}, nil).Sessions[0]
			if len(s.Chained) != 1 || s.Chained[0].EventID != "caller" || !slices.Equal(s.Evidence, []string{"asm", "caller", id}) {
				t.Errorf("%+v and %s: %+v, evidence %v", by, id, s.Chained, s.Evidence)
			}
		}
	}
}

func TestOnwardRolesOfOneSecondAreFoundInAnyOrder(t *testing.T) {
	a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
	first := onward("z1", a, "Deploy", at("09:10:00"))
	second := onward("y2", first, "Audit", at("09:10:00"))
	third := onward("x3", second, "Final", at("09:10:00"))
	from := make(map[string]string)
	for _, c := range rebuilt(t, []*schemas.Fact{a, first, second, third}, nil).Sessions[0].Chained {
		from[c.EventID] = c.From
	}
	if d := cmp.Diff(map[string]string{"z1": "", "y2": "z1", "x3": "y2"}, from); d != "" {
		t.Error(d)
	}
}

func TestAnOnwardRolesCallsAreFoundByItsKeyFirst(t *testing.T) {
	a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
	one, two := onward("earlier", a, "Deploy", at("09:10:00")), onward("and later", a, "Deploy", at("09:10:01"))
	facts := []*schemas.Fact{a, one, two}
	called := func(by schemas.Call, clocks ...string) {
		for _, clock := range clocks {
			u := use("u-"+clock, two, at(clock))
			u.Call = &by
			facts = append(facts, u)
		}
	}
	byKey := callBy(two)
	byKey.CreatedAt = one.At // nearer to the other
	called(*byKey, "09:15:00", "09:20:00", "09:35:00", "09:44:00")
	called(*callBy(two), "09:21:00")
	byKey.ServiceDriven, byKey.CreatedAt = true, two.At
	called(*byKey, "09:16:00", "09:40:00")
	var ids []string
	for _, c := range rebuilt(t, facts, nil).Sessions[0].Chained {
		ids = append(ids, c.EventID)
		var first, last time.Time
		if c.EventID == two.ID {
			first, last = at("09:15:00"), at("09:44:00")
		}
		if !c.FirstUse.Equal(first) || !c.LastUse.Equal(last) {
			t.Errorf("%s was used from %s to %s", c.EventID, c.FirstUse, c.LastUse)
		}
	}
	if !slices.Equal(ids, []string{one.ID, two.ID}) {
		t.Errorf("%q are not in order of time", ids)
	}
}

func TestTheRecordOfTheOwnersAccountStandsInWhereItIsTheOnlyOne(t *testing.T) {
	a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
	callee := onward("callee", a, "Deploy", at("09:10:00"))
	callee.Call, callee.Chain.SharedID = &schemas.Call{PrincipalID: a.Assume.PrincipalID}, "shared"
	o := rebuilt(t, []*schemas.Fact{a, callee}, nil)
	if len(o.Sessions[0].Chained) != 1 || o.Sessions[0].LastUse != (time.Time{}) {
		t.Errorf("%+v", o.Sessions[0])
	}
}

func TestAChainWhoseBeginningIsUnknownBelongsToNobody(t *testing.T) {
	a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
	stranger := assumed("other", "Okta", account, "Reader", "", at("08:00:00"), time.Hour)
	o := rebuilt(t, []*schemas.Fact{a, onward("c1", stranger, "Deploy", at("09:10:00"))}, nil)
	if len(o.Sessions[0].Chained) != 0 {
		t.Errorf("%+v", o.Sessions[0].Chained)
	}
}

func TestKeysMintedFromAConsoleSessionAreTheSessions(t *testing.T) {
	a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
	a.Assume.Browser = true
	m := fact(schemas.Acted, "mint", at("09:30:00"))
	m.Kind, m.Call = schemas.Minted, &schemas.Call{PrincipalID: a.Assume.PrincipalID, CreatedAt: a.At, Console: true, Service: "signin"}
	m.Chain = &schemas.Chain{PrincipalID: a.Assume.PrincipalID}
	c := fact(schemas.Acted, "cli", at("09:45:00"))
	c.Call = &schemas.Call{PrincipalID: a.Assume.PrincipalID, AccessKeyID: "ASIACLI", CreatedAt: at("09:30:02"), Service: "s3"}
	o := rebuilt(t, []*schemas.Fact{a, m, c}, nil)
	s := o.Sessions[0]
	if !s.LastUse.Equal(at("09:45:00")) || len(s.Chained) != 0 {
		t.Errorf("%+v", s)
	}
	if d := cmp.Diff([]schemas.Origin{schemas.FromCLI, schemas.FromConsole}, s.Origins); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"asm", "mint"}, s.Evidence); d != "" {
		t.Error(d)
	}
	c.Call.CreatedAt = at("09:30:03")
	if s := rebuilt(t, []*schemas.Fact{a, m, c}, nil).Sessions[0]; !s.LastUse.Equal(at("09:30:00")) {
		t.Errorf("last use %s: credentials made 3 s later are others", s.LastUse)
	}
}

func TestASessionEndsWithItsRevocation(t *testing.T) {
	revocation := func(role string, before, when time.Time) *schemas.Fact {
		f := fact(schemas.SessionsRevoked, "revoke-"+role, when)
		f.Source, f.Who = schemas.CloudTrail, schemas.Identity{}
		f.Revocation = &schemas.Revocation{Account: account, Role: role, Before: before}
		return f
	}
	elsewhere := revocation("Admin", at("09:30:00"), at("09:30:01"))
	elsewhere.Revocation.Account = account2
	for _, c := range []struct {
		name   string
		used   time.Time
		shared []*schemas.Fact
		end    time.Time
		by     schemas.EndReason
		last   string
	}{
		{name: "none", end: at("10:00:00"), by: schemas.EndedByExpiry, last: "asm"},
		{name: "used past its expiry", used: at("10:20:00"), end: at("10:20:00"), by: schemas.EndedByLastUse, last: "asm"},
		{name: "used as it expires", used: at("10:00:00"), end: at("10:00:00"), by: schemas.EndedByExpiry, last: "asm"},
		{name: "another account's role revoked", shared: []*schemas.Fact{elsewhere}, end: at("10:00:00"), by: schemas.EndedByExpiry, last: "asm"},
		{name: "revoked before it began", shared: []*schemas.Fact{revocation("Admin", at("09:30:00"), at("08:59:59"))}, end: at("10:00:00"), by: schemas.EndedByExpiry, last: "asm"},
		{name: "revoked as it began", shared: []*schemas.Fact{revocation("Admin", at("09:30:00"), at("09:00:00"))}, end: at("09:00:00"), by: schemas.EndedByRevocation, last: "revoke-Admin"},
		{name: "revoked", shared: []*schemas.Fact{revocation("Admin", at("09:30:00"), at("09:30:01"))}, end: at("09:30:01"), by: schemas.EndedByRevocation, last: "revoke-Admin"},
		{name: "revoked after it ended", shared: []*schemas.Fact{revocation("Admin", at("10:00:00"), at("10:00:00"))}, end: at("10:00:00"), by: schemas.EndedByExpiry, last: "asm"},
		{name: "another role revoked", shared: []*schemas.Fact{revocation("Reader", at("09:30:00"), at("09:30:00"))}, end: at("10:00:00"), by: schemas.EndedByExpiry, last: "asm"},
		{name: "sessions from before it revoked", shared: []*schemas.Fact{revocation("Admin", at("09:00:00"), at("09:30:00"))}, end: at("10:00:00"), by: schemas.EndedByExpiry, last: "asm"},
		{name: "the earlier of two", shared: []*schemas.Fact{revocation("Admin", at("09:40:00"), at("09:40:00")), revocation("Admin", at("09:30:00"), at("09:20:00"))}, end: at("09:20:00"), by: schemas.EndedByRevocation, last: "revoke-Admin"},
		{name: "the earlier of two, which comes first", shared: []*schemas.Fact{revocation("Admin", at("09:30:00"), at("09:20:00")), revocation("Admin", at("09:40:00"), at("09:40:00"))}, end: at("09:20:00"), by: schemas.EndedByRevocation, last: "revoke-Admin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
			facts := []*schemas.Fact{a}
			if !c.used.IsZero() {
				facts = append(facts, use("use", a, c.used))
			}
			s := rebuilt(t, facts, c.shared).Sessions[0]
			if !s.End.Equal(c.end) || s.EndedBy != c.by || s.Evidence[len(s.Evidence)-1] != c.last {
				t.Errorf("ended %s by %s, evidence %v", s.End, s.EndedBy, s.Evidence)
			}
		})
	}
}

func TestWhatASessionWasUsedWith(t *testing.T) {
	for agent, want := range map[string][]schemas.Origin{
		"aws-cli/2.15.0 Python/3.11.6":           {schemas.FromCLI},
		"saml2aws/2.36.0":                        {schemas.FromCLI},
		"Boto3/1.34.0 md/Botocore#1.34.0":        {schemas.FromSDK},
		"aws-sdk-go-v2/1.30.0 os/linux":          {schemas.FromSDK},
		"curl/8.0":                               nil,
		"aws-cli/2.15.0 md/Botocore aws-sdk-cpp": {schemas.FromCLI},
	} {
		a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
		a.Assume.UserAgent = agent
		if d := cmp.Diff(want, rebuilt(t, []*schemas.Fact{a}, nil).Sessions[0].Origins); d != "" {
			t.Errorf("%s: %s", agent, d)
		}
	}
	twice := []*schemas.Fact{
		assumed("one", "Okta", account, "Admin", "", at("09:00:00"), time.Hour), assumed("two", "Okta", account, "Admin", "", at("09:10:00"), time.Hour),
	}
	for _, a := range twice {
		a.Assume.UserAgent = "aws-cli/2.15.0"
	}
	if d := cmp.Diff([]schemas.Origin{schemas.FromCLI}, rebuilt(t, twice, nil).Sessions[0].Origins); d != "" {
		t.Errorf("twice by the same means: %s", d)
	}
	for event, want := range map[string][]schemas.Origin{
		"Federate": {schemas.FromConsole}, "GetRoleCredentials": {schemas.FromCLI}, "CreateToken": {schemas.FromCLI}, "Authenticate": nil,
	} {
		for shift, near := range map[time.Duration]bool{-2 * time.Minute: true, 2 * time.Minute: true, -121 * time.Second: false, 121 * time.Second: false} {
			a := assumed("asm", "AWSSSO_1_DO_NOT_DELETE", account, "Admin", "", at("09:00:00"), time.Hour)
			a.Assume.UserAgent = "aws-sdk-java/2.20"
			p := fact(schemas.PortalUsed, "portal", a.At.Add(shift))
			p.Source, p.Portal = schemas.CloudTrail, &schemas.Portal{Event: event, Account: account, Role: "AWSReservedSSO_Admin_0123456789abcdef"}
			expect := want
			if !near {
				expect = nil
			}
			if d := cmp.Diff(expect, rebuilt(t, []*schemas.Fact{a, p}, nil).Sessions[0].Origins); d != "" {
				t.Errorf("%s, %s: %s", event, shift, d)
			}
		}
	}
}

func TestASessionIsFinalWhenItsOnwardRolesAre(t *testing.T) {
	policies := parsePolicy(t, strings.Replace(testPolicy, "bounds: {", "bounds: {okta_session: 1m, grant_lookback: 0s, grant_duration: 1m, revocation_tolerance: 0s, ", 1))
	for _, c := range []struct {
		name, used, expires, final string
	}{
		{"unused", "", "10:30:00", "10:30:00"},
		{"used until then", "09:20:00", "10:30:00", "10:30:00"},
		{"renewed", "11:00:00", "10:30:00", "11:00:00"},
		{"over before the session", "09:20:00", "09:40:00", "10:00:00"},
	} {
		a := assumed("asm", "Okta", account, "Admin", "", at("09:00:00"), time.Hour)
		o := onward("c1", a, "Deploy", at("09:10:00"))
		o.Chain.Expires = at(c.expires)
		facts := []*schemas.Fact{a, o}
		if c.used != "" {
			facts = append(facts, use("use", o, at(c.used)))
		}
		for shift, open := range map[time.Duration]bool{0: true, time.Second: false} {
			held, _ := Seal(Input{Person: ada, Facts: facts, Policies: policies}, at(c.final).Add(shift))
			if slices.Contains(held, a) != open {
				t.Errorf("%s: kept %t at %s and %s", c.name, !open, c.final, shift)
			}
		}
	}
}
