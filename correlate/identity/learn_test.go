package identity

import (
	"testing"
	"time"

	"jitaudit/schemas"
)

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
	if len(d.assertions) > 0 {
		t.Errorf("room is kept for %d assertions", len(d.assertions))
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
