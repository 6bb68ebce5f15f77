package organisation

import "time"

// coverageBreaches are sessions of which something cannot be known: in and
// after the hole in the Okta log, and before the log begins.
func coverageBreaches(g *generator) []play {
	first := []play{{name: "before the log", note: "no grant is known, but the day before is not in the log", outside: true, at: -2, act: func(s *scene) {
		t := s.g.truth.Complete.From.Add(5*time.Hour + seconds(s.r, 0, time.Hour))
		s.plantGap(s.alone(s.role(s.account(requires)), t, ask{}), "no_grant")
	}}}
	if g.gap.From.IsZero() {
		return first
	}
	in := func(s *scene, after time.Duration) time.Time { return s.g.gap.From.Add(after).Truncate(time.Second) }
	late := g.cfg.Days + 1
	return append(first,
		play{name: "gap, sign-on", note: "the sign-on fell into the hole", outside: true, at: late, act: func(s *scene) {
			x, t := s.role(s.account(requires)), in(s, 25*time.Minute)
			s.onTime(s.p, x.group, s.g.gap.From.Add(-11*time.Minute))
			m := s.assumeBy(s.entered(x, t), ask{})
			s.usual(m)
			s.plantGap(m, "no_sign_on")
		}},
		play{name: "gap, everything", note: "the hole swallowed the grant, its end and the sign-on", outside: true, at: late, act: func(s *scene) {
			x, t := s.role(s.account(prefers)), in(s, 27*time.Minute)
			s.grant(s.p, x.group, t.Add(-2*time.Minute), t.Add(20*time.Minute))
			m := s.assumeBy(s.entered(x, t), ask{})
			s.usual(m)
			s.plantGap(m, "no_grant", "no_sign_on")
		}},
		play{name: "gap, portal", note: "hours after the hole, in a portal session that may have begun in it", outside: true, at: late, act: func(s *scene) {
			x := s.role(s.account(centers))
			t := s.g.gap.To.Add(3 * time.Hour)
			s.onTime(s.p, x.group, t.Add(-2*time.Minute))
			c := &clean{role: x, t: t.Truncate(time.Second), session: s.login(s.p, s.g.gap.To.Add(-20*time.Minute), s.p.mfa)}
			s.signOnTo(c, s.g.gap.To.Add(-10*time.Minute))
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.plantGap(m, "no_sign_on")
		}},
		play{name: "gap, factor", note: "the session began in the hole, so its factor is not known", outside: true, at: late, act: func(s *scene) {
			x := s.role(s.account(prefers))
			t := s.g.gap.To.Add(20 * time.Minute).Truncate(time.Second)
			s.onTime(s.p, x.group, t.Add(-2*time.Minute))
			c := &clean{role: x, t: t, session: s.login(s.p, s.g.gap.To.Add(-5*time.Minute), s.p.mfa)}
			s.signOnTo(c, t.Add(-3*time.Second))
			m := s.assumeBy(c, ask{})
			s.usual(m)
			s.plantGap(m, "no_mfa")
		}},
		play{name: "gap, signed on before", note: "in the hole, but all that explains it came before", outside: true, at: late, act: func(s *scene) {
			x, t := s.role(s.account(requires)), in(s, 3*time.Minute)
			c := &clean{role: x, t: t}
			s.onTime(s.p, x.group, s.g.gap.From.Add(-15*time.Minute))
			c.session = s.login(s.p, s.g.gap.From.Add(-25*time.Minute), s.p.mfa)
			s.signOnTo(c, s.g.gap.From.Add(-5*time.Second))
			m := s.assumeBy(c, ask{})
			s.use(m, m.at.Add(time.Second), m.at.Add(12*time.Minute), 4)
			s.near("source_gap", m)
		}},
	)
}

// entered is a session whose sign-in and sign-on come shortly before t.
func (s *scene) entered(x *role, t time.Time) *clean {
	c := &clean{role: x, t: t, session: s.login(s.p, t.Add(-15*time.Minute), s.p.mfa)}
	s.signOnTo(c, t.Add(-5*time.Second))
	return c
}
