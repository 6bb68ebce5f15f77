package organisation

import "time"

// grantorMisses are grants by hands and approvals that only look wrong.
func grantorMisses(g *generator) []play {
	by := func(kind int, who func(*scene) actor, rules ...string) func(*scene) {
		return func(s *scene) {
			gr, _ := s.worked(s.role(s.account(kind)), s.base(), who(s), asking{}, true)
			for _, rule := range rules {
				s.nearGrant(rule, gr)
			}
		}
	}
	return []play{
		{name: "by the helpdesk", light: true, note: "a person whom the policy trusts with it", act: by(requires, func(s *scene) actor { return s.g.helpdesk }, "manual_grant", "self_granted")},
		{name: "by a group rule", light: true, note: "Okta itself, by a rule", act: by(prefers, func(*scene) actor {
			return actor{id: "sysrule", typ: "SystemPrincipal", alternate: "system@okta.com", display: "Okta System"}
		}, "manual_grant")},
		{name: "asked for by another", light: true, note: "a colleague asked for it; the machine gave it", act: func(s *scene) {
			gr, _ := s.worked(s.role(s.account(centers)), s.base(), s.g.grantors[0], asking{by: s.colleague()}, true)
			s.nearGrant("manual_grant", gr)
			s.nearGrant("self_approved", gr)
		}},
		{name: "into no group of AWS", idle: true, note: "put themselves into a group that opens nothing", act: func(s *scene) {
			at := s.base()
			d := done{at, s.member(s.p, &group{id: "00g1berlin0000000000", name: "Berlin office"}, at, true, s.p.user())}
			s.nearDone(s.p.login, "self_granted", d)
			s.nearDone(s.p.login, "unmapped_group", d)
		}},
		{name: "another's approval", light: true, note: "the ticket was approved by a colleague", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			decided := s.decide(t.Add(-15*time.Minute), approval{Approvers: []string{s.colleague().login}, Resource: resource{GroupID: x.group.id}})
			gr, _ := s.worked(x, t, s.g.grantors[1], asking{}, false)
			s.nearGrant("self_approved", gr)
			s.nearDone(s.p.login, "self_approved", decided)
		}},
		{name: "own refusal", light: true, note: "the requester withdrew one ticket; a colleague approved the next", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			denied := s.decide(t.Add(-40*time.Minute), approval{Approvers: []string{s.p.login}, Decision: "denied", Resource: resource{Group: x.group.name}})
			decided := s.decide(t.Add(-12*time.Minute), approval{Approvers: []string{s.colleague().login}, Resource: resource{Group: x.group.name}})
			gr, _ := s.worked(x, t, s.g.grantors[1], asking{}, false)
			s.nearGrant("self_approved", gr)
			s.nearDone(s.p.login, "self_approved", denied)
			s.nearDone(s.p.login, "self_approved", decided)
		}},
		{name: "another's approval of the application", light: true, group: g.reporting, note: "approved by a colleague in Okta's self-service", act: func(s *scene) {
			x, t := s.g.reporting.targets[0], s.base()
			app := actor{id: x.group.id, typ: "AppInstance", alternate: x.group.name, display: x.group.name}
			decided := s.selfService(s.p, app, t.Add(-4*time.Minute), s.colleague(), true)
			gr := s.applied(s.p, decided.at.Add(2*time.Second), t.Add(x.group.duration-10*time.Minute), s.g.grantors[1])
			m := s.alone(x, t, ask{})
			s.nearDone(s.p.login, "self_approved", decided)
			s.nearGrant("manual_grant", gr)
			s.near("no_grant", m)
		}},
		{name: "ticket for the role", light: true, note: "only an approved ticket for account and role explains the grant", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			until := t.Add(55 * time.Minute)
			s.decide(t.Add(-8*time.Minute), approval{Approvers: []string{s.colleague().login}, Resource: resource{Account: x.account.id, Role: x.name}, Until: &until})
			m := s.alone(x, t, ask{lasts: 15 * time.Minute})
			s.near("no_grant", m)
			s.near("outside_grant", m)
		}},
	}
}

// lifeMisses follow one person through changes of name and of ways in.
func lifeMisses(g *generator) []play {
	return []play{
		{name: "renamed", light: true, kinds: []nameKind{byEmail}, note: "married between two sessions: the second goes by the new address, which only the change of name ties to the person", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			c := s.prepare(x, t)
			s.usual(s.assumeBy(c, ask{}))
			address := "m." + s.p.login
			s.newEmail(s.p, t.Add(15*time.Minute), address)
			c.t = t.Add(25 * time.Minute)
			m := s.assume(s.p, x, c.t, nil, ask{name: address})
			s.use(m, m.at.Add(2*time.Second), m.at.Add(10*time.Minute), 3)
			s.near("unattributed", m)
			s.near("name_mismatch", m)
		}},
		{name: "new user name", light: true, kinds: []nameKind{byEmail}, note: "the application's user name was changed, and the session goes by the new one", act: func(s *scene) {
			x, t := s.role(s.account(prefers)), s.base()
			name := "n." + s.p.login
			s.newUsername(s.p, x.account.provider, t.Add(-30*time.Minute), name)
			m := s.assumeBy(s.prepare(x, t), ask{name: name, subject: name, without: true})
			s.usual(m)
			s.near("unattributed", m)
			s.near("name_mismatch", m)
			s.near("no_sign_on", m)
		}},
		{name: "address of one who left", light: true, kinds: []nameKind{byEmail}, note: "the address belonged to somebody else who left; grant and session are the present owner's", act: func(s *scene) {
			before := *s.p
			before.oktaID, before.portalID = "00u"+token(s.r, base62, 17), newUUID(s.r).String()
			from := s.g.truth.Complete.From
			s.member(&before, &group{id: "00g1berlin0000000000", name: "Berlin office"}, from.Add(time.Minute), true, s.g.grantors[1])
			s.leave(&before, from.Add(8*time.Minute))
			m := s.assumeBy(s.prepare(s.role(s.account(centers)), s.base()), ask{})
			s.usual(m)
			s.near("no_grant", m)
			s.near("unattributed", m)
		}},
		{name: "on duty", light: true, note: "a role session name that is the person's from this very second on", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			name := "duty-" + token(s.r, digits, 4)
			s.g.duties = append(s.g.duties, duty{s.p.login, name, t, t.Add(8 * time.Hour)})
			c := s.prepare(x, t)
			m := s.assume(s.p, x, t, nil, ask{name: name})
			s.federate(s.p, x, t, false)
			s.usual(m)
			s.near("unattributed", m)
			s.near("name_mismatch", m)
			s.nearGrant("unused_grant", c.grant)
		}},
		{name: "at any hour for the group", light: true, near: "Europe", group: g.anytime().group, note: "at night, by a group that may work at any hour", act: func(s *scene) {
			x := s.g.anytime()
			m := s.assumeBy(s.prepare(x, s.g.localTime(x.account.hours.zone, s.day, 2, 40, 0)), ask{})
			s.usual(m)
			s.near("outside_hours", m)
		}},
		{name: "both ways in one day", note: "through Identity Center and straight into an account", act: func(s *scene) {
			t := s.base()
			for i, kind := range []int{centers, requires, centers, prefers} {
				m := s.assumeBy(s.prepare(s.role(s.account(kind)), t.Add(time.Duration(i)*20*time.Minute)), ask{console: i == 1, lasts: 30 * time.Minute})
				s.usual(m)
				s.near("no_sign_on", m)
				s.near("no_grant", m)
			}
		}},
		{name: "account assigned", light: true, group: g.first(centers).power.group, note: "the account was assigned in Identity Center, by the machine that does so", act: func(s *scene) {
			x, t := s.g.first(centers).power, s.base()
			gr := s.assignment(s.p, x, t.Add(-3*time.Minute), t.Add(grantDuration-5*time.Minute), s.robot)
			m := s.alone(x, t, ask{lasts: 30 * time.Minute})
			s.near("no_grant", m)
			s.nearGrant("manual_grant", gr)
		}},
		{name: "revoked", light: true, group: only(g.first(prefers).glassy), note: "credentials for longer than max_session, but all sessions of the role were revoked before", act: func(s *scene) {
			x, t := s.g.first(prefers).glassy, s.base()
			c := s.preparedAt(x, t, t.Add(-time.Minute))
			m := s.assumeBy(c, ask{lasts: x.account.longest + 20*time.Minute})
			s.usual(m)
			s.revoke(x, t.Add(x.account.longest))
			s.near("long_session", m)
		}},
		{name: "length by condition", light: true, note: "the condition of the request allows less than the group, and the end came in time", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			opened := t.Add(-2 * time.Minute)
			condition := s.condition(opened.Add(-30*time.Minute), 40*time.Minute)
			s.ask(s.p, x.group, opened.Add(-time.Second), asking{condition: condition})
			gr := &grant{group: x.group, lasts: 40 * time.Minute, opened: opened, removed: opened.Add(40*time.Minute + revocationTolerance)}
			s.grantBy(s.p, gr, s.g.grantors[0], false)
			s.alone(x, t, ask{lasts: 30 * time.Minute})
			s.nearGrant("lingering_membership", gr)
			s.nearDone(s.p.login, "late_revocation", done{gr.removed, gr.removeID})
		}},
	}
}

// lifeBreaches are ends that only a request's condition sets, and a name that is
// nobody's any more.
func lifeBreaches() []play {
	return []play{
		{name: "off duty", nobody: true, note: "a role session name that was somebody's until this very second", act: func(s *scene) {
			name, t := "duty-"+token(s.r, digits, 4), s.base()
			s.g.duties = append(s.g.duties, duty{s.colleague().login, name, t.Add(-8 * time.Hour), t})
			m := s.assume(nil, pick(s.r, s.account(centers).roles), t, nil, ask{name: name, subject: name})
			s.usual(m)
			for _, rule := range []string{"unattributed", "no_sign_on", "no_grant"} {
				s.plantFor(name, rule, m)
			}
		}},
		{name: "late by condition", light: true, note: "removed when the group's time was over, which was long after that of the request's condition", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			opened := t.Add(-2 * time.Minute)
			condition := s.condition(opened.Add(-30*time.Minute), 20*time.Minute)
			s.ask(s.p, x.group, opened.Add(-time.Second), asking{condition: condition})
			gr := &grant{group: x.group, lasts: 20 * time.Minute, opened: opened, removed: opened.Add(20*time.Minute + revocationTolerance + time.Millisecond)}
			s.grantBy(s.p, gr, s.g.grantors[0], false)
			c := &clean{role: x, t: t}
			s.enter(c)
			m := s.assumeBy(c, ask{lasts: 15 * time.Minute})
			s.use(m, m.at.Add(2*time.Second), m.at.Add(14*time.Minute), 3)
			s.lingering(gr)
		}},
	}
}
