package organisation

import "time"

// trustBreaches change what federation rests on.
func trustBreaches() []play {
	okta := func(typ, display string, target func(*scene) actor) func(*scene) {
		return func(s *scene) {
			s.plantDone(s.p.login, "trust_changed", "", s.admin(s.p.user(), typ, display, s.base(), target(s)))
		}
	}
	aws := func(kind int, a ask, name, request string) func(*scene) {
		return func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(kind)), s.base()), a)
			s.usual(m)
			d := s.doBy(m, m.at.Add(6*time.Minute), &deed{source: "iam", name: name, request: request})
			s.plantDone(s.p.login, "trust_changed", "", d)
		}
	}
	app := func(kind int) func(*scene) actor {
		return func(s *scene) actor { return s.g.providers[kind].application() }
	}
	return []play{
		{name: "application changed", idle: true, note: "the application that leads into AWS was changed", act: okta("application.lifecycle.update", "Update application", app(requires))},
		{name: "sign-on policy changed", idle: true, note: "the sign-on policy of the application that leads into AWS was changed", act: okta("application.policy.sign_on.update", "Update application sign-on policy", app(centers))},
		{name: "signing key made", idle: true, note: "a new signing key for the application's assertions", act: okta("app.keys.generate", "Generate application key credential", app(prefers))},
		{name: "policy rule changed", idle: true, note: "a rule of a sign-on policy was changed", act: okta("policy.rule.update", "Update policy rule", func(s *scene) actor { return s.thing("0pr", "PolicyRule", "Employees: second factor") })},
		{name: "group rule off", idle: true, note: "a rule that fills groups was switched off", act: okta("group.user_membership.rule.deactivated", "Deactivate group rule", func(s *scene) actor { return s.thing("0pr", "UserGroupRule", "Engineers into AWS groups") })},
		{name: "trust of a role, refused", light: true, note: "the trust policy of a role was to be changed, which was refused", act: func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(requires)), s.base()), ask{})
			s.usual(m)
			d := s.doBy(m, m.at.Add(6*time.Minute), &deed{source: "iam", name: "UpdateAssumeRolePolicy", request: `{"roleName":"Admin","policyDocument":"{}"}`, failure: "AccessDenied"})
			s.plantDone(s.p.login, "trust_changed", "medium", d)
		}},
		{name: "provider's metadata", light: true, note: "the metadata of the SAML provider were replaced", act: func(s *scene) {
			a := s.account(requires)
			m := s.assumeBy(s.prepare(s.role(a), s.base()), ask{})
			s.usual(m)
			d := s.doBy(m, m.at.Add(6*time.Minute), &deed{source: "iam", name: "UpdateSAMLProvider", request: `{"sAMLProviderArn":"` + a.providerARN(a.provider.saml) + `","sAMLMetadataDocument":"<EntityDescriptor/>"}`, response: `{"sAMLProviderArn":"` + a.providerARN(a.provider.saml) + `"}`})
			s.plantDone(s.p.login, "trust_changed", "", d)
		}},
		{name: "another provider", light: true, note: "a further SAML provider was made", act: aws(centers, ask{console: true}, "CreateSAMLProvider", `{"name":"backdoor","sAMLMetadataDocument":"<EntityDescriptor/>"}`)},
		{name: "trust of a role", light: true, note: "the trust policy of a role was changed", act: aws(prefers, ask{}, "UpdateAssumeRolePolicy", `{"roleName":"Admin","policyDocument":"{}"}`)},
		{name: "trust by keys", nobody: true, note: "an IAM user changed the trust policy of a role", act: func(s *scene) {
			u := s.iamUser(s.account(requires), "contractor-"+token(s.r, digits, 2))
			d := s.do(&deed{by: u, source: "iam", name: "UpdateAssumeRolePolicy", request: `{"roleName":"Operator","policyDocument":"{}"}`}, u.account, "us-east-1", s.base())
			s.plantDone(u.stranger(), "trust_changed", "", d)
		}},
	}
}

// logBreaches stop or narrow a log.
func logBreaches() []play {
	stream := func(typ string) func(*scene) {
		return func(s *scene) {
			s.plantDone(s.p.login, "log_tampered", "", s.admin(s.p.user(), typ, "Change log stream", s.base(), s.thing("0lo", "LogStream", "to the SIEM")))
		}
	}
	trail := func(kind int, name, request string) func(*scene) {
		return func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(kind)), s.base()), ask{})
			s.usual(m)
			d := s.doBy(m, m.at.Add(5*time.Minute), &deed{source: "cloudtrail", name: name, request: request})
			s.plantDone(s.p.login, "log_tampered", "", d)
		}
	}
	return []play{
		{name: "log stream off", idle: true, note: "the stream of Okta's log to the SIEM was switched off", act: stream("system.log_stream.lifecycle.deactivate")},
		{name: "log stream deleted", idle: true, note: "the stream of Okta's log to the SIEM was deleted", act: stream("system.log_stream.lifecycle.delete")},
		{name: "trail stopped", light: true, note: "a trail was stopped", act: trail(requires, "StopLogging", `{"name":"organisation"}`)},
		{name: "trail narrowed", light: true, note: "a trail was made to leave events out", act: trail(centers, "PutEventSelectors", `{"trailName":"organisation","eventSelectors":[]}`)},
		{name: "trail stopped, refused", light: true, note: "a trail was to be stopped, which was refused", act: func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(prefers)), s.base()), ask{})
			s.usual(m)
			d := s.doBy(m, m.at.Add(5*time.Minute), &deed{source: "cloudtrail", name: "StopLogging", request: `{"name":"organisation"}`, failure: "AccessDenied"})
			s.plantDone(s.p.login, "log_tampered", "high", d)
		}},
		{name: "trail deleted by keys", nobody: true, note: "an IAM user deleted a trail", act: func(s *scene) {
			a := s.account(prefers)
			u := s.iamUser(a, "cleaner-"+token(s.r, digits, 2))
			d := s.do(&deed{by: u, source: "cloudtrail", name: "DeleteTrail", request: `{"name":"organisation"}`}, u.account, a.region, s.base())
			s.plantDone(u.stranger(), "log_tampered", "", d)
		}},
	}
}
