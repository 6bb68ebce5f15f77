package organisation

import "time"

// applied assigns the Okta application that opens roles.
func (s *scene) applied(p *person, opened, removed time.Time, who actor) *grant {
	to := s.g.reporting
	gr := &grant{group: to, opened: opened.Truncate(time.Millisecond), removed: removed.Truncate(time.Millisecond)}
	s.g.held = append(s.g.held, held{p, gr})
	app := actor{id: to.id, typ: "AppInstance", alternate: to.name, display: to.name}
	gr.addID = s.assigned(p, app, gr.opened, true, who).id
	if !removed.IsZero() {
		gr.removeID = s.assigned(p, app, gr.removed, false, s.g.grantors[1]).id
	}
	return gr
}

// account assigns the permission set of an account to the person in IAM
// Identity Center; by is the session that does it, in the management account.
func (s *scene) assignment(p *person, x *role, opened, removed time.Time, by func(at time.Time) *assumption) *grant {
	gr := &grant{group: x.group, opened: opened.Truncate(time.Second), removed: removed.Truncate(time.Second)}
	s.g.held = append(s.g.held, held{p, gr})
	instance := "arn:aws:sso:::instance/ssoins-" + s.g.instance
	do := func(at time.Time, name, status string) string {
		m := by(at)
		h := m.hand(m.usage(), s.r)
		return s.do(&deed{by: h, ip: h.ip, agent: h.agent, source: "sso", name: name,
			request:  `{"instanceArn":"` + instance + `","targetId":"` + x.account.id + `","targetType":"AWS_ACCOUNT","permissionSetArn":"` + x.group.id + `","principalType":"USER","principalId":"` + p.portalID + `"}`,
			response: `{"` + status + `":{"status":"IN_PROGRESS","requestId":"` + newUUID(s.r).String() + `"}}`,
		}, s.g.management, "eu-central-1", at).id
	}
	gr.addID = do(gr.opened, "CreateAccountAssignment", "accountAssignmentCreationStatus")
	if !removed.IsZero() {
		gr.removeID = do(gr.removed, "DeleteAccountAssignment", "accountAssignmentDeletionStatus")
	}
	return gr
}

// robot is the machine that assigns accounts, in the management account.
func (s *scene) robot(at time.Time) *assumption {
	return s.automation(&account{id: s.g.management, region: "eu-central-1", service: s.g.robot}, "access-broker", at)
}

// colleague is somebody else.
func (s *scene) colleague() *person {
	for {
		if p := pick(s.r, s.g.people); p != s.p && p.kind != bySubject {
			return p
		}
	}
}

// plantGrant plants a finding on the event that opened a grant.
func (s *scene) plantGrant(rule string, gr *grant, more ...string) {
	s.plantDone(s.p.login, rule, "", done{gr.opened, gr.addID}, more...)
}

// plantDone plants a finding on any event.
func (s *scene) plantDone(who, rule, severity string, d done, more ...string) {
	s.g.truth.Planted = append(s.g.truth.Planted, Planted{Rule: rule, Status: "open", Severity: severity, Person: who, Time: d.at, Anchor: d.id, Evidence: append([]string{d.id}, more...), Note: s.note})
}

// resolved says of what was planted last that it is over.
func (s *scene) resolved() { s.g.truth.Planted[len(s.g.truth.Planted)-1].Status = "resolved" }

func (s *scene) nearGrant(rule string, gr *grant) { s.nearEvent(rule, gr.opened, gr.addID) }

func (s *scene) nearDone(who, rule string, d done) {
	s.g.truth.NearMisses = append(s.g.truth.NearMisses, NearMiss{Rule: rule, Person: who, Time: d.at, Event: d.id, Note: s.note})
}
