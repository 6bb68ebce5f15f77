package identity

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// drawnPolicies speak of everything that has to do with names: the first as usual,
// the second of tags and domains.
func drawnPolicies(t testing.TB) *policy.Set {
	return policySet(t, policies, `
effective_from: 2026-03-05T09:00:00Z
providers:
  - {name: a, arn: "arn:aws:iam::*:saml-provider/A", federation: direct, okta_org: a, apps: [0oaa]}
people:
  - {login: x+1@example.com, aliases: [{name: ada, until: 2026-03-07T09:00:00Z}, 'iam:1/x', y+z@example.org]}
  - {login: y@example.com, aliases: [{name: ada, from: 2026-03-07T09:00:00Z}]}
identity: {strip_tags: true, domains: [example.com, example.org]}
watched: [{accounts: ['*']}]
`)
}

var drawnNames = []string{"x@example.com", "y@example.com", "x+1@example.com", "X+2@example.com", "ada", "p-1", "x", "y@example.org", ""}

// drawFacts are facts about a few people with few handles.
func drawFacts(rt *rapid.T) []*schemas.Fact {
	var facts []*schemas.Fact
	name := func(label string) string { return rapid.SampledFrom(drawnNames).Draw(rt, label) }
	for n := range rapid.IntRange(1, 20).Draw(rt, "facts") {
		f := drawFact(rt, name)
		f.ID, f.At = string(rune('a'+n)), monday.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "at"))*5*time.Hour)
		facts = append(facts, f)
	}
	return facts
}

func drawFact(rt *rapid.T, name func(string) string) *schemas.Fact {
	org := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "org")
	user := func(kind schemas.FactKind) *schemas.Fact {
		f := oktaFact(kind, rapid.SampledFrom([]string{"1", "2", "3"}).Draw(rt, "user"), name("login"), 0)
		f.Who.Org, f.Who.Email = org, name("email")
		return f
	}
	assertion := rapid.SampledFrom([]string{"", "id1", "id2"}).Draw(rt, "assertion")
	portal := rapid.SampledFrom([]string{"", "p-1"}).Draw(rt, "portal")
	switch rapid.IntRange(0, 11).Draw(rt, "kind") {
	case 0, 1:
		f := user(schemas.SignedOn)
		f.Who.AssertionID, f.Who.NameID = assertion, name("name id")
		return f
	case 2:
		f := user(schemas.Renamed)
		f.Rename = &schemas.Rename{Old: name("old"), New: name("new")}
		return f
	case 3:
		return user(schemas.Deactivated)
	case 4:
		return user(rapid.SampledFrom([]schemas.FactKind{schemas.GroupAdded, schemas.GroupRemoved}).Draw(rt, "change"))
	case 5, 6:
		who := schemas.Identity{SessionName: name("session"), AssertionID: assertion, PortalUserID: portal}
		return role(map[string]string{"a": "A", "b": "B"}[org], who, 0)
	case 7:
		f := awsFact(schemas.PortalUsed, schemas.Identity{PortalUserID: portal, NameID: name("name id")}, 0)
		f.Portal = &schemas.Portal{UserName: name("user name")}
		return f
	case 8:
		return observed(portal, name("name id"), name("email"), 0)
	case 9:
		return requested(schemas.Identity{Org: rapid.SampledFrom([]string{"", org}).Draw(rt, "any org"), Login: name("login"), Email: name("email")}, 0)
	case 10:
		return awsFact(schemas.AccountAssigned, schemas.Identity{PortalUserID: portal}, 0)
	}
	f := awsFact(schemas.TrustChanged, schemas.Identity{IAMUser: rapid.SampledFrom([]string{"", "1/x", "1/y"}).Draw(rt, "IAM user")}, 0)
	f.Who.SessionName = name("session")
	f.Call = &schemas.Call{PrincipalID: "AROA:" + f.Who.SessionName}
	return f
}

// owners are the keys of whom facts belong to.
func owners(d *Directory, facts []*schemas.Fact) []string {
	out := make([]string, 0, len(facts))
	for _, f := range facts {
		p, _ := d.Resolve(f)
		out = append(out, p.Key)
	}
	return out
}

// Whatever the order, however often, through however many builders.
func TestOrderRepetitionAndMergingChangeNothing(t *testing.T) {
	ps := drawnPolicies(t)
	rapid.Check(t, func(rt *rapid.T) {
		facts := append(drawFacts(rt), drawChains(rt)...)
		want := answers(built(ps, facts...), facts)
		left, right := NewBuilder(ps), NewBuilder(ps)
		for _, f := range append(rapid.Permutation(facts).Draw(rt, "order"), facts[0]) {
			if rapid.Bool().Draw(rt, "left") {
				left.Observe(f)
			} else {
				right.Observe(f)
			}
		}
		left.Merge(right)
		if diff := cmp.Diff(want, answers(left.Directory(), facts)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func answers(d *Directory, facts []*schemas.Fact) (out []string) {
	for _, f := range facts {
		p, _ := d.Resolve(f)
		q, _ := d.OwnerOf(f)
		out = append(out, p.Key+" "+p.Name, q.Key+" "+q.Name)
	}
	for _, principal := range []string{"AROA1:x", "AROA2:ada@example.com", "AROA9:y"} {
		p, _ := d.Orphan(principal, adminRole, monday.Add(100*time.Hour))
		out = append(out, p.Key)
	}
	return append(out, whose(&d.calls)...)
}

// holder keeps what a partition of the stream keeps: of each fact its owner and on
// which claims that depends, and the claims that it must remember.
type holder struct {
	*Directory
	facts  []*schemas.Fact
	owner  []string
	needs  [][]string
	claims map[[4]string]Claim
}

func newHolder(ps *policy.Set, facts []*schemas.Fact) *holder {
	h := &holder{Directory: NewDirectory(ps), facts: facts, claims: make(map[[4]string]Claim)}
	h.owner, h.needs = make([]string, len(facts)), make([][]string, len(facts))
	for i := range facts {
		h.settle(i)
	}
	return h
}

func (h *holder) settle(i int) {
	p, _ := h.Resolve(h.facts[i])
	h.owner[i], h.needs[i] = p.Key, h.Handles(h.facts[i])
}

func (h *holder) learn(c Claim) {
	if !h.Learn(c) {
		return
	}
	h.claims[[4]string{string(c.Kind), c.Handle, c.Person, c.Name}] = c
	for i := range h.facts {
		if slices.Contains(h.needs[i], c.Key()) {
			h.settle(i)
		}
	}
}

// What is learnt claim by claim is what a builder knows of the same facts; only
// facts that had a claim among their handles change their owner by it; and what
// need be remembered says it all again.
func TestLearningByClaimsIsLearningFromFacts(t *testing.T) {
	ps := drawnPolicies(t)
	rapid.Check(t, func(rt *rapid.T) {
		facts := drawFacts(rt)
		var held []*schemas.Fact // those that wait for claims
		for _, f := range facts {
			if !ofOkta(f) {
				held = append(held, f)
			}
		}
		want := owners(built(ps, facts...), held)
		h := newHolder(ps, held)
		for _, f := range rapid.Permutation(append(facts, facts[0])).Draw(rt, "order") {
			for _, c := range Claims(f) {
				h.learn(c)
				if diff := cmp.Diff(owners(h.Directory, held), h.owner); diff != "" {
					rt.Fatalf("%+v changed owners, unannounced (in fact -, by what was announced +): %s", c, diff)
				}
			}
		}
		if diff := cmp.Diff(want, h.owner); diff != "" {
			rt.Fatal(diff)
		}
		again := NewDirectory(ps)
		for _, c := range h.claims {
			if h.Holds(c) {
				again.Learn(c)
			}
		}
		if diff := cmp.Diff(want, owners(again, held)); diff != "" {
			rt.Fatalf("by what was remembered: %s", diff)
		}
	})
}

// Nothing said twice is news.
func TestWhatIsSaidAgainIsNoNews(t *testing.T) {
	ps := drawnPolicies(t)
	rapid.Check(t, func(rt *rapid.T) {
		facts := drawFacts(rt)
		d := NewDirectory(ps)
		for _, f := range facts {
			for _, c := range Claims(f) {
				d.Learn(c)
			}
		}
		for _, f := range facts {
			for _, c := range Claims(f) {
				if d.Learn(c) {
					rt.Fatalf("news: %+v", c)
				}
			}
		}
	})
}
