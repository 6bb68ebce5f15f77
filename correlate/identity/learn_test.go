package identity

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jitaudit/schemas"
)

// drawFacts are facts about a few people with few handles.
func drawFacts(rt *rapid.T) []*schemas.Fact {
	var facts []*schemas.Fact
	for range rapid.IntRange(1, 20).Draw(rt, "facts") {
		at := time.Duration(rapid.IntRange(0, 50).Draw(rt, "hour")) * time.Hour
		name := rapid.SampledFrom([]string{"x@example.com", "y@example.com", "ada", "p-1"}).Draw(rt, "name")
		org := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "org")
		switch rapid.IntRange(0, 2).Draw(rt, "kind") {
		case 0:
			f := oktaUser(org, rapid.SampledFrom([]string{"1", "2"}).Draw(rt, "user"), name, at)
			f.Who.AssertionID = rapid.SampledFrom([]string{"", "id1", "id2"}).Draw(rt, "assertion")
			facts = append(facts, f)
		case 1:
			who := schemas.Identity{SessionName: name, AssertionID: rapid.SampledFrom([]string{"", "id1", "id3"}).Draw(rt, "assertion"), PortalUserID: rapid.SampledFrom([]string{"", "p-1"}).Draw(rt, "portal")}
			facts = append(facts, role(map[string]string{"a": "A", "b": "B"}[org], who, at))
		default:
			facts = append(facts, &schemas.Fact{
				ID: "portal", Kind: schemas.PortalUsed, At: monday.Add(at),
				Who: schemas.Identity{PortalUserID: "p-1", NameID: name}, Portal: &schemas.Portal{},
			})
		}
	}
	return facts
}

// What is learnt claim by claim is what a builder knows of the same facts, and
// only facts that name a claim among their handles change their owner by it.
func TestLearningByClaimsIsLearningFromFacts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		facts := drawFacts(rt)
		b := NewBuilder(set(t))
		for _, f := range facts {
			b.Observe(f)
		}
		want := owners(b.Directory(), facts)
		d := NewDirectory(set(t))
		for _, f := range rapid.Permutation(append(facts, facts[0])).Draw(rt, "order") {
			for _, c := range Claims(f) {
				before := owners(d, facts)
				news := d.Learn(c)
				after := owners(d, facts)
				for i := range facts {
					if before[i] != after[i] && (!news || !dependsOn(d, facts[i], &c)) {
						rt.Fatalf("%+v gave %+v to %s, unannounced (news %v)", c, facts[i], after[i], news)
					}
				}
			}
		}
		if diff := cmp.Diff(want, owners(d, facts)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

func dependsOn(d *Directory, f *schemas.Fact, c *Claim) bool {
	for _, h := range d.Handles(f) {
		if h == c.Key() {
			return true
		}
	}
	return false
}

// owners are the keys of whom the facts of CloudTrail belong to.
func owners(d *Directory, facts []*schemas.Fact) (out []string) {
	for _, f := range facts {
		key := ""
		if f.Source != schemas.Okta {
			p, _ := d.Resolve(f)
			key = p.Key
		}
		out = append(out, key)
	}
	return out
}

func TestAForgottenAssertionNamesNobody(t *testing.T) {
	signOn := oktaUser("a", "1", "ada@example.com", 0)
	signOn.Who.AssertionID = "id1"
	d := NewDirectory(set(t))
	for _, c := range Claims(signOn) {
		d.Learn(c)
	}
	f := role("A", schemas.Identity{SessionName: "s", AssertionID: "id1"}, 0)
	if p, _ := d.Resolve(f); p.Key != "okta:a/1" {
		t.Fatalf("got %s", p.Key)
	}
	if n := d.Forget(monday.UnixMicro()); n != 0 {
		t.Errorf("%d forgotten, of none that began before", n)
	}
	if n := d.Forget(monday.UnixMicro() + 1); n != 1 {
		t.Errorf("%d forgotten, want 1", n)
	}
	if p, _ := d.Resolve(f); p.Key != "aws:s" {
		t.Errorf("got %s", p.Key)
	}
	if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: "ada@example.com"}, 0)); p.Key != "okta:a/1" {
		t.Errorf("the login is forgotten too: %s", p.Key)
	}
}

// Callers made of anchors answer as a directory that has observed the same.
func TestCallersAnswerAsTheDirectoryDoes(t *testing.T) {
	ada, bob := role("A", schemas.Identity{SessionName: "admin", NameID: "ada@example.com"}, 0), role("A", schemas.Identity{SessionName: "admin", NameID: "bob@example.com"}, time.Hour)
	ada.ID, bob.ID = "1", "2"
	ada.Assume.AccessKeyID, bob.Assume.AccessKeyID = "ASIAADA", "ASIABOB"
	d := directory(t, oktaUser("a", "1", "ada@example.com", 0), oktaUser("a", "2", "bob@example.com", 0), ada, bob)
	var anchors []Anchor
	for _, f := range []*schemas.Fact{bob, ada, bob} {
		p, _ := d.Resolve(f)
		anchors = append(anchors, Anchor{Fact: f, Person: &p})
	}
	c := NewCallers(anchors)
	for _, call := range []struct {
		principal, key string
		created        time.Time
	}{
		{"AROA:admin", "ASIAADA", time.Time{}},
		{"AROA:admin", "ASIABOB", time.Time{}},
		{"AROA:admin", "", monday.Add(time.Minute)},
		{"AROA:admin", "ASIAOTHER", monday.Add(time.Hour)},
		{"AROA:lambda", "ASIAOTHER", monday},
		{"ASIAADA", "AROA:admin", monday},
	} {
		want, wanted := d.ResolveCall(call.principal, call.key, call.created, monday.Add(2*time.Hour))
		got, ok := c.Find(call.principal, call.key, call.created, monday.Add(2*time.Hour))
		if got != want || ok != wanted {
			t.Errorf("%+v: got %+v %v, want %+v %v", call, got, ok, want, wanted)
		}
	}
}
