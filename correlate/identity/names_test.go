package identity

import (
	"testing"
	"time"

	"jitaudit/schemas"
)

const tagPolicies = `
providers:
  - {name: a, arn: "arn:aws:iam::*:saml-provider/A", federation: direct, okta_org: a, apps: [0oaa]}
people:
  - {login: ada@example.com, aliases: [Countess+x@example.org, analyst, both+ada@example.com]}
  - {login: Tag+own@example.com, aliases: [tagger]}
  - {login: tim+1@example.com, aliases: [exact+1@example.com]}
identity: {strip_tags: true, domains: [Example.com, example.org]}
`

func TestNamesAreReadAsThePolicySays(t *testing.T) {
	people := []*schemas.Fact{
		oktaUser("a", "ada", "ada@example.com", 0), oktaUser("a", "bob", "bob+aws@example.com", 0),
		oktaUser("a", "eve", "eve@example.org", 0), oktaUser("a", "eva", "eve+2@example.com", hours(5)),
		oktaUser("a", "tim", "tim.short@example.org", 0), oktaUser("a", "tom", "tim.short@example.com", 0),
		oktaUser("a", "tag", "tag+other@example.com", 0), oktaUser("a", "plus", "+@example.com", 0),
		oktaUser("a", "two", "two@example.com@example.org", 0), oktaUser("a", "empty", "@example.com", 0),
		oktaUser("a", "tim+1", "tim+1@example.com", 0), oktaUser("a", "tim+2", "tim+2@example.com", hours(1)),
		oktaUser("a", "both", "both@example.com", 0),
	}
	const plain = "plain"
	for _, c := range []struct {
		name, session, want string
		plain               string // without the options; empty: a stranger
	}{
		{"as it is", "ada@example.com", "ada", "ada"},
		{"with a tag", "Ada+x@example.com", "ada", ""},
		{"with two tags", "ada+x+y@example.com", "ada", ""},
		{"without the tag that the login has", "bob@example.com", "bob", ""},
		{"with another tag than the login", "bob+2@example.com", "bob", ""},
		{"with the same tag", "bob+aws@example.com", "bob", "bob"},
		{"the whole address before the address without tag", "eve+2@example.com", "eva", "eva"},
		{"a tag on an address of another domain", "eve+2@example.org", "eve", ""},
		{"a name without domain", "ada", "ada", ""},
		{"by the second domain", "eve", "eva", ""},
		{"by the first domain that knows it", "tim.short", "tom", ""},
		{"a name without domain, with a tag", "ada+x", "ada", ""},
		{"an alias without its tag", "countess@example.org", "ada", ""},
		{"an alias with another tag", "countess+y@example.org", "ada", ""},
		{"an alias as it is", "countess+X@example.org", "ada", "ada"},
		{"an alias as it is before the address without its tag", "both+ada@example.com", "ada", "ada"},
		{"an alias without domain, by the domain", "countess", "ada", ""},
		{"an alias before the domains", "analyst", "ada", "ada"},
		{"an alias of a login with another tag", "tagger", "tag", ""},
		{"a tag on nothing is none", "+@example.com", "plus", "plus"},
		{"nothing before a tag", "+x@example.com", "", ""},
		{"a tag in the domain is none", "ada@exam+ple.com", "", ""},
		{"the last @ begins the domain", "two@example.com+x@example.org", "two", ""},
		{"a name with a domain is not tried with another", "ada@example.net", "", ""},
		{"nor one with two", "two@example.com", "", ""},
		{"nobody", "zoe", "", ""},
		{"no name", " ", "", ""},
		{"an alias of a login that another is like", "exact", "tim+1", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for options, text := range map[string]string{"with": tagPolicies, plain: tagPolicies[:len(tagPolicies)-len("identity: {strip_tags: true, domains: [Example.com, example.org]}\n")]} {
				want := "okta:a/" + c.want
				if options == plain {
					want = "okta:a/" + c.plain
				}
				if want == "okta:a/" {
					want = "aws:" + Fold(c.session)
				}
				for form, d := range map[string]*Directory{"built": built(policySet(t, text), people...), "learnt": learnt(policySet(t, text), people...)} {
					if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: c.session}, hours(9))); p.Key != want {
						t.Errorf("%s options, %s: got %s, want %s", options, form, p.Key, want)
					}
				}
			}
		})
	}
}

// The rule of tags and times together: of all who carry the address with some tag
// it is the last who came to.
func TestOfSeveralTagsItIsTheLatest(t *testing.T) {
	facts := []*schemas.Fact{
		oktaUser("a", "1", "x+1@example.com", 0), oktaUser("a", "2", "x+2@example.com", hours(10)), oktaUser("a", "3", "x@example.com", hours(5)),
		deactivated("2", "", hours(20)),
	}
	d := built(policySet(t, tagPolicies), facts...)
	for after, want := range map[time.Duration]string{hours(1): "1", hours(6): "3", hours(11): "2", hours(21): "3"} {
		if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: "x+9@example.com"}, after)); p.Key != "okta:a/"+want {
			t.Errorf("%s after: got %s, want %s", after, p.Key, want)
		}
	}
	// In an org that nobody of them is in, nobody is found.
	if p, _ := d.Resolve(requested(schemas.Identity{Org: "b", Login: "x+9@example.com"}, 0)); p.Key != "aws:x+9@example.com" {
		t.Errorf("in another org: %s", p.Key)
	}
}

// Two from one instant on, each with another tag: the first by key.
func TestOfSeveralTagsFromOneInstantItIsTheFirstByKey(t *testing.T) {
	for _, ids := range [][2]string{{"1", "2"}, {"2", "1"}} {
		d := built(policySet(t, tagPolicies), oktaUser("a", ids[0], "x+1@example.com", 0), oktaUser("a", ids[1], "x+2@example.com", 0))
		if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: "x@example.com"}, 0)); p.Key != "okta:a/1" {
			t.Errorf("got %s", p.Key)
		}
	}
}

// Names with a tag are known without it, however they were learnt.
func TestTagsOfNamesThatChange(t *testing.T) {
	for _, f := range []*schemas.Fact{
		renamed("1", "x", "y", "Tim+new@example.com", 0), renamed("1", "x", "Tim+old@example.com", "y", 0), deactivated("1", "Tim+gone@example.com", 0),
	} {
		for form, d := range map[string]*Directory{"built": built(policySet(t, tagPolicies), f), "learnt": learnt(policySet(t, tagPolicies), f)} {
			if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: "tim@example.com"}, 0)); p.Key != "okta:a/1" {
				t.Errorf("%s, %+v: got %s", form, f.Rename, p.Key)
			}
		}
	}
}

func TestGoesBy(t *testing.T) {
	d := built(set(t), oktaUser("a", "1", "ada@example.com", 0), oktaUser("b", "9", "ada@example.com", hours(1)), oktaUser("a", "2", "bob@example.com", 0))
	for _, c := range []struct {
		key, name string
		want      bool
	}{
		{"okta:a/1", "ADA@example.com", true}, {"okta:b/9", "ada@example.com", true}, {"okta:a/1", "ada.smith", true},
		{"okta:a/2", "ada@example.com", false}, {"okta:a/1", "zoe", false}, {"okta:a/3", "ada@example.com", false}, {"okta:a/3", "zoe", false},
	} {
		if got := d.GoesBy(c.key, c.name, monday.Add(hours(2))); got != c.want {
			t.Errorf("%s by %s: %v", c.key, c.name, got)
		}
	}
}

// A policy judges from its own time on, with its aliases, each in its interval.
func TestAliasesHaveIntervals(t *testing.T) {
	const first = `
people:
  - {login: ada@example.com, aliases: [{name: Breakglass, from: 2026-03-02T10:00:00Z, until: 2026-03-02T12:00:00Z}, always]}
  - {login: bob@example.com, aliases: [{name: breakglass, from: 2026-03-02T12:00:00Z}]}
`
	const then = `
effective_from: 2026-03-03T09:00:00Z
people:
  - {login: bob@example.com, aliases: [always]}
`
	people := []*schemas.Fact{oktaUser("a", "ada", "ada@example.com", 0), oktaUser("a", "bob", "bob@example.com", hours(40))}
	ps := policySet(t, first, then)
	for form, d := range map[string]*Directory{"built": built(ps, people...), "learnt": learnt(ps, people...)} {
		for _, c := range []struct {
			alias string
			after time.Duration
			want  string
		}{
			{"breakglass", hours(1) - time.Second, "aws:breakglass"}, {"breakglass", hours(1), "okta:a/ada"},
			{"breakglass", hours(3) - time.Second, "okta:a/ada"}, {"breakglass", hours(3), "okta:a/bob"},
			{"breakglass", hours(24), "aws:breakglass"},
			{"always", hours(-1), "okta:a/ada"}, {"always", hours(23), "okta:a/ada"}, {"always", hours(24), "okta:a/bob"},
		} {
			if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: c.alias}, c.after)); p.Key != c.want {
				t.Errorf("%s, %s, %s after: got %s, want %s", form, c.alias, c.after, p.Key, c.want)
			}
		}
	}
}

// An alias learnt late: a policy that is given afterwards, a name that turns up
// afterwards.
func TestAnAliasLearntLate(t *testing.T) {
	d := NewDirectory(policySet(t, "refusals: {burst: 5}\n"))
	learn := func(f *schemas.Fact) (news int) {
		for _, c := range Claims(f) {
			if d.Learn(c) {
				news++
			}
		}
		return news
	}
	f := role("A", schemas.Identity{SessionName: "ada.smith", PortalUserID: "p-1"}, 0)
	is := func(want string) {
		t.Helper()
		if p, _ := d.Resolve(f); p.Key != want {
			t.Errorf("got %s, want %s", p.Key, want)
		}
	}
	is("aws:ada.smith")
	learn(oktaUser("a", "1", "ada@example.com", hours(3)))
	is("aws:ada.smith")
	d.Judge(set(t))
	is("okta:a/1")
	d.Judge(policySet(t, "refusals: {burst: 5}\n"))
	is("aws:ada.smith")
	if n := learn(observed("p-1", "ada", "ADA@example.com", hours(9))); n != 2 {
		t.Errorf("%d claims are new, want 2", n)
	}
	is("okta:a/1")
	if n := learn(observed("p-1", "ada", "ada@example.com", hours(10))); n != 0 {
		t.Errorf("%d claims are new, want none", n)
	}
}
