package organisation

import "time"

// standingBreaches are access that nobody takes away, and groups that nobody
// knows.
func standingBreaches(g *generator) []play {
	stays := func(for_ time.Duration) func(*scene) {
		return func(s *scene) {
			x, t := s.g.inventory.targets[0], s.base()
			gr := &grant{group: x.group, opened: t.Add(-between(s.r, time.Minute, 20*time.Minute)).Truncate(time.Millisecond)}
			if for_ > 0 {
				gr.removed = gr.opened.Add(for_)
			}
			s.grantBy(s.p, gr, s.g.grantors[0], true)
			s.alone(x, t, ask{})
			s.plantGrant("standing_access", gr)
			if for_ > 0 {
				s.resolved()
			}
		}
	}
	unknown := func(name func(*scene) string) func(*scene) {
		return func(s *scene) {
			of := &group{id: "00g" + token(s.r, base62, 17), name: name(s)}
			at := s.base()
			s.plantDone(s.p.login, "unmapped_group", "", done{at, s.member(s.p, of, at, true, s.g.grantors[1])})
		}
	}
	return []play{
		{name: "stays", light: true, open: true, group: g.inventory, note: "in a group without approved end, for longer than allowed", act: stays(0)},
		{name: "stays on", light: true, open: true, group: g.inventory, note: "likewise", act: stays(0)},
		{name: "stayed", light: true, open: true, group: g.inventory, note: "taken out of the group a millisecond after the longest time that is allowed", act: stays(standingAccess + time.Millisecond)},
		{name: "stayed for days", light: true, open: true, group: g.inventory, note: "taken out of the group an hour after the longest time that is allowed", act: stays(standingAccess + time.Hour)},
		{name: "member before the log", light: true, open: true, group: g.inventory, note: "Okta lists the member, but the log knows of no addition; used, and still there", act: func(s *scene) {
			s.alone(s.g.inventory.targets[0], s.base(), ask{})
			s.g.silent = append(s.g.silent, &silent{p: s.p, planted: func(first done) { s.plantDone(s.p.login, "standing_access", "", first) }})
		}},
		{name: "group of no account", idle: true, note: "a group named for an account that the policy does not know", act: unknown(func(s *scene) string { return "AWS-skunkworks" + token(s.r, digits, 2) + "-Admin" })},
		{name: "group without a role", idle: true, note: "a group in the naming scheme, but without a role", act: unknown(func(s *scene) string { return "aws#" + s.account(prefers).alias + "#" })},
		{name: "group with a short number", idle: true, note: "a group whose account number lacks a digit", act: unknown(func(s *scene) string { return "aws_(" + s.account(requires).id[:11] + ")_(Admin)" })},
		{name: "group of an old scheme", idle: true, note: "a group of a scheme that was given up", act: unknown(func(s *scene) string { return "aws-legacy-" + s.account(centers).alias })},
	}
}

// standingMisses are access that stays within bounds.
func standingMisses(g *generator) []play {
	return []play{
		{name: "leaves in time", light: true, open: true, group: g.inventory, note: "taken out of the group exactly at the end of the longest time that is allowed", act: func(s *scene) {
			x, t := s.g.inventory.targets[0], s.base()
			gr := &grant{group: x.group, opened: t.Add(-time.Minute)}
			gr.removed = gr.opened.Add(standingAccess)
			s.grantBy(s.p, gr, s.g.grantors[0], true)
			m := s.alone(x, t, ask{})
			s.nearGrant("standing_access", gr)
			s.near("outlived_grant", m)
		}},
		{name: "member before the log, gone", light: true, open: true, outside: true, at: -2, group: g.inventory, note: "listed once and then no more, though the log knows of neither addition nor removal", act: func(s *scene) {
			from := s.g.truth.Complete.From
			m := s.alone(s.g.inventory.targets[0], from.Add(5*time.Hour), ask{})
			s.near("no_grant", m)
			s.near("outside_grant", m)
			s.g.silent = append(s.g.silent, &silent{p: s.p, until: from.Add(8 * time.Hour), planted: func(first done) { s.nearDone(s.p.login, "standing_access", first) }})
		}},
		{name: "used at the last instant", light: true, note: "the role was assumed exactly at the limit of the grant", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			gr := s.grant(s.p, x.group, t.Add(-x.group.duration-revocationTolerance), t)
			s.assumeBy(s.entered(x, t), ask{})
			s.nearGrant("unused_grant", gr)
		}},
		{name: "used by the other role", light: true, group: g.operators, note: "one of the roles that the membership gives was used", act: func(s *scene) {
			c := s.prepare(s.g.operators.targets[1], s.base())
			s.usual(s.assumeBy(c, ask{}))
			s.nearGrant("unused_grant", c.grant)
		}},
	}
}
