package organisation

import "time"

// breaches are what is planted. Together they break each rule at least four
// times.
func breaches(g *generator) []play {
	all := grantBreaches()
	all = append(all, removalBreaches(g)...)
	all = append(all, hourBreaches(g)...)
	all = append(all, signOnBreaches()...)
	all = append(all, factorBreaches()...)
	all = append(all, lengthBreaches()...)
	all = append(all, nameBreaches()...)
	all = append(all, glassBreaches()...)
	all = append(all, grantorBreaches(g)...)
	all = append(all, approverBreaches(g)...)
	all = append(all, standingBreaches(g)...)
	all = append(all, originBreaches()...)
	all = append(all, deedBreaches()...)
	all = append(all, entryBreaches()...)
	all = append(all, providerBreaches()...)
	all = append(all, refusalBreaches()...)
	all = append(all, orphanBreaches()...)
	all = append(all, trustBreaches()...)
	all = append(all, logBreaches()...)
	all = append(all, lifeBreaches()...)
	all = append(all, justifiedBreaches(g)...)
	return append(all, coverageBreaches(g)...)
}

// alone makes an assumption with sign-on and factor but without any grant.
func (s *scene) alone(x *role, t time.Time, a ask) *assumption {
	c := &clean{role: x, t: t}
	s.enter(c)
	m := s.assumeBy(c, a)
	s.usual(m)
	return m
}

func grantBreaches() []play {
	return []play{
		{name: "no grant", note: "signed on as usual, but nobody ever opened the role", act: func(s *scene) {
			s.plant("no_grant", s.alone(s.role(s.account(requires)), s.base(), ask{}))
		}},
		{name: "no grant, other role", note: "holds a grant for another role of the same account", act: func(s *scene) {
			a, t := s.account(prefers), s.base()
			s.onTime(s.p, s.role(a).group, t.Add(-5*time.Minute))
			s.plant("no_grant", s.alone(s.role(a), t, ask{console: true}))
		}},
		{name: "no grant, portal", note: "a permission set that no group gives to this person", act: func(s *scene) {
			s.plant("no_grant", s.alone(s.role(s.account(centers)), s.base(), ask{}))
		}},
		{name: "no grant, yesterday's", note: "a grant ended a second more than grant_lookback before", act: func(s *scene) {
			a, t := s.account(prefers), s.base()
			x := s.role(a)
			closed := t.Add(-24*time.Hour - clockSkew - time.Second)
			s.grant(s.p, x.group, closed.Add(-x.group.duration), closed)
			s.plant("no_grant", s.alone(x, t, ask{}))
		}},
		{name: "early", note: "a millisecond more than propagation_delay before the grant opened", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			s.onTime(s.p, x.group, t.Add(propagationDelay+time.Millisecond))
			s.plant("outside_grant", s.alone(x, t, ask{}))
		}},
		{name: "early, portal", note: "some minutes before the grant opened", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			s.onTime(s.p, x.group, t.Add(propagationDelay+between(s.r, time.Second, 20*time.Minute)))
			s.plant("outside_grant", s.alone(x, t, ask{console: true}))
		}},
		{name: "after removal", note: "a saved assertion used after the removal", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			removed := t.Add(-between(s.r, 3*time.Second, 4*time.Minute))
			s.grant(s.p, x.group, removed.Add(-x.group.duration), removed)
			c := &clean{role: x, t: t}
			c.session = s.login(s.p, t.Add(-40*time.Minute), s.p.mfa)
			s.signOnTo(c, t.Add(-between(s.r, 5*time.Minute, 6*time.Minute)))
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.plant("outside_grant", m)
		}},
		{name: "a second after the limit", note: "a second after removal and clock skew", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			removed := t.Add(-clockSkew - time.Second)
			s.grant(s.p, x.group, removed.Add(-x.group.duration), removed)
			s.plant("outside_grant", s.alone(x, t, ask{}))
		}},
	}
}

// removalBreaches are about the timer that ends a grant.
func removalBreaches(g *generator) []play {
	begin := func(s *scene, x *role, t time.Time) {
		c := &clean{role: x, t: t}
		s.enter(c)
		s.usual(s.assumeBy(c, ask{}))
	}
	return []play{
		{name: "still a member", open: true, note: "the timer never fired, and the role was used after the approved end", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			opened := t.Add(-x.group.duration - revocationTolerance - between(s.r, time.Millisecond, 20*time.Minute))
			s.lingering(s.grant(s.p, x.group, opened, time.Time{}))
			s.plant("outside_grant", s.alone(x, t, ask{}))
		}},
		{name: "still a member, cleaned up", note: "used after the approved end and before the late removal", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			opened := t.Add(-x.group.duration - 30*time.Minute)
			s.lingering(s.grant(s.p, x.group, opened, t.Add(2*time.Hour)))
			s.plant("outside_grant", s.alone(x, t, ask{}))
		}},
		{name: "renewed", note: "never removed, and granted anew hours later; the role was used in between", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			opened := t.Add(-x.group.duration - revocationTolerance - between(s.r, time.Minute, 30*time.Minute))
			gr := s.grant(s.p, x.group, opened, time.Time{})
			gr.renewID = s.onTime(s.p, x.group, t.Add(between(s.r, 30*time.Minute, 90*time.Minute))).addID
			s.lingering(gr)
			s.plant("outside_grant", s.alone(x, t, ask{}))
		}},
		{name: "renewed by a millisecond", note: "granted anew a millisecond too late to extend", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			opened := t.Add(-x.group.duration - revocationTolerance - time.Millisecond)
			gr := s.grant(s.p, x.group, opened, time.Time{})
			gr.renewID = s.onTime(s.p, x.group, t).addID
			s.lingering(gr)
		}},
		{name: "late by a millisecond", note: "removed a millisecond after the tolerance", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			opened := t.Add(-4 * time.Minute)
			s.lingering(s.grant(s.p, x.group, opened, opened.Add(x.group.duration+revocationTolerance+time.Millisecond)))
			begin(s, x, t)
		}},
		{name: "late by hours", note: "removed by the nightly clean-up", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			opened := t.Add(-3 * time.Minute)
			s.lingering(s.grant(s.p, x.group, opened, opened.Add(x.group.duration+between(s.r, 2*time.Hour, 6*time.Hour))))
			begin(s, x, t)
		}},
		{name: "late, unused", note: "removed late; the role was never used", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			s.lingering(s.grant(s.p, x.group, t, t.Add(x.group.duration+between(s.r, 10*time.Minute, 90*time.Minute))))
		}},
		{name: "lingering", open: true, note: "the timer never fired", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			s.lingering(s.grant(s.p, x.group, t.Add(-6*time.Minute), time.Time{}))
			begin(s, x, t)
		}},
		{name: "lingering, unused", open: true, note: "the timer never fired; the role was never used", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			s.lingering(s.grant(s.p, x.group, t, time.Time{}))
		}},
		{name: "lingering, several roles", open: true, group: g.operators, note: "one membership that gives several roles is one finding", act: func(s *scene) {
			s.lingering(s.grant(s.p, s.g.operators, s.base(), time.Time{}))
		}},
	}
}

// hourBreaches are honest but for the clock.
func hourBreaches(g *generator) []play {
	at := func(account, hour, minute, second int) func(*scene) {
		return func(s *scene) {
			a := s.g.accounts[account]
			t := s.g.localTime(a.hours.zone, s.day, hour, minute, second)
			m := s.assumeBy(s.prepare(s.strict(a), t), ask{})
			s.usual(m)
			s.plant("outside_hours", m)
		}
	}
	all := []play{
		{name: "night", note: "in the middle of the night", near: "Europe", act: at(0, 2, 17, 5)},
		{name: "closing time", note: "at the very end of the hours, which is outside", near: "America", act: at(1, 22, 0, 0)},
		{name: "a second early", note: "a second before the hours begin", near: "Europe", act: at(2, 6, 59, 59)},
		{name: "evening", note: "an hour after the hours", near: "Europe", act: at(0, 19, 4, 0)},
	}
	return append(all, play{name: "company's day", note: "at noon of a holiday that the company made up", outside: true, at: g.cfg.Days, act: at(0, 12, 0, 0)})
}

// glassBreaches use the break-glass role, with all else in order.
func glassBreaches() []play {
	use := func(account func(*scene) *account) func(*scene) {
		return func(s *scene) { s.plant("break_glass", s.alone(account(s).glass, s.base(), ask{})) }
	}
	return []play{
		{name: "glass", note: "the break-glass role was used; a grant is waived", act: use(func(s *scene) *account { return s.account(requires) })},
		{name: "glass, portal", note: "the break-glass role was used through the portal", act: use(func(s *scene) *account { return s.account(centers) })},
		{name: "glass at night", note: "outside the hours, which is waived", near: "Europe", act: func(s *scene) {
			a := s.g.accounts[0]
			s.plant("break_glass", s.alone(a.glass, s.g.localTime(a.hours.zone, s.day, 23, 41, 7), ask{console: true}))
		}},
		{name: "glass, forged", note: "the break-glass role with a forged assertion: a sign-on is not waived", act: func(s *scene) {
			m := s.assume(s.p, s.account(prefers).glass, s.base(), nil, ask{assertion: s.assertionID()})
			s.usual(m)
			s.plant("break_glass", m)
			s.plant("no_sign_on", m)
		}},
	}
}

// justifiedBreaches use the break-glass role and are approved, which resolves the
// finding if it comes in time.
func justifiedBreaches(g *generator) []play {
	glass := func(kind int) *group { return only(g.first(kind).glass) }
	use := func(kind int, after time.Duration) func(*scene) {
		return func(s *scene) {
			x, t := s.g.first(kind).glass, s.base()
			from, until := t.Add(-30*time.Minute), t.Add(2*time.Hour)
			decided := s.decide(t.Add(after), approval{Approvers: []string{s.colleague().login}, Resource: resource{Account: x.account.id, Role: x.name}, From: &from, Until: &until})
			m := s.alone(x, t, ask{})
			if after > justifyWithin {
				s.plant("break_glass", m)
			} else {
				s.plant("break_glass", m, decided.id)
				s.resolved()
			}
			if after > propagationDelay { // what is approved later was not yet open
				s.plantDone(s.p.login, "unused_grant", "", decided)
			}
		}
	}
	return []play{
		{name: "glass, approved", light: true, group: glass(requires), note: "the break-glass role was used on an approved ticket", act: use(requires, -10*time.Minute)},
		{name: "glass, approved in time", light: true, group: glass(prefers), note: "the ticket for the break-glass role was approved a minute and a half after", act: use(prefers, 90*time.Second)},
		{name: "glass, approved at the last instant", light: true, group: glass(centers), note: "the ticket was approved exactly justify_within after", act: use(centers, justifyWithin)},
		{name: "glass, own approval", light: true, group: glass(prefers), note: "the ticket for the break-glass role was approved by its user alone, which justifies nothing", act: func(s *scene) {
			x, t := s.g.first(prefers).glass, s.base()
			until := t.Add(2 * time.Hour)
			decided := s.decide(t.Add(-5*time.Minute), approval{Approvers: []string{s.p.login}, Resource: resource{Account: x.account.id, Role: x.name}, Until: &until})
			s.plant("break_glass", s.alone(x, t, ask{}))
			s.plantDone(s.p.login, "self_approved", "", decided)
		}},
		{name: "glass, approved too late", light: true, group: glass(requires), note: "the ticket was approved a millisecond after justify_within", act: use(requires, justifyWithin+time.Millisecond)},
	}
}
