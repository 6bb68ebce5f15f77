package organisation

import (
	"math/rand/v2"
	"time"
)

type generator struct {
	cfg         Config
	providers   []*provider
	accounts    []*account
	management  string   // the account of Identity Center
	instance    string   // of Identity Center
	store       string   // its identity store
	robot       *role    // assigns accounts, in the management account
	vault       *account // nobody's account, watched as a whole
	operators   *group
	onCall      *group
	inventory   *group // whose members stay
	reporting   *group // an Okta application
	people      []*person
	grantors    []actor
	helpdesk    actor // a person whom the policy trusts to put others into groups
	actions     []action
	oktaShard   string
	trailShards map[[2]string]string
	zones       map[string]*time.Location
	okta, trail []Event
	approvals   []Event
	listings    []Event
	truth       Truth
	// busy are the days of people on which nothing else may happen to them.
	busy map[[2]int]bool
	// light counts the plays that share such a day.
	light map[[2]int]int
	// refused are the people whose refusals the truth speaks of.
	refused map[int]bool
	// refusals counts those of everybody else.
	refusals map[int]int
	// held are all grants but those that plays make event by event; assumed are
	// the times at which people assumed roles.
	held    []held
	silent  []*silent
	duties  []duty
	assumed map[assumer][]time.Time
	// honest are assumptions that further calls may be made with.
	honest []usable
	// gap is the hole in the Okta log; zero for none.
	gap Interval
}

// usable is an assumption with the interval in which its use breaks nothing.
type usable struct {
	of          *assumption
	from, until time.Time
}

func (g *generator) trailShard(accountID, region string) string {
	k := [2]string{accountID, region}
	if g.trailShards[k] == "" {
		g.trailShards[k] = "aws/" + accountID + "/" + region
	}
	return g.trailShards[k]
}

// plan fixes the interval of the logs and the hole in it. All that needs the
// Okta log is over before the hole.
func (g *generator) plan() {
	r := g.stream("plan")
	g.actions = actions()
	g.instance, g.store = token(r, hexDigits, 16), "d-"+token(r, hexDigits, 10)
	machine := func(name string) actor {
		return actor{id: "0oa" + token(r, base62, 17), typ: "PublicClientAppEntity", alternate: "unknown", display: name}
	}
	g.grantors = []actor{machine("Okta Access Requests Connector"), machine("Okta Workflows")}
	g.helpdesk = actor{id: "00u1helpdesk00000000", typ: "User", alternate: "helpdesk@example.com", display: "Help Desk"}
	end := g.cfg.Start.AddDate(0, 0, g.cfg.Days)
	g.truth.Complete = Interval{g.cfg.Start.Add(-48 * time.Hour), end.Add(84 * time.Hour)}
	g.truth.Gaps = []Gap{}
	if g.cfg.Planted > 0 && g.cfg.Gap > 0 {
		from := end.Add(26*time.Hour + time.Duration(r.IntN(120))*time.Minute)
		g.gap = Interval{from, from.Add(g.cfg.Gap)}
		g.truth.Gaps = append(g.truth.Gaps, Gap{g.oktaShard, g.gap})
	}
}

// scene is a stretch of events about one person, with random numbers of its own.
type scene struct {
	g    *generator
	r    *rand.Rand
	p    *person
	day  int
	note string
	open bool // a grant is left open
}

// base is a time in the middle of the person's shift, in whole seconds.
func (s *scene) base() time.Time {
	return s.g.localTime(s.p.zone, s.day, s.p.shift+1, 0, 0).Add(seconds(s.r, 0, 5*time.Hour))
}

// The providers by how they join.
const (
	requires = 0 // direct, assertion_id: require
	prefers  = 1 // direct, assertion_id: prefer
	centers  = 2 // Identity Center
)

// account is one without approved hours behind the provider.
func (s *scene) account(kind int) *account {
	var all []*account
	for _, a := range s.g.accounts {
		if a.hours == nil && a.n%3 == kind {
			all = append(all, a)
		}
	}
	return pick(s.r, all)
}

// first is the first account without approved hours behind the provider.
func (g *generator) first(kind int) *account {
	for _, a := range g.accounts {
		if a.hours == nil && a.n%3 == kind {
			return a
		}
	}
	panic("organisation: fewer than 6 accounts")
}

// only stands for a single role that a play is about.
func only(x *role) *group { return &group{targets: []*role{x}} }

// role takes a role that the person uses nowhere else around that day, so that
// no other grant comes near; where a grant is left open, nowhere else at all.
func (s *scene) role(a *account) *role {
	x := pick(s.r, s.p.free(a, s.day, s.open)) // cast left some
	s.reserve(x)
	return x
}

func (s *scene) reserve(x *role) {
	s.p.reserved[x] = append(s.p.reserved[x], s.day)
	if s.open {
		s.p.left[x] = true
	}
}

// free are the roles of the account that have a group of their own and that no
// play about the person uses at about that day, or ever.
func (p *person) free(a *account, day int, ever bool) []*role {
	var free []*role
	for _, x := range a.roles {
		if len(x.group.targets) == 1 && !p.holds(x, day) && !(ever && len(p.reserved[x]) > 0) {
			free = append(free, x)
		}
	}
	return free
}

// holds reports whether a play uses the role at about that day.
func (p *person) holds(x *role, day int) bool {
	for _, d := range p.reserved[x] {
		if day-3 < d && d < day+3 {
			return true
		}
	}
	return p.left[x]
}

// spare reports whether the person has roles left for the play.
func (g *generator) spare(who *person, p play, day int) bool {
	if p.group != nil {
		for _, x := range p.group.targets {
			if who.holds(x, day) || p.open && len(who.reserved[x]) > 0 {
				return false
			}
		}
	}
	for _, a := range g.accounts {
		if len(who.free(a, day, p.open)) < 2 {
			return false
		}
	}
	return true
}

func (s *scene) plant(rule string, m *assumption, more ...string) {
	s.plantFor(s.p.login, rule, m, more...)
}

func (s *scene) plantFor(who, rule string, m *assumption, more ...string) {
	s.g.truth.Planted = append(s.g.truth.Planted, Planted{Rule: rule, Status: "open", Person: who, Time: m.at, Anchor: m.id, Evidence: append([]string{m.id}, more...), Note: s.note})
}

// plantSevere is plant for a rule that knows several severities.
func (s *scene) plantSevere(rule, severity string, m *assumption, more ...string) {
	s.plant(rule, m, more...)
	s.g.truth.Planted[len(s.g.truth.Planted)-1].Severity = severity
}

// plantGap says which rules a session leaves unjudged.
func (s *scene) plantGap(m *assumption, unjudged ...string) {
	s.plant("source_gap", m)
	s.g.truth.Planted[len(s.g.truth.Planted)-1].Unjudged = unjudged
}

// lingering plants what follows from a grant that was not removed in time.
func (s *scene) lingering(gr *grant) {
	f := Planted{Rule: "lingering_membership", Status: "open", Person: s.p.login, Time: gr.opened, Anchor: gr.addID, Evidence: []string{gr.addID}, Note: s.note}
	if gr.renewID != "" {
		f.Status, f.Evidence = "resolved", append(f.Evidence, gr.renewID)
	}
	if gr.removeID != "" {
		f.Status, f.Evidence = "resolved", append(f.Evidence, gr.removeID)
		late := f
		late.Rule, late.Status = "late_revocation", "open"
		s.g.truth.Planted = append(s.g.truth.Planted, late)
	}
	s.g.truth.Planted = append(s.g.truth.Planted, f)
}

func (s *scene) near(rule string, m *assumption) { s.nearEvent(rule, m.at, m.id) }

func (s *scene) nearEvent(rule string, at time.Time, event string) {
	s.g.truth.NearMisses = append(s.g.truth.NearMisses, NearMiss{Rule: rule, Person: s.p.login, Time: at, Event: event, Note: s.note})
}

// clean is all that an honest session stands on.
type clean struct {
	role    *role
	t       time.Time // of the assumption
	grant   *grant
	session *oktaSession
	on      *signOn
}

// prepare opens a grant some minutes before t, signs in and signs on; only the
// assumption itself is left to make. The grant is the timer's to end.
func (s *scene) prepare(x *role, t time.Time) *clean {
	c := &clean{role: x, t: t}
	c.grant = s.onTime(s.p, x.group, t.Add(-between(s.r, time.Minute, 8*time.Minute)))
	s.enter(c)
	return c
}

// enter signs in with the person's usual factor and signs on.
func (s *scene) enter(c *clean) {
	c.session = s.login(s.p, c.t.Add(-between(s.r, 10*time.Minute, 50*time.Minute)), s.p.mfa)
	s.signOnTo(c, c.t.Add(-between(s.r, time.Second, 20*time.Second)))
}

func (s *scene) signOnTo(c *clean, at time.Time) {
	c.on = s.signOn(c.session, c.role.account.provider, at, true)
	if c.role.account.provider.center {
		s.enterPortal(s.p, at)
	}
}

// assumeBy makes the assumption of a clean session.
func (s *scene) assumeBy(c *clean, a ask) *assumption {
	m := s.assume(s.p, c.role, c.t, c.on, a)
	if c.role.account.provider.center && a.saml == "" {
		s.federate(s.p, c.role, c.t, a.console)
	}
	return m
}

// usual makes some calls in the quarter of an hour after the assumption.
func (s *scene) usual(m *assumption) {
	s.use(m, m.at.Add(2*time.Second), m.at.Add(14*time.Minute), 2+s.r.IntN(s.g.cfg.CallsPerSession))
}
