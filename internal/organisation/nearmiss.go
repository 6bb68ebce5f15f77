package organisation

import "time"

// nearMisses are deeds at the very edge of a rule, on its right side.
func nearMisses(g *generator) []play {
	all := append(grantMisses(g), hourMisses(g)...)
	all = append(all, signOnMisses()...)
	all = append(all, factorMisses()...)
	all = append(all, lengthMisses()...)
	all = append(all, grantorMisses(g)...)
	all = append(all, lifeMisses(g)...)
	all = append(all, standingMisses(g)...)
	all = append(all, originMisses()...)
	all = append(all, deedMisses()...)
	all = append(all, entryMisses()...)
	return append(all, nameMisses()...)
}

func grantMisses(g *generator) []play {
	return []play{
		{name: "at removal", note: "exactly clock_skew after the removal", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			closed := t.Add(-clockSkew)
			s.grant(s.p, x.group, closed.Add(-x.group.duration), closed)
			c := &clean{role: x, t: t}
			s.enter(c)
			s.near("outside_grant", s.assumeBy(c, ask{}))
		}},
		{name: "at the limit", note: "exactly revocation_tolerance after the approved end; the removal comes at the same instant", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			gr := s.grant(s.p, x.group, t.Add(-x.group.duration-revocationTolerance), t)
			c := &clean{role: x, t: t}
			s.enter(c)
			s.near("outside_grant", s.assumeBy(c, ask{}))
			s.nearEvent("late_revocation", gr.removed, gr.removeID)
			s.nearEvent("lingering_membership", gr.opened, gr.addID)
		}},
		{name: "at the opening", note: "exactly propagation_delay before the grant opened", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			c := s.preparedAt(x, t, t.Add(propagationDelay))
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.near("outside_grant", m)
			s.near("no_grant", m)
		}},
		{name: "second target", group: g.operators, note: "the policy's map gives the role through a group that is not named for it", act: func(s *scene) {
			m := s.assumeBy(s.prepare(s.g.operators.targets[1], s.base()), ask{})
			s.usual(m)
			s.near("no_grant", m)
		}},
		{name: "extended at the last instant", note: "added again exactly revocation_tolerance after the approved end, which still extends", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			opened := t.Add(-x.group.duration - revocationTolerance - 20*time.Minute)
			again := opened.Add(x.group.duration + revocationTolerance)
			gr := s.grant(s.p, x.group, opened, again.Add(x.group.duration+20*time.Second))
			s.extend(s.p, gr, again)
			c := &clean{role: x, t: t}
			s.enter(c)
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.near("outside_grant", m)
			s.nearEvent("lingering_membership", gr.opened, gr.addID)
		}},
		{name: "opened before the log", note: "only the end of the grant is in the log; the beginning is taken to lie before it", outside: true, at: -2, act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.g.truth.Complete.From.Add(3*time.Hour+seconds(s.r, 0, time.Hour))
			removed := t.Add(between(s.r, 20*time.Minute, 90*time.Minute))
			s.member(s.p, x.group, removed, false, s.g.grantors[1])
			c := &clean{role: x, t: t}
			s.enter(c)
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.near("no_grant", m)
			s.near("outside_grant", m)
		}},
		{name: "extended", note: "added again while a member: the approved end counts from the later addition", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			opened := t.Add(-x.group.duration - 20*time.Minute)
			again := opened.Add(x.group.duration - 10*time.Minute)
			gr := s.grant(s.p, x.group, opened, again.Add(x.group.duration+4*time.Minute))
			s.extend(s.p, gr, again)
			c := &clean{role: x, t: t}
			s.enter(c)
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.near("outside_grant", m)
			s.nearEvent("late_revocation", gr.opened, gr.addID)
			s.nearEvent("lingering_membership", gr.opened, gr.addID)
		}},
	}
}

func hourMisses(g *generator) []play {
	at := func(account, hour, minute, second int) func(*scene) {
		return func(s *scene) {
			a := s.g.accounts[account]
			t := s.g.localTime(a.hours.zone, s.day, hour, minute, second)
			m := s.assumeBy(s.prepare(s.role(a), t), ask{})
			s.usual(m)
			s.near("outside_hours", m)
		}
	}
	all := []play{
		{name: "opening time", note: "at the first second of the hours", near: "America", act: at(1, 6, 0, 0)},
		{name: "before closing time", note: "at the last second of the hours", near: "Europe", act: at(2, 20, 59, 59)},
		{name: "on call at night", group: g.onCall, note: "a role for which any hour is approved", act: func(s *scene) {
			m := s.assumeBy(s.prepare(s.g.accounts[3].onCall, s.g.localTime(s.p.zone, s.day, 3, 12, 40)), ask{})
			s.usual(m)
			s.near("outside_hours", m)
		}},
	}
	for _, n := range []int{1, 2} {
		h := g.accounts[n].hours
		area := h.zone.String()[:6]
		changes := func(g *generator, day int) bool { return g.changesClock(h.zone, day) }
		for day := range g.cfg.Days {
			if !changes(g, day) {
				continue
			}
			all = append(all,
				play{name: "clock change, opening " + h.name, note: "at the first second of the hours, on the day on which the clocks change", near: area, day: changes, act: at(n, h.from, 0, 0)},
				play{name: "clock change, closing " + h.name, note: "at the last second of the hours, on the day on which the clocks change", near: area, day: changes, act: at(n, h.to-1, 59, 59)})
			break
		}
	}
	return all
}

func signOnMisses() []play {
	// signed is a sign-on whose event names no assertion, so that only the time
	// decides; from is its time relative to the assumption.
	signed := func(kind int, rule string, from time.Duration, jti bool, a ask) func(*scene) {
		return func(s *scene) {
			c := &clean{role: s.role(s.account(kind)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-4*time.Minute))
			at := c.t.Add(from)
			c.session = s.login(s.p, at.Add(-15*time.Minute), s.p.mfa)
			c.on = s.signOn(c.session, c.role.account.provider, at, jti)
			if kind == centers {
				s.enterPortal(s.p, at)
			}
			b := a
			if kind == prefers {
				b.assertion = s.assertionID()
			}
			m := s.assumeBy(c, b)
			s.usual(m)
			s.near(rule, m)
		}
	}
	return []play{
		{name: "window's edge", note: "the sign-on, without an assertion id, exactly assertion_window before", act: signed(prefers, "no_sign_on", -assertionWindow, false, ask{})},
		{name: "sign-on after", note: "the sign-on, without an assertion id, exactly clock_skew after", act: signed(prefers, "no_sign_on", clockSkew, false, ask{})},
		{name: "no id", note: "the assumption carries no assertion id: the subject explains it even where the id is required", act: signed(requires, "no_sign_on", -30*time.Second, true, ask{without: true})},
		{name: "portal's edge", note: "exactly portal_session after the sign-on", act: signed(centers, "no_sign_on", -portalSession, true, ask{})},
		{name: "portal sign-on after", note: "exactly clock_skew before the sign-on", act: signed(centers, "no_sign_on", clockSkew, true, ask{})},
		{name: "ids on one side", note: "explained by the subject; only the assumption carries an assertion id", act: signed(prefers, "assertion_mismatch", -40*time.Second, false, ask{})},
		{name: "two tabs", note: "two sign-ons in a row; the assertion of the earlier one is used", act: func(s *scene) {
			c := s.prepare(s.role(s.account(prefers)), s.base())
			first := c.on
			s.signOnTo(c, c.t.Add(-500*time.Millisecond))
			c.on = first
			m := s.assumeBy(c, ask{console: true})
			s.usual(m)
			s.near("assertion_mismatch", m)
		}},
	}
}

func factorMisses() []play {
	// proven runs prepare with a session that how opens for a sign-on at on.
	proven := func(kind int, how func(s *scene, on time.Time) *oktaSession) func(*scene) {
		return func(s *scene) {
			c := &clean{role: s.role(s.account(kind)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-4*time.Minute))
			on := c.t.Add(-6 * time.Second)
			c.session = how(s, on)
			s.signOnTo(c, on)
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.near("no_mfa", m)
		}
	}
	login := func(f factor) func(*scene, time.Time) *oktaSession {
		return func(s *scene, on time.Time) *oktaSession { return s.login(s.p, on.Add(-20*time.Minute), f) }
	}
	return []play{
		{name: "FastPass alone", note: "FastPass with user verification is two factors", act: proven(requires, login(fastPass))},
		{name: "FastPass and password", note: "FastPass without user verification, and a password", act: proven(centers, login(fastPassAnd))},
		{name: "factor's edge", note: "a factor exactly okta_session before the sign-on", act: proven(prefers, func(s *scene, on time.Time) *oktaSession {
			return s.login(s.p, on.Add(-oktaSessionReach), classicPush)
		})},
		{name: "factor after", note: "a factor exactly clock_skew after the sign-on", act: proven(requires, func(s *scene, on time.Time) *oktaSession {
			o := s.session(s.p)
			s.begin(o, on.Add(-time.Minute))
			s.prove(o, on.Add(clockSkew), classicPush)
			return o
		})},
		{name: "same root", note: "the factor was in another session of the same root", act: proven(centers, func(s *scene, on time.Time) *oktaSession {
			o := s.login(s.p, on.Add(-time.Hour), enginePush)
			return &oktaSession{p: o.p, ext: s.session(o.p).ext, root: o.root}
		})},
		{name: "no session", note: "the sign-on names no Okta session: whether there was a factor is unknown", act: proven(requires, func(s *scene, on time.Time) *oktaSession {
			return &oktaSession{p: s.p, ext: "unknown"}
		})},
	}
}

func lengthMisses() []play {
	return []play{
		{name: "exactly max_session", note: "lasts exactly max_session", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			m := s.assumeBy(s.preparedAt(x, t, t.Add(-time.Minute)), ask{lasts: x.account.longest})
			s.usual(m)
			s.near("long_session", m)
		}},
		{name: "exactly credentials_outlive", note: "expires exactly credentials_outlive after the limit, last used exactly at the limit", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			c, closed := s.closingAt(x, t, 25*time.Minute)
			m := s.assumeBy(c, ask{lasts: closed.Add(clockSkew + credentialsOutlive).Sub(t)})
			s.usual(m)
			s.call(m, closed.Add(clockSkew))
			s.near("outlived_grant", m)
		}},
		{name: "follow-on", note: "a second grant follows without a hole, and the credentials are used in it", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			c, closed := s.closingAt(x, t, 20*time.Minute)
			s.onTime(s.p, x.group, closed.Add(time.Second))
			m := s.assumeBy(c, ask{lasts: 90 * time.Minute})
			s.usual(m)
			s.call(m, t.Add(50*time.Minute))
			s.near("outlived_grant", m)
		}},
	}
}

func nameMisses() []play {
	honest := func(rule string, kind int) func(*scene) {
		return func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(kind)), s.base()), ask{})
			s.usual(m)
			s.near(rule, m)
		}
	}
	return []play{
		{name: "alias", note: "a role session name that the policy ties to the person", kinds: []nameKind{byAlias}, act: honest("unattributed", centers)},
		{name: "case", note: "the login in mixed case", kinds: []nameKind{byCase}, act: honest("unattributed", prefers)},
		{name: "tag", note: "a +tag in the address", kinds: []nameKind{byTag}, act: honest("unattributed", centers)},
		{name: "subject", note: "a role session name that only the SAML subject ties to the person", kinds: []nameKind{bySubject}, act: honest("unattributed", requires)},
		{name: "tool's name", note: "a role session name and a NameID that say nothing: the assertion id ties it to the person", act: func(s *scene) {
			c := s.prepare(s.role(s.account(requires)), s.base())
			m := s.assumeBy(c, ask{name: "botocore-session-17" + token(s.r, digits, 8), subject: "_" + token(s.r, hexDigits, 32)})
			s.usual(m)
			s.near("unattributed", m)
		}},
		{name: "source identity", note: "only the source identity names the person", act: func(s *scene) {
			c := s.prepare(s.role(s.account(prefers)), s.base())
			m := s.assumeBy(c, ask{name: "botocore-session-17" + token(s.r, digits, 8), subject: "_" + token(s.r, hexDigits, 32), identity: s.p.login, without: true})
			s.usual(m)
			s.near("unattributed", m)
			s.near("no_sign_on", m)
		}},
		{name: "glass by name", note: "a role that is only named like the break-glass role", act: func(s *scene) {
			m := s.assumeBy(s.prepare(s.account(requires).glassy, s.base()), ask{})
			s.usual(m)
			s.near("break_glass", m)
		}},
		{name: "foreign provider", note: "through a provider that is not in the policy: grant and sign-on are not judged", act: func(s *scene) {
			m := s.assume(s.p, s.role(s.account(requires)), s.base(), nil, ask{assertion: "_" + newUUID(s.r).String(), saml: "LegacyADFS", issuer: "http://adfs.example.org/adfs/services/trust"})
			s.usual(m)
			s.near("no_grant", m)
			s.near("no_sign_on", m)
			s.plant("unknown_provider", m)
		}},
	}
}
