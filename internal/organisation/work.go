package organisation

import "time"

// work lets everybody whom no play needs go about their business. Nothing of it
// breaks a rule.
func (g *generator) work() {
	for day := range g.cfg.Days {
		for _, p := range g.people {
			if g.busy[[2]int{p.n, day}] {
				continue
			}
			s := &scene{g: g, r: g.stream("work", p.n, day), p: p, day: day}
			switch noon := g.localTime(p.zone, day, 12, 0, 0).In(p.zone); noon.Weekday() {
			case time.Saturday, time.Sunday:
				if p.onCall && chance(s.r, 60) {
					s.standBy()
				}
			default:
				s.workday()
			}
		}
	}
}

// workday has a morning and an afternoon in Okta with lunch between, and one or
// two reasons to go into AWS.
func (s *scene) workday() {
	g, p := s.g, s.p
	start := g.localTime(p.zone, s.day, p.shift, 0, 0)
	morning := start.Add(between(s.r, 0, 40*time.Minute))
	afternoon := start.Add(5*time.Hour + between(s.r, 0, 40*time.Minute))
	var halves [2]*oktaSession
	used := map[*role]bool{}
	for range 1 + s.r.IntN(2) {
		half := s.r.IntN(2)
		begun := [2]time.Time{morning, afternoon}[half]
		opened := begun.Add(8*time.Minute + between(s.r, 0, 2*time.Hour))
		to := s.chooseGroup(used, opened)
		if to == nil {
			continue
		}
		if halves[half] == nil {
			halves[half] = s.login(p, begun, p.mfa)
		}
		s.task(halves[half], to, opened)
	}
	for half, begun := range [2]time.Time{morning, afternoon} {
		if halves[half] == nil && chance(s.r, 30) {
			s.otherApp(p, s.login(p, begun, p.mfa), begun.Add(between(s.r, time.Minute, 2*time.Hour)))
		}
	}
}

// standBy is a weekend's call to duty.
func (s *scene) standBy() {
	begun := s.g.localTime(s.p.zone, s.day, 9, 0, 0).Add(between(s.r, 0, 8*time.Hour))
	s.task(s.login(s.p, begun, s.p.mfa), s.g.onCall, begun.Add(8*time.Minute))
}

// chooseGroup finds a group whose roles may be assumed for the next hours.
func (s *scene) chooseGroup(used map[*role]bool, opened time.Time) *group {
	for range 20 {
		a := pick(s.r, s.g.accounts)
		to := pick(s.r, a.roles).group
		ok := true
		for _, x := range to.targets {
			for minutes := -10; minutes <= 150; minutes += 10 {
				ok = ok && x.account.hours.contain(opened.Add(time.Duration(minutes)*time.Minute))
			}
			ok = ok && !used[x] && !s.p.holds(x, s.day)
		}
		if !ok {
			continue
		}
		for _, x := range to.targets {
			used[x] = true
		}
		return to
	}
	return nil
}

// task opens a grant and works with it.
func (s *scene) task(o *oktaSession, to *group, opened time.Time) {
	removed := opened.Add(to.duration + between(s.r, 200*time.Millisecond, 50*time.Second))
	if chance(s.r, 10) {
		removed = opened.Add(to.duration + between(s.r, time.Minute, 4*time.Minute))
	}
	if chance(s.r, 15) && to.duration > time.Hour {
		removed = opened.Add(to.duration - between(s.r, 5*time.Minute, 20*time.Minute)) // given back
	}
	gr := s.grant(s.p, to, opened, removed)
	// Mostly soon after the grant, sometimes a little before its event.
	t := opened.Add(between(s.r, -100*time.Second, 12*time.Minute)).Truncate(time.Second)
	if chance(s.r, 70) {
		t = opened.Add(between(s.r, 20*time.Second, 10*time.Minute)).Truncate(time.Second)
	}
	x := to.targets[s.r.IntN(len(to.targets))]
	switch {
	case x.account.provider.center:
		s.throughPortal(o, x, gr, t)
	case chance(s.r, 40):
		s.inConsole(o, x, gr, t)
	default:
		s.onCommandLine(o, x, gr, t)
	}
}

// signOnAbout signs on for an assumption at t: mostly seconds before, sometimes
// minutes, and sometimes in the same second but later by its milliseconds.
func (s *scene) signOnAbout(o *oktaSession, pr *provider, t time.Time) *signOn {
	if chance(s.r, 12) { // signed in anew to the same browser
		o = &oktaSession{p: o.p, ext: s.session(o.p).ext, root: o.root}
	}
	at := t.Add(-between(s.r, 300*time.Millisecond, 25*time.Second))
	switch {
	case chance(s.r, 20):
		at = t.Add(between(s.r, time.Millisecond, 950*time.Millisecond))
	case chance(s.r, 10):
		at = t.Add(-between(s.r, time.Minute, 4*time.Minute))
	}
	return s.signOn(o, pr, at, true)
}

// keep remembers that the credentials may be used until the earlier of the
// grant's limit and until, and uses them.
func (s *scene) keep(m *assumption, gr *grant, until time.Time) {
	if limit := gr.limit().Truncate(time.Second); limit.Before(until) {
		until = limit
	}
	from := m.at.Add(2 * time.Second)
	if !from.Before(until) {
		return
	}
	s.g.honest = append(s.g.honest, usable{m, from, until})
	n := s.g.cfg.CallsPerSession
	s.use(m, from, until, n/2+s.r.IntN(n+1))
}

// onCommandLine assumes the role, and at times all roles that the group gives
// with the same assertion, and may refresh the credentials once.
func (s *scene) onCommandLine(o *oktaSession, x *role, gr *grant, t time.Time) {
	on := s.signOnAbout(o, x.account.provider, t)
	lasts := s.lifetime(x, gr, t)
	for _, y := range gr.group.targets {
		if y == x || y.account.provider == x.account.provider && len(gr.group.targets) == 2 {
			m := s.assume(s.p, y, t, on, ask{lasts: lasts})
			s.keep(m, gr, m.expires)
		}
	}
	if again := t.Add(lasts * 3 / 4).Truncate(time.Second); chance(s.r, 35) && lasts == time.Hour && again.Add(lasts).Sub(t) <= x.account.longest && again.Before(gr.limit().Add(-10*time.Minute)) {
		m := s.assume(s.p, x, again, s.signOnAbout(o, x.account.provider, again), ask{lasts: lasts})
		s.keep(m, gr, m.expires)
	}
}

// lifetime is one that neither outlives the grant nor exceeds max_session.
func (s *scene) lifetime(x *role, gr *grant, t time.Time) time.Duration {
	lasts := pick(s.r, []time.Duration{15 * time.Minute, time.Hour, time.Hour, time.Hour, 2 * time.Hour, 4 * time.Hour})
	if lasts > x.account.longest || t.Add(lasts).After(gr.limit().Add(credentialsOutlive-time.Minute)) {
		return time.Hour
	}
	return lasts
}

func (s *scene) inConsole(o *oktaSession, x *role, gr *grant, t time.Time) {
	on := s.signOnAbout(o, x.account.provider, t)
	m := s.assume(s.p, x, t, on, ask{console: true})
	s.keep(m, gr, t.Add(between(s.r, 10*time.Minute, 100*time.Minute)))
}

// throughPortal works by way of Identity Center: one sign-on to the portal per
// eight hours, then the command line or a console that federates again about
// once a minute.
func (s *scene) throughPortal(o *oktaSession, x *role, gr *grant, t time.Time) {
	p := s.p
	if p.portalSince.After(t) || t.Add(3*time.Hour).After(p.portalSince.Add(portalSession)) {
		p.portalSince = s.signOnAbout(o, x.account.provider, t).at
		s.enterPortal(p, p.portalSince)
	}
	console := chance(s.r, 50)
	m := s.assume(p, x, t, nil, ask{console: console})
	s.federate(p, x, t, console)
	if !console || chance(s.r, 50) {
		s.keep(m, gr, m.expires)
		return
	}
	s.keep(m, gr, t.Add(time.Minute))
	for range s.r.IntN(25) {
		t = t.Add(seconds(s.r, 56*time.Second, 66*time.Second))
		if t.After(gr.limit().Add(-2 * time.Minute)) {
			return
		}
		m := s.assume(p, x, t, nil, ask{console: true})
		s.federate(p, x, t, true)
		s.use(m, t, t.Add(50*time.Second), s.r.IntN(3))
	}
}
