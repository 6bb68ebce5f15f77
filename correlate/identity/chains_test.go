package identity

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jitaudit/schemas"
)

var (
	hub   = session{"AROAHUB:ada", "ASIAHUB"}
	one   = session{"AROAONE:x", "ASIAONE"}
	two   = session{"AROATWO:x", "ASIATWO"}
	three = session{"AROATHREE:x", "ASIATHREE"}
)

// callers are those of a builder's directory, and those of its anchors.
func callers(t testing.TB, facts ...*schemas.Fact) map[string]*Callers {
	t.Helper()
	d := built(policySet(t, allPolicies), facts...)
	var anchors []Anchor
	var further []*schemas.Fact
	for _, f := range facts {
		switch {
		case f.Assume != nil:
			p, _ := d.Resolve(f)
			anchors = append(anchors, Anchor{Fact: f, Person: &p})
		case f.Chain != nil || f.Entry != nil:
			further = append(further, f)
		}
	}
	c := NewCallers(anchors, further...)
	return map[string]*Callers{"built": &d.calls, "of anchors": &c}
}

// A chain of depth three, told in every order.
func TestWhatKnownCredentialsLedToIsTheSamePersons(t *testing.T) {
	facts := []*schemas.Fact{
		oktaUser("a", "1", "ada@example.com", 0), hub.assumed("ada@example.com", 0),
		hub.made(one, hours(1)), one.made(two, hours(2)), two.made(three, hours(3)),
		session{"AROALAMBDA:f", "ASIALAMBDA"}.made(session{"AROAOTHER:f", "ASIAOTHER"}, hours(1)),
	}
	for _, order := range permutations(len(facts)) {
		var told []*schemas.Fact
		for _, i := range order {
			told = append(told, facts[i])
		}
		for form, c := range callers(t, told...) {
			for _, s := range []session{hub, one, two, three, {three.principal, ""}, {"", three.key}, {three.principal, "ASIANEW"}} {
				if p, ok := c.Find(s.principal, s.key, time.Time{}, monday.Add(hours(4))); !ok || p.Key != "okta:a/1" {
					t.Fatalf("%s, told in the order %v: %+v is %q's", form, order, s, p.Key)
				}
			}
			for _, s := range []session{{"AROAOTHER:f", "ASIAOTHER"}, {"AROALAMBDA:f", "ASIALAMBDA"}} {
				if p, ok := c.Find(s.principal, s.key, time.Time{}, monday.Add(hours(4))); ok || c.Known(s.principal) {
					t.Fatalf("%s, told in the order %v: %+v is %q's", form, order, s, p.Key)
				}
			}
		}
	}
}

func permutations(n int) (out [][]int) {
	if n == 0 {
		return [][]int{nil}
	}
	for _, p := range permutations(n - 1) {
		for at := range n {
			out = append(out, slices.Insert(slices.Clone(p), at, n-1))
		}
	}
	return out
}

func TestByWhichCredentialsFurtherOnesWereMade(t *testing.T) {
	// Two people whose role sessions have one name.
	ada, bob := session{"AROAHUB:admin", "ASIAADA"}, session{"AROAHUB:admin", "ASIABOB"}
	first, second := ada.assumed("admin", 0), bob.assumed("admin", hours(5))
	first.Who.NameID, second.Who.NameID = "ada@example.com", "bob@example.com"
	known := []*schemas.Fact{oktaUser("a", "1", "ada@example.com", 0), oktaUser("a", "2", "bob@example.com", 0), first, second}
	uncalled := bob.made(one, hours(6))
	uncalled.Call = nil
	with := func(change func(*schemas.Call)) *schemas.Fact {
		f := bob.made(one, hours(6))
		change(f.Call)
		return f
	}
	for _, c := range []struct {
		name string
		fact *schemas.Fact
		want string
	}{
		{"by the key", with(func(*schemas.Call) {}), "okta:a/2"},
		{"by another key, and when that was made", with(func(c *schemas.Call) { c.AccessKeyID, c.CreatedAt = "ASIANEW", monday.Add(time.Second) }), "okta:a/1"},
		{"the console's key does not tell", with(func(c *schemas.Call) {
			c.AccessKeyID, c.Console, c.CreatedAt = "ASIABOB", true, monday.Add(time.Second)
		}), "okta:a/1"},
		{"nor does that of a service", with(func(c *schemas.Call) {
			c.AccessKeyID, c.ServiceDriven, c.CreatedAt = "ASIABOB", true, monday.Add(time.Second)
		}), "okta:a/1"},
		{"without either by the last before", with(func(c *schemas.Call) { c.AccessKeyID = "" }), "okta:a/2"},
		{"by no principal", with(func(c *schemas.Call) { c.PrincipalID, c.AccessKeyID = "", "" }), ""},
		{"by nothing that is told", uncalled, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for form, callers := range callers(t, append([]*schemas.Fact{c.fact}, known...)...) {
				if callers.Known(one.principal) != (c.want != "") {
					t.Errorf("%s: known: %v", form, c.want == "")
				}
				if p, ok := callers.Find(one.principal, one.key, time.Time{}, monday.Add(hours(7))); p.Key != c.want || ok != (c.want != "") {
					t.Errorf("%s: got %q, want %q", form, p.Key, c.want)
				}
			}
		})
	}
}

// The account of the role tells of the same call, and not by which credentials.
func TestTheRecordThatTellsMoreStandsForBoth(t *testing.T) {
	ada, bob := session{"AROAHUB:admin", "ASIAADA"}, session{"AROAHUB:admin", "ASIABOB"}
	first, second := ada.assumed("admin", 0), bob.assumed("admin", hours(5))
	first.Who.NameID, second.Who.NameID = "ada@example.com", "bob@example.com"
	own, other := ada.made(one, hours(6)), ada.made(one, hours(6)-time.Second)
	own.Chain.SharedID, other.Chain.SharedID = "shared", "shared"
	other.ID, other.Call = "there", &schemas.Call{PrincipalID: ada.principal}
	known := []*schemas.Fact{oktaUser("a", "1", "ada@example.com", 0), oktaUser("a", "2", "bob@example.com", 0), first, second, other}
	dated := ada.made(one, hours(6))
	dated.ID, dated.Chain.SharedID, dated.Call = "dated", "shared", &schemas.Call{PrincipalID: ada.principal, CreatedAt: monday}
	silent := ada.made(session{}, hours(6)+time.Second)
	silent.ID, silent.Chain.SharedID = "silent", "shared"
	unrelated := ada.made(two, hours(6))
	unrelated.Call.AccessKeyID = ""
	for _, c := range []struct {
		name string
		more []*schemas.Fact
		want string
	}{
		{"alone it is taken for the last before", nil, "okta:a/2"},
		{"the caller's own", []*schemas.Fact{own}, "okta:a/1"},
		{"one that tells when its credentials were made", []*schemas.Fact{dated}, "okta:a/1"},
		{"one that does not tell what was made", []*schemas.Fact{silent}, "okta:a/2"},
	} {
		for form, callers := range callers(t, append(c.more, append(known, unrelated)...)...) {
			for _, s := range []session{one, {one.principal, ""}} {
				if p, _ := callers.Find(s.principal, s.key, time.Time{}, monday.Add(hours(7))); p.Key != c.want {
					t.Errorf("%s, %s: %+v is %q's, want %q", c.name, form, s, p.Key, c.want)
				}
			}
			if p, _ := callers.Find(two.principal, two.key, time.Time{}, monday.Add(hours(7))); p.Key != "okta:a/2" {
				t.Errorf("%s, %s: what has no shared id is %q's", c.name, form, p.Key)
			}
		}
	}
}

// Keys minted by "aws login" are those of the session that asked for them.
func TestMintedKeysAreOfTheirSession(t *testing.T) {
	minted := hub.made(session{hub.principal, "ASIAMINTED"}, hours(1))
	minted.Kind = schemas.Minted
	for form, c := range callers(t, oktaUser("a", "1", "ada@example.com", 0), hub.assumed("ada@example.com", 0), minted) {
		if p, _ := c.Find("", "ASIAMINTED", time.Time{}, monday); p.Key != "okta:a/1" {
			t.Errorf("%s: got %q", form, p.Key)
		}
	}
}

// What was entered otherwise is known, and nobody's; so is what it led to.
func TestWhatWasEnteredOtherwiseIsNobodys(t *testing.T) {
	robot := session{"AROAROBOT:ci", "ASIAROBOT"}
	mixed := session{hub.principal, "ASIAMIXED"}
	facts := []*schemas.Fact{
		oktaUser("a", "1", "ada@example.com", 0), hub.assumed("ada@example.com", 0),
		robot.entered(schemas.ByWebIdentity, 0), robot.made(one, hours(1)),
		mixed.entered(schemas.ByWebIdentity, hours(5)), hub.made(two, hours(4)),
	}
	for form, c := range callers(t, facts...) {
		for _, s := range []session{robot, one, mixed, {hub.principal, "ASIAANY"}} {
			if p, ok := c.Find(s.principal, s.key, time.Time{}, monday.Add(hours(6))); ok {
				t.Errorf("%s: %+v is %q's", form, s, p.Key)
			}
			if !c.Known(s.principal) {
				t.Errorf("%s: %+v is not known", form, s)
			}
		}
		if p, ok := c.Find(mixed.principal, mixed.key, time.Time{}, monday.Add(hours(4))); ok {
			t.Errorf("%s: by the key, whatever the times say: it is %q's", form, p.Key)
		}
		for _, s := range []session{hub, two} {
			if p, _ := c.Find(s.principal, s.key, time.Time{}, monday.Add(hours(4))); p.Key != "okta:a/1" {
				t.Errorf("%s: %+v is %q's", form, s, p.Key)
			}
		}
		if c.Known("AROAOTHER:ci") {
			t.Errorf("%s: a session that nothing tells of is known", form)
		}
	}
}

// Sessions that assumed each other vouch for neither.
func TestALoopIsNobodys(t *testing.T) {
	for form, c := range callers(t, one.made(two, 0), two.made(one, hours(1)), one.made(one, hours(2))) {
		if p, ok := c.Find(one.principal, one.key, time.Time{}, monday.Add(hours(3))); ok || c.Known(two.principal) {
			t.Errorf("%s: %q's", form, p.Key)
		}
	}
}

// Of what was made at one instant the lower event id stands first, of copies of
// one event nobody before somebody, and then the key and the name decide.
func TestTheOrderOfWhatWasMade(t *testing.T) {
	somebody := func(key, name string) *schemas.Person { return &schemas.Person{Key: key, Name: name} }
	sorted := []issue{
		{monday, "1", somebody("b", "b")},
		{monday, "2", nil},
		{monday, "2", somebody("a", "x")},
		{monday, "2", somebody("a", "y")},
		{monday, "2", somebody("b", "a")},
		{monday.Add(time.Second), "0", nil},
	}
	for i, a := range sorted {
		for j, b := range sorted {
			if got, want := compareIssues(a, b), cmp.Compare(i, j); got != want {
				t.Errorf("%d and %d: %d, want %d", i, j, got, want)
			}
		}
	}
}

func TestTheOrderOfMakings(t *testing.T) {
	base := making{id: "b", at: 1, of: credential{"p", "k"}, by: credential{"p", "k"}, created: 1, sharedID: "s"}
	for field, later := range map[string]func(m *making){
		"time":           func(m *making) { m.at, m.id = 2, "a" },
		"id":             func(m *making) { m.id, m.of.principalID = "c", "o" },
		"principal":      func(m *making) { m.of = credential{"q", "j"} },
		"key":            func(m *making) { m.of.accessKeyID, m.by.principalID = "l", "o" },
		"by a principal": func(m *making) { m.by = credential{"q", "j"} },
		"by a key":       func(m *making) { m.by.accessKeyID, m.created = "l", 0 },
		"created":        func(m *making) { m.created, m.sharedID = 2, "r" },
		"shared id":      func(m *making) { m.sharedID = "t" },
	} {
		other := base
		later(&other)
		if compareMakings(base, other) != -1 || compareMakings(other, base) != 1 || compareMakings(other, other) != 0 {
			t.Errorf("by %s", field)
		}
	}
}

// A key that two carry is that of the first; what is told of neither key nor role
// session is nobody's.
func TestOneKeyOfTwo(t *testing.T) {
	first, second := session{"AROA1:x", "ASIASAME"}.assumed("ada@example.com", 0), session{"AROA2:x", "ASIASAME"}.assumed("bob@example.com", hours(1))
	neither := session{}.assumed("bob@example.com", hours(1))
	second.ID, neither.ID = "a", "b"
	entered := session{"", "ASIAENTERED"}.entered(schemas.ByIAMUser, 0)
	minted := session{"AROA1:x", "ASIASAME"}.made(session{"", "ASIAMINTED"}, hours(1))
	known := []*schemas.Fact{oktaUser("a", "1", "ada@example.com", 0), oktaUser("a", "2", "bob@example.com", 0), second, first, neither, entered, minted}
	for form, c := range callers(t, known...) {
		if p, _ := c.Find("AROA2:x", "ASIASAME", time.Time{}, monday.Add(hours(9))); p.Key != "okta:a/1" {
			t.Errorf("%s: got %q", form, p.Key)
		}
		for _, key := range []string{"", "ASIAOTHER", "ASIAENTERED"} {
			if p, ok := c.Find("", key, time.Time{}, monday.Add(hours(9))); ok || c.Known("") {
				t.Errorf("%s: key %q is %q's", form, key, p.Key)
			}
		}
	}
}

func drawChains(rt *rapid.T) (facts []*schemas.Fact) {
	draw := func(label string) session {
		return session{
			rapid.SampledFrom([]string{"AROA1:x", "AROA2:ada@example.com", "AROA3:x", "AROA4:y"}).Draw(rt, label),
			rapid.SampledFrom([]string{"", "ASIA1", "ASIA2", "ASIA3", "ASIA4"}).Draw(rt, label+" key"),
		}
	}
	for n := range rapid.IntRange(0, 12).Draw(rt, "credentials") {
		at := hours(rapid.IntRange(0, 20).Draw(rt, "hour"))
		s := draw("of")
		var f *schemas.Fact
		switch rapid.IntRange(0, 5).Draw(rt, "made") {
		case 0, 1:
			f = s.assumed(rapid.SampledFrom([]string{"x@example.com", "y@example.com"}).Draw(rt, "session"), at)
		case 2:
			f = s.entered(schemas.ByWebIdentity, at)
		default:
			f = draw("by").made(s, at)
			f.Chain.SharedID = rapid.SampledFrom([]string{"", "", "shared"}).Draw(rt, "shared")
			if rapid.Bool().Draw(rt, "dated") {
				f.Call.CreatedAt = monday.Add(hours(rapid.IntRange(0, 20).Draw(rt, "created")))
			}
		}
		f.ID = "made " + string(rune('a'+n))
		facts = append(facts, f)
	}
	return facts
}

// Order and repetition change nothing of whose a call is, and callers of anchors
// answer as a directory.
func TestChainsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		facts := append(drawChains(rt), oktaUser("a", "1", "x@example.com", 0), oktaUser("a", "2", "y@example.com", hours(3)))
		want := whose(callers(t, facts...)["built"])
		for form, c := range callers(t, rapid.Permutation(append(facts, facts[0])).Draw(rt, "order")...) {
			if diff := gocmp.Diff(want, whose(c)); diff != "" {
				rt.Fatalf("%s: %s", form, diff)
			}
		}
	})
}

func whose(c *Callers) (out []string) {
	for _, principal := range []string{"AROA1:x", "AROA2:ada@example.com", "AROA3:x", "AROA4:y"} {
		for _, key := range []string{"", "ASIA1", "ASIA2", "ASIA3", "ASIA4"} {
			for hour := range 21 {
				by, _ := c.Find(principal, key, time.Time{}, monday.Add(hours(hour)))
				created, _ := c.Find(principal, key, monday.Add(hours(hour)), monday.Add(hours(20)))
				out = append(out, by.Key+" "+created.Key)
			}
		}
	}
	return out
}
