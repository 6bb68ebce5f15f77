package organisation

import "time"

// worked opens the role by somebody's hand and uses it at t.
func (s *scene) worked(x *role, t time.Time, who actor, a asking, asked bool) (*grant, *assumption) {
	c := &clean{role: x, t: t}
	opened := t.Add(-between(s.r, time.Minute, 8*time.Minute)).Truncate(time.Millisecond)
	removed := opened.Add(x.group.duration + between(s.r, 200*time.Millisecond, 50*time.Second)).Truncate(time.Millisecond)
	gr := &grant{group: x.group, opened: opened, removed: removed}
	if asked {
		s.ask(s.p, x.group, opened.Add(-time.Second), a)
	}
	c.grant = s.grantBy(s.p, gr, who, false)
	s.enter(c)
	m := s.assumeBy(c, ask{})
	s.usual(m)
	return gr, m
}

// grantorBreaches are grants by the wrong hand.
func grantorBreaches(g *generator) []play {
	byHand := func(kind int, who func(*scene) actor, rules ...string) func(*scene) {
		return func(s *scene) {
			gr, _ := s.worked(s.role(s.account(kind)), s.base(), who(s), asking{}, chance(s.r, 50))
			for _, rule := range rules {
				s.plantGrant(rule, gr)
			}
		}
	}
	colleague := func(s *scene) actor { return s.colleague().user() }
	script := func(s *scene) actor {
		return actor{id: "0oa1script0000000000", typ: "PublicClientApp", alternate: "unknown", display: "old provisioning script"}
	}
	self := func(s *scene) actor { return s.p.user() }
	return []play{
		{name: "by hand", light: true, note: "an administrator put the person into the group by hand", act: byHand(requires, colleague, "manual_grant")},
		{name: "by hand, portal", light: true, note: "likewise for a permission set", act: byHand(centers, colleague, "manual_grant")},
		{name: "by an unknown script", light: true, note: "an API client that is no trusted grantor", act: byHand(prefers, script, "manual_grant")},
		{name: "application by hand", light: true, group: g.reporting, note: "an administrator assigned the application that opens the role", act: func(s *scene) {
			x, t := s.g.reporting.targets[0], s.base()
			gr := s.applied(s.p, t.Add(-3*time.Minute), t.Add(x.group.duration-5*time.Minute), s.colleague().user())
			s.alone(x, t, ask{})
			s.plantGrant("manual_grant", gr)
		}},
		{name: "extended by hand", light: true, note: "the machine gave it, an administrator prolonged it", act: func(s *scene) {
			x, t := s.role(s.account(requires)), s.base()
			opened := t.Add(-x.group.duration + 20*time.Minute)
			again := opened.Add(x.group.duration - 30*time.Minute)
			gr := s.grant(s.p, x.group, opened, again.Add(x.group.duration+20*time.Second))
			gr.extended = again
			id := s.member(s.p, x.group, again, true, s.colleague().user())
			s.alone(x, t, ask{})
			s.plantGrant("manual_grant", gr, id)
		}},
		{name: "own hand", light: true, note: "put themselves into the group", act: byHand(requires, self, "self_granted")},
		{name: "own hand, legacy", light: true, note: "put themselves into the group, with a request that says nothing of it", act: byHand(prefers, self, "self_granted")},
		{name: "own hand, portal", light: true, note: "put themselves into the group of a permission set", act: byHand(centers, self, "self_granted")},
		{name: "own application", light: true, group: g.reporting, note: "assigned themselves the application that opens the role", act: func(s *scene) {
			x, t := s.g.reporting.targets[0], s.base()
			gr := s.applied(s.p, t.Add(-2*time.Minute), t.Add(x.group.duration-5*time.Minute), s.p.user())
			s.alone(x, t, ask{console: true})
			s.plantGrant("self_granted", gr)
		}},
	}
}

// approverBreaches are requests that their requesters approved themselves.
func approverBreaches(g *generator) []play {
	byTicket := func(kind int, a func(*scene) approval) func(*scene) {
		return func(s *scene) {
			x, t := s.role(s.account(kind)), s.base()
			b := a(s)
			b.Resource = resource{Group: x.group.name}
			decided := s.decide(t.Add(-15*time.Minute), b)
			gr, _ := s.worked(x, t, s.g.grantors[1], asking{}, false)
			s.plantGrant("self_approved", gr, decided.id)
		}
	}
	return []play{
		{name: "own ticket", light: true, note: "the ticket was approved by its requester", act: byTicket(requires, func(s *scene) approval {
			return approval{Approvers: []string{s.p.login}}
		})},
		{name: "own ticket, portal", light: true, note: "one of two approvers is the requester", act: byTicket(centers, func(s *scene) approval {
			return approval{Approvers: []string{s.colleague().login, s.p.login}}
		})},
		{name: "own ticket by another", light: true, note: "a colleague asked, and the person whom it is for approved", act: byTicket(prefers, func(s *scene) approval {
			return approval{Requester: s.colleague().login, Approvers: []string{s.p.login}}
		})},
		{name: "own ticket for the role", light: true, note: "the ticket names account and role and was approved by its requester; no group is known", act: func(s *scene) {
			x, t := s.role(s.account(centers)), s.base()
			until := t.Add(50 * time.Minute)
			decided := s.decide(t.Add(-10*time.Minute), approval{Approvers: []string{s.p.login}, Resource: resource{Account: x.account.id, Role: x.name}, Until: &until})
			s.alone(x, t, ask{})
			s.plantDone(s.p.login, "self_approved", "", decided)
		}},
		{name: "own request for the application", light: true, group: g.reporting, note: "approved their own request in Okta's self-service", act: func(s *scene) {
			x, t := s.g.reporting.targets[0], s.base()
			app := actor{id: x.group.id, typ: "AppInstance", alternate: x.group.name, display: x.group.name}
			decided := s.selfService(s.p, app, t.Add(-4*time.Minute), s.p, true)
			gr := s.applied(s.p, decided.at.Add(2*time.Second), t.Add(x.group.duration-10*time.Minute), s.g.grantors[1])
			s.alone(x, t, ask{})
			s.plantGrant("self_approved", gr, decided.id)
		}},
	}
}
