package organisation

import "time"

// entryBreaches are ways into AWS that do not come through Okta.
func entryBreaches() []play {
	watched := func(s *scene, kind int) *role { return pick(s.r, s.account(kind).roles) }
	return []play{
		{name: "keys into a role", nobody: true, note: "an IAM user assumed a watched role with its keys", act: func(s *scene) {
			x := watched(s, requires)
			u := s.iamUser(x.account, "deploy-"+token(s.r, digits, 2))
			s.plantDone(u.stranger(), "static_credential", "", s.assumeWith(u, x, s.base()))
		}},
		{name: "keys of another account", nobody: true, note: "an IAM user of another account assumed a watched role", act: func(s *scene) {
			x := watched(s, centers)
			u := s.iamUser(s.account(requires), "vendor-"+token(s.r, digits, 2))
			s.plantDone(u.foreign(), "static_credential", "", s.assumeWith(u, x, s.base()))
		}},
		{name: "root", nobody: true, note: "the root user entered the console of a watched account", act: func(s *scene) {
			u := s.iamUser(s.g.vault, "root")
			s.plantDone(u.stranger(), "static_credential", "critical", s.consoleSignIn(u, s.base(), false))
		}},
		{name: "IAM user in the console", nobody: true, note: "an IAM user entered the console with a password", act: func(s *scene) {
			u := s.iamUser(s.account(requires), "legacy-admin-"+token(s.r, digits, 2))
			s.plantDone(u.stranger(), "static_credential", "", s.consoleSignIn(u, s.base(), false))
		}},
		{name: "session token", nobody: true, note: "an IAM user got temporary keys", act: func(s *scene) {
			u := s.iamUser(s.account(centers), "backup-"+token(s.r, digits, 2))
			s.plantDone(u.stranger(), "static_credential", "", s.sessionToken(u, "GetSessionToken", s.base()))
		}},
		{name: "calls in the vault", nobody: true, note: "calls by some role of an account that is watched as a whole", act: func(s *scene) {
			t := s.base()
			x := &role{name: "Restore", path: "/", aroa: "AROA" + token(s.r, base32Upper, 17), account: s.g.vault, iam: true}
			name := "restore-" + token(s.r, digits, 4)
			s.plantDone(name, "orphan_activity", "", done{t, s.call(s.unmade(x, name, t.Add(-9*time.Minute)), t)})
		}},
		{name: "pipeline", nobody: true, note: "a pipeline assumed a role for people", act: func(s *scene) { s.piped(watched(s, requires), "deploy", 3) }},
		{name: "pipeline, legacy", nobody: true, note: "likewise, and did nothing", act: func(s *scene) { s.piped(watched(s, prefers), "deploy", 0) }},
		{name: "pipeline, permission set", nobody: true, note: "a role of Identity Center whose trust was changed to let a pipeline in", act: func(s *scene) { s.piped(watched(s, centers), "deploy", 2) }},
		{name: "pipeline, glass", nobody: true, note: "a pipeline assumed the break-glass role", act: func(s *scene) { s.piped(s.account(requires).glass, "release", 1) }},
	}
}

// providerBreaches come through SAML providers that are not in the policy.
func providerBreaches() []play {
	through := func(kind int, a ask) func(*scene) {
		return func(s *scene) {
			a.assertion = "_" + newUUID(s.r).String()
			m := s.assume(s.p, s.role(s.account(kind)), s.base(), nil, a)
			s.usual(m)
			s.plant("unknown_provider", m)
		}
	}
	return []play{
		{name: "backup provider", light: true, note: "through a SAML provider that is named almost like the one in the policy", act: through(requires, ask{saml: "Okta2", issuer: "http://www.okta.com/exk1backup000000000"})},
		{name: "backup provider, console", light: true, note: "likewise, in the browser", act: through(prefers, ask{saml: "okta-legacy-old", issuer: "http://www.okta.com/exk1backup000000000", console: true})},
		{name: "provider beside the portal", light: true, note: "straight into an account that is entered through Identity Center", act: through(centers, ask{saml: "ADFS", issuer: "http://adfs.example.org/adfs/services/trust"})},
	}
}

// piped lets a pipeline assume a watched role and make some calls.
func (s *scene) piped(x *role, job string, calls int) {
	name := job + "-" + token(s.r, digits, 6)
	w := s.pipeline(x)
	c, made := s.assumeAs(w, x, name, s.base(), false)
	s.use(c, c.at.Add(2*time.Second), c.at.Add(14*time.Minute), calls)
	s.plantDone(name, "web_identity", "", made)
}

// stranger is the name of an IAM user in results.
func (u *iamUser) stranger() string { return "iam/" + u.account + "/" + u.name }

// foreign is the name in results of one whom another account only knows by id.
func (u *iamUser) foreign() string { return "iam/" + u.account + "/" + u.id }

// refusalBreaches are bursts of assumptions that AWS refused.
func refusalBreaches() []play {
	run := func(kind, n int, apart time.Duration, code string) func(*scene) {
		return func(s *scene) {
			x, t := pick(s.r, s.account(kind).roles), s.base().Add(-2*time.Hour)
			var all []done
			for i := range n {
				all = append(all, s.refuse(x, t.Add(time.Duration(i)*apart), code))
			}
			s.plantBurst(all)
		}
	}
	return []play{
		{name: "burst", refused: true, idle: true, note: "eight refusals within a minute", act: run(requires, 8, 7*time.Second, "AccessDenied")},
		{name: "burst, slow", refused: true, idle: true, note: "as many as make a burst, each exactly burst_window after the one before", act: run(prefers, burst, burstWindow, "AccessDenied")},
		{name: "burst, expired", refused: true, idle: true, note: "a script that tries an expired assertion again and again", act: run(requires, burst, 20*time.Second, "ExpiredTokenException")},
		{name: "burst, several roles", refused: true, idle: true, note: "one role after another was tried", act: func(s *scene) {
			var all []done
			t := s.base().Add(-2 * time.Hour)
			for _, kind := range []int{requires, prefers} {
				for _, x := range s.account(kind).roles[:4] {
					all = append(all, s.refuse(x, t, "AccessDenied"))
					t = t.Add(seconds(s.r, time.Second, time.Minute))
				}
			}
			s.plantBurst(all)
		}},
	}
}

// plantBurst plants a burst on its first refusal.
func (s *scene) plantBurst(all []done) {
	var more []string
	for _, d := range all[1:] {
		more = append(more, d.id)
	}
	s.plantDone(s.p.login, "failed_assumptions", "", all[0], more...)
}

// orphanBreaches are calls by watched roles that nobody is known to have
// assumed.
func orphanBreaches() []play {
	some := func(s *scene, kind int) *role { return pick(s.r, s.account(kind).roles) }
	calls := func(kind int, role func(*scene, int) *role, name func(*scene) (name, who string), n int) func(*scene) {
		return func(s *scene) {
			x, t := role(s, kind), s.base()
			session, who := name(s)
			m := s.unmade(x, session, t.Add(-seconds(s.r, time.Minute, 20*time.Minute)))
			first := done{t, s.call(m, t)}
			s.use(m, t.Add(time.Second), t.Add(9*time.Minute), n)
			s.plantDone(who, "orphan_activity", "", first)
		}
	}
	nobody := func(s *scene) (string, string) {
		name := "ops-" + token(s.r, digits, 6)
		return name, name
	}
	self := func(s *scene) (string, string) { return s.p.login, s.p.login }
	// Other plays put one person's name on another's sessions, but not of this role.
	glass := func(s *scene, kind int) *role { return s.account(kind).glass }
	return []play{
		{name: "orphan", nobody: true, note: "calls by a role session of nobody, without any assumption", act: calls(requires, some, nobody, 4)},
		{name: "orphan, legacy", nobody: true, note: "a single call", act: calls(prefers, some, nobody, 0)},
		{name: "orphan, portal", nobody: true, note: "calls by a permission set's role without an assumption", act: calls(centers, some, nobody, 3)},
		{name: "orphan of a person", idle: true, note: "the role session goes by a person's name, but no assumption of it is logged", act: calls(prefers, glass, self, 2)},
		{name: "orphan, glass", nobody: true, note: "calls by the break-glass role without an assumption", act: calls(requires, glass, nobody, 0)},
	}
}
