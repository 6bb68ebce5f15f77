package organisation

import "time"

// lengthBreaches last too long: longer than allowed, or than their grant.
func lengthBreaches() []play {
	return []play{
		{name: "long", note: "credentials for half an hour more than max_session", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			c := s.preparedAt(x, t, t.Add(-time.Minute))
			m := s.assumeBy(c, ask{lasts: x.account.longest + 30*time.Minute})
			s.usual(m)
			s.plant("long_session", m)
		}},
		{name: "long by a second", note: "credentials for a second more than max_session", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			c := s.preparedAt(x, t, t.Add(-time.Minute))
			m := s.assumeBy(c, ask{lasts: x.account.longest + time.Second})
			s.plant("long_session", m)
		}},
		{name: "long by refresh", note: "two sign-ons, one session: together longer than max_session", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			c := s.preparedAt(x, t, t.Add(-30*time.Second))
			m := s.assumeBy(c, ask{lasts: x.account.longest})
			s.usual(m)
			c.t = t.Add(55 * time.Minute)
			s.signOnTo(c, c.t.Add(-2*time.Second))
			s.usual(s.assumeBy(c, ask{lasts: x.account.longest}))
			s.plant("long_session", m)
		}},
		{name: "long by use", note: "the console was used for longer than max_session, inside the grant", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			c := &clean{role: x, t: t}
			opened := t.Add(-time.Minute)
			c.grant = s.grant(s.p, x.group, opened, opened.Add(x.group.duration+4*time.Minute))
			s.enter(c)
			m := s.assumeBy(c, ask{console: true})
			s.usual(m)
			s.call(m, t.Add(x.account.longest+time.Minute))
			s.plant("long_session", m)
		}},
		{name: "outlived by use", note: "a call a second after the limit of the grant", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			c, closed := s.closingAt(x, t, 40*time.Minute)
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.plantSevere("outlived_grant", "high", m, s.call(m, closed.Add(clockSkew+time.Second)))
		}},
		{name: "outlived in the console", note: "an open console was used after the grant ended", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			c, closed := s.closingAt(x, t, 30*time.Minute)
			m := s.assumeBy(c, ask{console: true})
			s.usual(m)
			s.plantSevere("outlived_grant", "high", m, s.call(m, closed.Add(clockSkew+seconds(s.r, time.Second, 20*time.Minute))))
		}},
		{name: "outlived by hours", note: "valid for much longer than the grant, though not used", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			c := s.preparedAt(x, t, t.Add(-5*time.Minute))
			m := s.assumeBy(c, ask{lasts: x.group.duration + 150*time.Minute})
			s.usual(m)
			s.plantSevere("outlived_grant", "medium", m)
		}},
		{name: "outlived by a second", note: "valid for a second more than credentials_outlive", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			c, closed := s.closingAt(x, t, 30*time.Minute)
			m := s.assumeBy(c, ask{lasts: closed.Add(clockSkew + credentialsOutlive + time.Second).Sub(t)})
			s.usual(m)
			s.plantSevere("outlived_grant", "medium", m)
		}},
		{name: "outlived a revocation", note: "the grant was revoked early; the credentials went on", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			opened := t.Add(-2 * time.Minute)
			closed := opened.Add(20 * time.Minute)
			c := &clean{role: x, t: t, grant: s.grant(s.p, x.group, opened, closed)}
			s.enter(c)
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.plantSevere("outlived_grant", "high", m, s.call(m, closed.Add(12*time.Minute)))
		}},
	}
}

// preparedAt is prepare with a given opening.
func (s *scene) preparedAt(x *role, t, opened time.Time) *clean {
	c := &clean{role: x, t: t, grant: s.onTime(s.p, x.group, opened)}
	s.enter(c)
	return c
}

// closingAt prepares an assumption whose grant is removed on time, left after
// it, at a whole second; it returns the removal.
func (s *scene) closingAt(x *role, t time.Time, left time.Duration) (*clean, time.Time) {
	closed := t.Add(left)
	c := &clean{role: x, t: t, grant: s.grant(s.p, x.group, closed.Add(-x.group.duration), closed)}
	s.enter(c)
	return c, closed
}

// nameBreaches are sessions of nobody.
func nameBreaches() []play {
	ghost := func(s *scene, name string, x *role, rules []string, a ask) {
		a.name, a.subject = name, name
		m := s.assume(nil, x, s.base(), nil, a)
		s.usual(m)
		for _, rule := range rules {
			s.plantFor(name, rule, m)
		}
	}
	all := []string{"unattributed", "no_sign_on", "no_grant"}
	return []play{
		{name: "golden, nobody", note: "a forged assertion for a name that Okta does not know", nobody: true, act: func(s *scene) {
			ghost(s, "svc-backup-"+token(s.r, digits, 3)+"@example.org", pick(s.r, s.account(requires).roles), all, ask{assertion: s.assertionID(), lasts: 4 * time.Hour})
		}},
		{name: "botocore", note: "a role session name made up by a tool", nobody: true, act: func(s *scene) {
			ghost(s, "botocore-session-17"+token(s.r, digits, 8), pick(s.r, s.account(prefers).roles), all, ask{assertion: s.assertionID()})
		}},
		{name: "portal, nobody", note: "an Identity Center user whom Okta does not know", nobody: true, act: func(s *scene) {
			ghost(s, "contractor-"+token(s.r, digits, 3)+"@example.org", pick(s.r, s.account(centers).roles), all, ask{})
		}},
		{name: "foreign provider, nobody", note: "through a provider that is not in the policy: only that nobody is known can be said", nobody: true, act: func(s *scene) {
			ghost(s, "adfs-admin-"+token(s.r, digits, 3), pick(s.r, s.account(requires).roles), []string{"unattributed", "unknown_provider"}, ask{assertion: "_" + newUUID(s.r).String(), saml: "LegacyADFS", issuer: "http://adfs.example.org/adfs/services/trust"})
		}},
	}
}
