package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/correlate"
	"jitaudit/correlate/identity"
	"jitaudit/correlate/policy"
	"jitaudit/correlate/rules"
	"jitaudit/schemas"
)

// What follows holds the engine where no scenario can: scenarios do not see
// order, ids, how much evidence there is, nor when to look again.

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const shard = "okta/example"

var ada = schemas.Person{Key: "okta:example/00uada", Name: "ada@example.com", Org: "example"}

func event(source schemas.Source, id, hash string, addendum bool) *schemas.Fact {
	return &schemas.Fact{Source: source, ID: id, Hash: hash, Addendum: addendum, At: noon}
}

func TestCopiesOfSeveralEventsAreKeptApart(t *testing.T) {
	kept, duplicates, corrected := correlate.Distinct([]*schemas.Fact{
		event(schemas.Okta, "x", "2", false), event(schemas.CloudTrail, "x", "3", false),
		event(schemas.Okta, "y", "1", false), event(schemas.Okta, "x", "4", false),
		event(schemas.CloudTrail, "x", "1", false), event(schemas.Okta, "y", "3", false),
		event(schemas.Okta, "y", "1", false), event(schemas.Okta, "z", "5", true),
		event(schemas.Okta, "z", "5", false),
	})
	var got []string
	for _, f := range kept {
		got = append(got, string(f.Source)+" "+f.ID+" "+f.Hash)
	}
	slices.Sort(got)
	want := []string{"cloudtrail x 1", "okta x 2", "okta y 1", "okta z 5"}
	if !slices.Equal(got, want) || duplicates != 1 || corrected != 4 {
		t.Errorf("got %v, %d duplicates, %d corrected; want %v, 1, 4", got, duplicates, corrected, want)
	}
}

func TestOneIDInTwoSourcesIsTwoEvents(t *testing.T) {
	kept, _, _ := correlate.Distinct([]*schemas.Fact{
		event(schemas.Okta, "x", "1", false), event(schemas.Okta, "x", "1", false), event(schemas.CloudTrail, "x", "1", false),
	})
	if len(kept) != 2 {
		t.Errorf("%d events, want 2", len(kept))
	}
}

func TestCoverageIsWhatIsStated(t *testing.T) {
	h := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	none := correlate.NewCoverage([]schemas.Coverage{{Shard: shard, From: h(2), To: h(2)}, {Shard: shard, From: h(5), To: h(3)}})
	for n := range 7 {
		if got := none.Missing(shard, h(n), h(n), time.Hour); got != schemas.InGap {
			t.Errorf("hour %d of no coverage: %q, want a gap", n, got)
		}
	}
	late := correlate.NewCoverage([]schemas.Coverage{{Shard: shard, From: h(5), To: h(20)}, {Shard: shard, From: h(0), To: h(10)}})
	if got := late.Missing(shard, h(1), h(19), time.Hour); got != "" {
		t.Errorf("two intervals that overlap, the later first: %q, want covered", got)
	}
}

func TestEvidenceOfAGrantEndsWhereItIsAskedTo(t *testing.T) {
	g := rules.Grant{Events: []*schemas.Fact{{ID: "a", At: noon}, {ID: "b", At: noon.Add(time.Second)}, {ID: "c", At: noon.Add(time.Minute)}}}
	if got := g.Evidence(noon.Add(time.Second)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %v, want a and b", got)
	}
}

func TestUsesDoNotDependOnTheOrderOfCalls(t *testing.T) {
	call := &schemas.Call{PrincipalID: "AROA:ada", AccessKeyID: "ASIA", CreatedAt: noon, Service: "s3"}
	at := noon.Add(time.Minute)
	for _, order := range []string{"abc", "acb", "bac", "bca", "cab", "cba"} {
		var f, again correlate.Fold
		for _, id := range order {
			f.Add(string(id), at, "", call)
		}
		use := f.Uses()[0]
		again.AddUse(&use)
		for _, u := range append(f.Uses(), again.Uses()...) {
			if u.FirstID != "a" || u.LastID != "c" || len(u.Services) != 1 {
				t.Errorf("order %s: first %s, last %s, %v; want a, c and s3", order, u.FirstID, u.LastID, u.Services)
			}
		}
	}
}

func TestUsesComeInOneOrder(t *testing.T) {
	calls := []schemas.Call{ // as they must come
		{PrincipalID: "p", AccessKeyID: "z", CreatedAt: noon.Add(9), Service: "s3"},
		{PrincipalID: "q", AccessKeyID: "b", CreatedAt: noon.Add(8), Service: "s3"},
		{PrincipalID: "q", AccessKeyID: "c", CreatedAt: noon.Add(7), Service: "s3"},
		{PrincipalID: "q", AccessKeyID: "r", CreatedAt: noon, Service: "s3"},
		{PrincipalID: "q", AccessKeyID: "r", CreatedAt: noon.Add(1), Service: "s3"},
		{PrincipalID: "q", AccessKeyID: "r", CreatedAt: noon.Add(1), Service: "s3"},
	}
	hours := []time.Duration{5, 4, 3, 2, 0, 1} // against the order of what counts more
	for range 20 {                             // a map's order differs from time to time
		var f correlate.Fold
		for i := range slices.Backward(calls) {
			f.Add("call", noon.Add(hours[i]*time.Hour), "", &calls[i])
		}
		for i, u := range f.Uses() {
			if c := calls[i]; u.PrincipalID != c.PrincipalID || u.AccessKeyID != c.AccessKeyID ||
				!u.CreatedAt.Equal(c.CreatedAt) || !u.First.Equal(noon.Add(hours[i]*time.Hour)) {
				t.Errorf("use %d is %+v, want that of %+v", i, u, c)
			}
		}
	}
}

func TestWhichCallsAreOneUse(t *testing.T) {
	quarter := noon.Add(15 * time.Minute)
	at := noon.Add(20 * time.Minute)
	for _, test := range []struct {
		name string
		call schemas.Call
		key  string
		slot time.Time
	}{
		{"by key", schemas.Call{AccessKeyID: "k", CreatedAt: noon}, "k", quarter},
		{"by key alone", schemas.Call{AccessKeyID: "k"}, "k", quarter},
		{"console", schemas.Call{AccessKeyID: "k", CreatedAt: noon, Console: true}, "", quarter},
		{"service", schemas.Call{AccessKeyID: "k", CreatedAt: noon, ServiceDriven: true}, "", quarter},
		{"console without date", schemas.Call{AccessKeyID: "k", Console: true}, "", at},
	} {
		k := correlate.KeyOf(&test.call, at)
		if k.AccessKeyID != test.key || !k.Slot.Equal(test.slot) {
			t.Errorf("%s: key %q from %s, want %q from %s", test.name, k.AccessKeyID, k.Slot, test.key, test.slot)
		}
	}
}

const testPolicy = `
providers:
  - {name: direct, arn: "*", federation: direct, okta_org: example, apps: [0oa1]}
groups:
  - {name: both, targets: [{account: "111111111111", role: Admin}, {account: "111111111111", role: Reader}, {account: "222222222222", role: Admin}]}
`

func rebuild(t *testing.T, facts []*schemas.Fact, spans ...schemas.Coverage) correlate.Outcome {
	t.Helper()
	return rebuildUnder(t, testPolicy, facts, spans...)
}

func rebuildUnder(t *testing.T, text string, facts []*schemas.Fact, spans ...schemas.Coverage) correlate.Outcome {
	t.Helper()
	p, err := policy.Parse("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return correlate.Rebuild(correlate.Input{Person: ada, Facts: facts, Policies: set, Coverage: correlate.NewCoverage(spans)})
}

func added(id string, at time.Time) *schemas.Fact {
	return &schemas.Fact{
		ID: id, Hash: id, Kind: schemas.GroupAdded, Source: schemas.Okta, Shard: shard, At: at,
		Who: schemas.Identity{Org: "example", OktaUserID: "00uada"}, Group: &schemas.GroupChange{ID: "00g1", Name: "both"},
	}
}

func assumed(id, role string, at time.Time) *schemas.Fact {
	return &schemas.Fact{
		ID: id, Hash: id, Kind: schemas.Assumed, Source: schemas.CloudTrail, Shard: "aws/111111111111/us-east-1", At: at,
		Who: schemas.Identity{SessionName: "ada@example.com", AssertionID: "id-" + id},
		Assume: &schemas.Assume{
			Account: "111111111111", Role: role, ProviderARN: "arn:aws:iam::111111111111:saml-provider/Okta",
			PrincipalID: "AROA:ada@example.com", AccessKeyID: "ASIA" + id, Expires: at.Add(time.Hour),
		},
	}
}

func TestEachRoleOfAGroupIsAGrantWithItsOwnID(t *testing.T) {
	out := rebuild(t, []*schemas.Fact{added("add", noon)})
	ids := make(map[string]bool)
	for _, g := range out.Grants {
		ids[g.ID] = true
	}
	if len(out.Grants) != 3 || len(ids) != 3 {
		t.Errorf("got %+v, want three grants with three ids", out.Grants)
	}
}

// Many enough that a sort does not keep equal ones in place.
func TestTheFirstOfManyRolesHasTheFinding(t *testing.T) {
	var text strings.Builder
	text.WriteString("groups:\n  - name: both\n    targets:\n")
	for i := range 60 {
		fmt.Fprintf(&text, "      - {account: %q, role: R%02d}\n", []string{"222222222222", "111111111111"}[i%2], 60-i)
	}
	removal := added("remove", noon.Add(3*time.Hour))
	removal.Kind = schemas.GroupRemoved
	out := rebuildUnder(t, text.String(), []*schemas.Fact{added("add", noon), removal})
	if len(out.Findings) != 2 {
		t.Fatalf("%d findings, want a late removal and a membership that lingered", len(out.Findings))
	}
	for _, f := range out.Findings {
		if f.Account != "111111111111" || f.Role != "R01" {
			t.Errorf("%s is on %s in %s, want R01 in 111111111111", f.Rule, f.Role, f.Account)
		}
	}
}

func TestWhenToLookAgain(t *testing.T) {
	end := noon.Add(30 * time.Minute)
	due := noon.Add(65 * time.Minute) // an hour's grant and five minutes
	facts := []*schemas.Fact{added("add", noon)}
	waiting := rebuild(t, facts, schemas.Coverage{Shard: shard, From: noon, To: end})
	want := []correlate.Due{{Shard: "okta/*", At: end.Add(2 * time.Hour)}, {Shard: shard, At: due}}
	if !slices.Equal(waiting.Next, want) {
		t.Errorf("waiting for coverage: next is %v, want %v", waiting.Next, want)
	}
	gap := rebuild(t, facts, schemas.Coverage{Shard: shard, From: noon, To: end},
		schemas.Coverage{Shard: shard, From: end.Add(time.Minute), To: end.Add(24 * time.Hour)})
	if len(gap.Next) != 0 {
		t.Errorf("waiting for a gap: next is %v, want none", gap.Next)
	}
}

// Of two assumptions the first meets a gap, the second is only too early.
func TestWhatIsStillToComeIsNoEvidenceOfAGap(t *testing.T) {
	out := rebuild(t, []*schemas.Fact{added("add", noon), assumed("gapped", "Admin", noon.Add(time.Minute)), assumed("early", "Admin", noon.Add(30*time.Minute))},
		schemas.Coverage{Shard: shard, From: noon.AddDate(0, 0, -2), To: noon.Add(-2 * time.Minute)},
		schemas.Coverage{Shard: shard, From: noon.Add(-time.Minute), To: noon.Add(30 * time.Minute)})
	i := slices.IndexFunc(out.Findings, func(f schemas.Finding) bool { return f.Rule == "source_gap" })
	if i < 0 {
		t.Fatalf("no source_gap among %+v", out.Findings)
	}
	if got := out.Findings[i].Evidence; !slices.Equal(got, []string{"gapped"}) {
		t.Errorf("evidence %v, want the first assumption alone", got)
	}
}

// Of two assumptions that outlived their grant the later could be said first.
func TestAFindingDoesNotMoveWhileCoverageGrows(t *testing.T) {
	removal := added("remove", noon.Add(25*time.Minute))
	removal.Kind = schemas.GroupRemoved
	facts := []*schemas.Fact{
		added("add", noon), removal,
		assumed("one", "Admin", noon.Add(5*time.Minute)), assumed("two", "Admin", noon.Add(10*time.Minute)),
		called("soon", "ASIAtwo", noon.Add(time.Hour)), called("late", "ASIAone", noon.Add(3*time.Hour)),
	}
	for _, covered := range []time.Duration{2 * time.Hour, 9 * time.Hour} {
		out := rebuild(t, facts, schemas.Coverage{Shard: shard, From: noon.AddDate(0, 0, -2), To: noon.Add(covered)})
		i := slices.IndexFunc(out.Findings, func(f schemas.Finding) bool { return f.Rule == "outlived_grant" })
		if i < 0 || out.Findings[i].Anchor != "two" {
			t.Errorf("covered until %s after noon: findings %+v, want outlived_grant on the second assumption", covered, out.Findings)
		}
	}
}

func called(id, key string, at time.Time) *schemas.Fact {
	return &schemas.Fact{
		ID: id, Hash: id, Kind: schemas.Acted, Source: schemas.CloudTrail, Shard: "aws/111111111111/us-east-1", At: at,
		Call: &schemas.Call{PrincipalID: "AROA:ada@example.com", AccessKeyID: key, CreatedAt: noon, Service: "s3"},
	}
}

func TestWhoCarriedAHandleDoesNotDependOnOrder(t *testing.T) {
	p, err := policy.Parse("test.yaml", []byte(testPolicy))
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	carried := func(user string) *schemas.Fact {
		f := added("add-"+user, noon)
		f.Who = schemas.Identity{Org: "example", OktaUserID: user, Login: user + "@example.com", NameID: "ops"}
		return f
	}
	var keys []string
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		b := identity.NewBuilder(set)
		for _, user := range order {
			b.Observe(carried(user))
		}
		f := assumed("one", "Admin", noon.Add(time.Minute))
		f.Who.NameID = "ops"
		who, _ := b.Directory().Resolve(f)
		keys = append(keys, who.Key)
	}
	if keys[0] != keys[1] {
		t.Errorf("two began at one instant: got %s, and %s the other way round", keys[0], keys[1])
	}
}

func TestEvidenceStandsOnce(t *testing.T) {
	facts := []*schemas.Fact{added("add", noon), assumed("one", "Admin", noon.Add(time.Minute)), assumed("two", "Admin", noon.Add(time.Hour))}
	out := rebuild(t, facts, schemas.Coverage{Shard: shard, From: noon.AddDate(0, 0, -2), To: noon.AddDate(0, 0, 2)})
	check := func(what string, ids []string) {
		sorted := slices.Sorted(slices.Values(ids))
		if len(slices.Compact(sorted)) != len(ids) || slices.Contains(ids, "") {
			t.Errorf("evidence of %s: %q", what, ids)
		}
	}
	for _, s := range out.Sessions {
		check("a session", s.Evidence)
	}
	for _, f := range out.Findings {
		check(f.Rule, f.Evidence)
	}
	if id := schemas.SessionID(out.Assumptions[0].ID); out.Sessions[0].ID != id {
		t.Errorf("the session is called %s, want %s after its first assumption", out.Sessions[0].ID, id)
	}
	if len(out.Sessions) != 1 || len(out.Findings) == 0 {
		t.Errorf("%d sessions and %d findings, want one and some", len(out.Sessions), len(out.Findings))
	}
}
