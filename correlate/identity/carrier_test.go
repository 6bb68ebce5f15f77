package identity

import (
	"testing"
	"time"

	"jitaudit/schemas"
)

// Who a session of a name is, hours after monday 9:00.
func TestAHandleIsWhoseItIsThen(t *testing.T) {
	const mail = "sam@example.com"
	seen := func(id string, at int) *schemas.Fact { return oktaUser("a", id, mail, hours(at)) }
	removed := func(id string, at int) *schemas.Fact {
		f := oktaFact(schemas.GroupRemoved, id, mail, hours(at))
		f.Group = &schemas.GroupChange{}
		return f
	}
	type answers map[time.Duration]string
	for _, c := range []struct {
		name  string
		facts []*schemas.Fact
		want  answers
	}{
		{
			"login changed by an update of the primary email",
			[]*schemas.Fact{seen("1", 0), renamed("1", "new@example.com", mail, "new@example.com", hours(10)), oktaUser("a", "2", mail, hours(50))},
			answers{hours(-1): "1", hours(5): "1", hours(10): "1", hours(49): "1", hours(50): "2", hours(500): "2"},
		},
		{
			"taken over while it was still the other's by the log",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-10)), seen("1", 0), renamed("1", "new@example.com", mail, "new@example.com", hours(10))},
			answers{hours(-10): "2", hours(-1): "2", hours(0): "1", hours(9): "1", hours(10) - time.Microsecond: "1", hours(10): "2", hours(500): "2"},
		},
		{
			"another case of the same name takes nothing away",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-10)), seen("1", 0), renamed("1", "Sam@Example.com", "SAM@example.com", "Sam@Example.com", hours(10))},
			answers{hours(9): "1", hours(11): "1"},
		},
		{
			"an application's user name changes, and the login stays",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-10)), seen("1", 0), renamed("1", mail, mail, "sam", hours(10))},
			answers{hours(9): "1", hours(11): "1"},
		},
		{
			"an old name that nothing else tells of",
			[]*schemas.Fact{renamed("1", "new@example.com", mail, "new@example.com", hours(10)), oktaUser("a", "2", mail, hours(50))},
			answers{hours(5): "1", hours(10): "1", hours(49): "1", hours(50): "2"},
		},
		{
			"a new name is theirs from the very change",
			[]*schemas.Fact{oktaUser("a", "1", "old@example.com", 0), renamed("1", "other", "old@example.com", mail, hours(10)), seen("2", 50), renamed("2", "x", mail, "x", hours(60))},
			answers{hours(5): "1", hours(10): "1", hours(49): "1", hours(50): "2", hours(60): "1"},
		},
		{
			"names swapped",
			[]*schemas.Fact{
				seen("1", 0), oktaUser("a", "2", "max@example.com", 0),
				renamed("1", "max@example.com", mail, "max@example.com", hours(10)), renamed("2", mail, "max@example.com", mail, hours(11)),
			},
			answers{hours(9): "1", hours(10): "1", hours(11): "2", hours(99): "2"},
		},
		{
			"changed and changed back, with somebody else in between",
			[]*schemas.Fact{
				seen("1", 0), renamed("1", "x", mail, "x", hours(10)), seen("2", 20), renamed("2", "y", mail, "y", hours(30)),
				renamed("1", mail, "x", mail, hours(40)), renamed("1", "z", mail, "z", hours(60)),
			},
			answers{hours(5): "1", hours(15): "1", hours(20): "2", hours(30): "2", hours(39): "2", hours(40): "1", hours(59): "1", hours(60): "1", hours(99): "1"},
		},
		{
			"changed and changed back within a day",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), seen("1", 0), renamed("1", "x", mail, "x", hours(1)), renamed("1", "x", "x", mail, hours(2))},
			answers{hours(0): "1", hours(1): "2", hours(2): "1", hours(99): "1"},
		},
		{
			"given and taken at one instant",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), renamed("1", "x", "y", mail, hours(2)), renamed("1", "x", mail, "z", hours(2))},
			answers{hours(1): "2", hours(2): "2", hours(3): "2"},
		},
		{
			"reused after offboarding",
			[]*schemas.Fact{seen("1", 0), deactivated("1", "", hours(10)), seen("2", 50)},
			answers{hours(-1): "1", hours(9): "1", hours(10): "1", hours(49): "1", hours(50): "2"},
		},
		{
			"offboarded, while an older owner is still there",
			[]*schemas.Fact{seen("2", -50), seen("1", 0), deactivated("1", "", hours(10))},
			answers{hours(-51): "2", hours(-1): "2", hours(9): "1", hours(10) - time.Microsecond: "1", hours(10): "2", hours(99): "2"},
		},
		{
			"two owners, both offboarded: the last one's",
			[]*schemas.Fact{seen("1", 0), seen("2", 5), deactivated("2", "", hours(8)), deactivated("1", "", hours(10))},
			answers{hours(4): "1", hours(5): "2", hours(8): "1", hours(10): "1", hours(99): "1"},
		},
		{
			"deactivated, and deleted later",
			[]*schemas.Fact{seen("1", 0), deactivated("1", "", hours(10)), seen("2", 20), deactivated("2", "", hours(30)), deactivated("1", mail, hours(40))},
			answers{hours(5): "1", hours(25): "2", hours(35): "2", hours(99): "2"},
		},
		{
			"known by the deactivation alone",
			[]*schemas.Fact{deactivated("1", mail, hours(10)), seen("2", 50)},
			answers{hours(5): "1", hours(10): "1", hours(49): "1", hours(50): "2"},
		},
		{
			"removals after a deactivation are no return",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), seen("1", 0), deactivated("1", "", hours(10)), removed("1", 40)},
			answers{hours(9): "1", hours(10): "2", hours(39): "2", hours(41): "2"},
		},
		{
			"what comes on the day of the deactivation is no return",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), seen("1", 0), deactivated("1", "", hours(10)), seen("1", 14)},
			answers{hours(9): "1", hours(10): "2", hours(14): "2", hours(99): "2"},
		},
		{
			"back on the next day",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), seen("1", 0), deactivated("1", "", hours(10)), seen("1", 15)},
			answers{hours(9): "1", hours(15): "1", hours(99): "1"},
		},
		{
			"back after somebody else had it",
			[]*schemas.Fact{
				seen("1", 0), deactivated("1", "", hours(10)), seen("2", 50), deactivated("2", "", hours(90)), seen("1", 120), seen("1", 150),
			},
			answers{hours(5): "1", hours(50): "2", hours(89): "2", hours(90): "1", hours(130): "1", hours(900): "1"},
		},
		{
			"back, and gone again",
			[]*schemas.Fact{seen("1", 0), deactivated("1", "", hours(10)), seen("1", 120), deactivated("1", "", hours(130)), seen("2", 200), deactivated("2", "", hours(210))},
			answers{hours(5): "1", hours(120): "1", hours(199): "1", hours(200): "2", hours(900): "2"},
		},
		{
			"a name still used long after it was taken is not lost",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), seen("1", 0), renamed("1", "x", mail, "x", hours(10)), seen("1", 40)},
			answers{hours(11): "1", hours(41): "1"},
		},
		{
			"removed from an application after a deactivation",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), seen("1", 0), deactivated("1", "", hours(10)), oktaFact(schemas.AppUnassigned, "1", mail, hours(40))},
			answers{hours(9): "1", hours(41): "2"},
		},
		{
			"a request that is closed after a deactivation",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), seen("1", 0), deactivated("1", "", hours(10)), oktaFact(schemas.Requested, "1", mail, hours(40))},
			answers{hours(9): "1", hours(41): "2"},
		},
		{
			"a name given again is no new beginning",
			[]*schemas.Fact{seen("1", 0), seen("2", 5), renamed("1", "x", "y", mail, hours(10))},
			answers{hours(4): "1", hours(6): "2", hours(11): "2"},
		},
		{
			"given and taken at one instant, and seen with it later",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), renamed("1", "x", "y", mail, hours(2)), renamed("1", "x", mail, "z", hours(2)), seen("1", 50)},
			answers{hours(1): "2", hours(3): "1", hours(51): "1"},
		},
		{
			"whoever left before being seen with it has not carried it then",
			[]*schemas.Fact{deactivated("1", "", hours(5)), seen("2", 30), seen("1", 40)},
			answers{hours(10): "2", hours(31): "2", hours(41): "1"},
		},
		{
			"nor on the day on which they come back to it",
			[]*schemas.Fact{deactivated("1", "", hours(5)), seen("2", 7), seen("1", 14)},
			answers{hours(6): "2", hours(8): "2", hours(14): "1"},
		},
		{
			"whose name it was, who knows since when, had it later than who left before",
			[]*schemas.Fact{seen("2", 0), deactivated("2", "", hours(5)), renamed("1", "x", mail, "x", hours(10))},
			answers{hours(4): "2", hours(10): "1", hours(20): "1"},
		},
		{
			"another case of the same name, and another login",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), seen("1", 0), renamed("1", "login", "SAM@example.com", " Sam@example.com", hours(10))},
			answers{hours(9): "1", hours(11): "1"},
		},
		{
			"the end of another handle is not this one's",
			[]*schemas.Fact{oktaUser("a", "2", mail, hours(-99)), seen("1", 0), renamed("1", mail, "x", "y", hours(10))},
			answers{hours(11): "1"},
		},
		{
			"of two from one instant on the first by key",
			[]*schemas.Fact{seen("2", 0), seen("1", 0), seen("3", 0)},
			answers{hours(-1): "1", hours(0): "1", hours(1): "1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			for form, d := range map[string]*Directory{"built": built(set(t), c.facts...), "learnt": learnt(set(t), c.facts...)} {
				for after, want := range c.want {
					if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: mail}, after)); p.Key != "okta:a/"+want {
						t.Errorf("%s, %s after: got %s, want %s", form, after, p.Key, want)
					}
				}
			}
		})
	}
}

// One mail address in two orgs is two persons', and each leaves one's own.
func TestOneAddressInTwoOrgs(t *testing.T) {
	const mail = "bob@example.com"
	here, there := oktaUser("a", "1", mail, 0), oktaUser("b", "9", mail, hours(20))
	gone := deactivated("9", mail, hours(40))
	gone.Who.Org = "b"
	facts := []*schemas.Fact{here, there, gone}
	for form, d := range map[string]*Directory{"built": built(set(t), facts...), "learnt": learnt(set(t), facts...)} {
		for _, c := range []struct {
			provider string
			after    time.Duration
			want     string
		}{
			{"A", hours(1), "okta:a/1"}, {"A", hours(30), "okta:a/1"}, {"A", hours(50), "okta:a/1"},
			{"B", hours(1), "okta:b/9"}, {"B", hours(30), "okta:b/9"}, {"B", hours(50), "okta:b/9"},
			{"C", hours(1), "okta:a/1"}, {"C", hours(30), "okta:b/9"}, {"C", hours(50), "okta:a/1"},
		} {
			if p, _ := d.Resolve(role(c.provider, schemas.Identity{SessionName: mail}, c.after)); p.Key != c.want {
				t.Errorf("%s, provider %s, %s after: got %s, want %s", form, c.provider, c.after, p.Key, c.want)
			}
		}
	}
}

// The NameID and the mail address of a user end with them, the assertion of a
// sign-on does not.
func TestEverythingOfSomebodyEndsWithThemButAssertions(t *testing.T) {
	first, then := oktaUser("a", "1", "old@example.com", 0), oktaUser("a", "2", "old@example.com", hours(-9))
	for _, f := range []*schemas.Fact{first, then} {
		f.Who.NameID, f.Who.Email = "name", "Mail@example.org"
	}
	first.Who.AssertionID = "id1"
	facts := []*schemas.Fact{first, then, deactivated("1", "", hours(5))}
	for form, d := range map[string]*Directory{"built": built(set(t), facts...), "learnt": learnt(set(t), facts...)} {
		for _, name := range []string{"old@example.com", "name", "mail@example.org"} {
			for after, want := range map[time.Duration]string{hours(4): "okta:a/1", hours(5): "okta:a/2"} {
				if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: name}, after)); p.Key != want {
					t.Errorf("%s, %s, %s after: got %s, want %s", form, name, after, p.Key, want)
				}
			}
		}
		if p, _ := d.Resolve(role("A", schemas.Identity{SessionName: "s", AssertionID: "id1"}, hours(6))); p.Key != "okta:a/1" {
			t.Errorf("%s: by the assertion: %s", form, p.Key)
		}
	}
}

func TestTheTimesOfOneDay(t *testing.T) {
	midnight := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC).UnixMicro()
	if day(midnight) != day(midnight-1)+1 || day(midnight) != day(midnight+1) || day(midnight+int64(day24/time.Microsecond)-1) != day(midnight) {
		t.Error("a day (UTC) is not from midnight to midnight")
	}
}
