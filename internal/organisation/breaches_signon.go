package organisation

import "time"

// signOnBreaches are assumptions that Okta knows nothing of, or something else.
func signOnBreaches() []play {
	return []play{
		{name: "golden, behind the victim", note: "a forged assertion half a minute after the victim's own; the provider requires the id", act: func(s *scene) {
			c := s.prepare(s.role(s.account(requires)), s.base())
			s.usual(s.assumeBy(c, ask{}))
			m := s.assume(s.p, c.role, c.t.Add(30*time.Second), nil, ask{assertion: s.assertionID(), ip: "203.0.113.250", agent: "python-requests/2.32.4"})
			s.usual(m)
			s.plant("no_sign_on", m)
		}},
		{name: "golden, beside a sign-on", note: "a forged assertion in the window of a sign-on that was not used; the provider requires the id", act: func(s *scene) {
			c := s.prepare(s.role(s.account(requires)), s.base())
			m := s.assumeBy(c, ask{assertion: s.assertionID(), ip: "203.0.113.250"})
			s.usual(m)
			s.plant("no_sign_on", m)
		}},
		{name: "golden, out of the window", note: "the last sign-on is a millisecond too old to explain it", act: func(s *scene) {
			c := &clean{role: s.role(s.account(prefers)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-12*time.Minute))
			c.session = s.login(s.p, c.t.Add(-40*time.Minute), s.p.mfa)
			s.signOnTo(c, c.t.Add(-assertionWindow-time.Millisecond))
			s.otherApp(s.p, c.session, c.t.Add(-20*time.Second))
			m := s.assumeBy(c, ask{assertion: s.assertionID()})
			s.usual(m)
			s.plant("no_sign_on", m)
		}},
		{name: "golden, without a grant", note: "a forged assertion for a role that was never opened", act: func(s *scene) {
			m := s.assume(s.p, s.role(s.account(requires)), s.base(), nil, ask{assertion: s.assertionID(), lasts: 12 * time.Hour})
			s.usual(m)
			s.plant("no_sign_on", m)
			s.plant("no_grant", m)
		}},
		{name: "portal expired", note: "the portal session ended a millisecond before", act: func(s *scene) {
			c := &clean{role: s.role(s.account(centers)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-3*time.Minute))
			c.session = s.login(s.p, c.t.Add(-portalSession-5*time.Minute), s.p.mfa)
			s.signOnTo(c, c.t.Add(-portalSession-time.Millisecond))
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.plant("no_sign_on", m)
		}},
		{name: "portal outlasted", note: "an open console federates on after the portal session", act: func(s *scene) {
			c := &clean{role: s.role(s.account(centers)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-time.Minute))
			c.session = s.login(s.p, c.t.Add(-portalSession), s.p.mfa)
			s.signOnTo(c, c.t.Add(time.Minute-portalSession))
			s.usual(s.assumeBy(c, ask{console: true}))
			c.t = c.t.Add(time.Minute + time.Second)
			m := s.assumeBy(c, ask{console: true})
			s.use(m, c.t, c.t.Add(time.Minute), 3)
			s.plant("no_sign_on", m)
		}},
		{name: "portal, no sign-on", note: "an Identity Center session for which nobody entered the portal through Okta", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			s.onTime(s.p, x.group, t.Add(-2*time.Minute))
			m := s.assume(s.p, x, t, nil, ask{})
			s.usual(m)
			s.plant("no_sign_on", m)
		}},
		{name: "stolen window", note: "a foreign assertion in the window of the victim's sign-on", act: func(s *scene) {
			c := s.prepare(s.role(s.account(prefers)), s.base())
			m := s.assumeBy(c, ask{assertion: s.assertionID(), ip: "203.0.113.251"})
			s.usual(m)
			s.plant("assertion_mismatch", m, c.on.id)
			s.elsewhere(m, c.on)
		}},
		{name: "stolen window, victim first", note: "the victim's own assumption, then one with a foreign assertion", act: func(s *scene) {
			c := s.prepare(s.role(s.account(prefers)), s.base())
			s.usual(s.assumeBy(c, ask{}))
			m := s.assume(s.p, c.role, c.t.Add(seconds(s.r, 10*time.Second, 8*time.Minute)), nil, ask{assertion: s.assertionID(), ip: "203.0.113.252"})
			s.usual(m)
			s.plant("assertion_mismatch", m, c.on.id)
			s.elsewhere(m, c.on)
		}},
		{name: "stolen window, other subject", note: "a foreign assertion with a subject that says nothing; the role session name is the victim's", act: func(s *scene) {
			c := s.prepare(s.role(s.account(prefers)), s.base())
			m := s.assumeBy(c, ask{assertion: s.assertionID(), subject: "_" + token(s.r, hexDigits, 32)})
			s.usual(m)
			s.plant("assertion_mismatch", m, c.on.id)
		}},
		{name: "stolen window, console", note: "a foreign assertion in the browser", act: func(s *scene) {
			c := s.prepare(s.role(s.account(prefers)), s.base())
			m := s.assumeBy(c, ask{assertion: s.assertionID(), console: true})
			s.usual(m)
			s.plant("assertion_mismatch", m, c.on.id)
		}},
	}
}

// factorBreaches are sign-ons behind which there was no second factor.
func factorBreaches() []play {
	with := func(kind int, f factor) func(*scene) {
		return func(s *scene) {
			c := &clean{role: s.role(s.account(kind)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-3*time.Minute))
			c.session = s.login(s.p, c.t.Add(-25*time.Minute), f)
			s.signOnTo(c, c.t.Add(-4*time.Second))
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.plant("no_mfa", m, c.on.id)
		}
	}
	return []play{
		{name: "password", note: "Identity Engine logs the password as if it were a factor", act: with(requires, passwordOnly)},
		{name: "bare FastPass", note: "FastPass without user verification and no password", act: with(prefers, fastPassBare)},
		{name: "no factor", note: "no factor at all in the Okta session", act: with(centers, nothing)},
		{name: "question", note: "a password and a security question", act: with(requires, question)},
		{name: "push denied", note: "the push was refused, and yet there was a sign-on", act: with(prefers, pushDenied)},
		{name: "other session's factor", note: "a factor, but in another Okta session", act: func(s *scene) {
			c := &clean{role: s.role(s.account(centers)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-3*time.Minute))
			s.login(s.p, c.t.Add(-20*time.Minute), enginePush)
			c.session = s.login(s.p, c.t.Add(-15*time.Minute), passwordOnly)
			s.signOnTo(c, c.t.Add(-4*time.Second))
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.plant("no_mfa", m, c.on.id)
		}},
		{name: "old factor", note: "the factor is a millisecond older than okta_session", act: func(s *scene) {
			c := &clean{role: s.role(s.account(prefers)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-3*time.Minute))
			on := c.t.Add(-4 * time.Second)
			c.session = s.login(s.p, on.Add(-oktaSessionReach-time.Millisecond), classicPush)
			s.signOnTo(c, on)
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.plant("no_mfa", m, c.on.id)
		}},
	}
}
