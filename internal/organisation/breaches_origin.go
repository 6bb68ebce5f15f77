package organisation

import "time"

// originBreaches come from elsewhere than their sign-on, or under another name.
func originBreaches() []play {
	from := func(kind int, ip string, a ask) func(*scene) {
		return func(s *scene) {
			c := s.prepare(s.role(s.account(kind)), s.base())
			a.ip = ip
			m := s.assumeBy(c, a)
			s.usual(m)
			s.plant("source_mismatch", m, c.on.id)
		}
	}
	called := func(kind int, name func(*scene) string) func(*scene) {
		return func(s *scene) {
			c := s.prepare(s.role(s.account(kind)), s.base())
			m := s.assumeBy(c, ask{name: name(s)})
			s.usual(m)
			s.plant("name_mismatch", m, c.on.id)
		}
	}
	colleague := func(s *scene) string { return s.colleague().login }
	return []play{
		{name: "elsewhere", light: true, note: "the sign-on came from the person's place, the assumption from another network", act: from(requires, "192.0.2.13", ask{})},
		{name: "elsewhere, legacy", light: true, note: "likewise", act: from(prefers, "192.0.2.77", ask{})},
		{name: "elsewhere by IPv6", light: true, note: "the assumption came from an IPv6 address", act: from(requires, "2001:db8:17::9", ask{})},
		{name: "elsewhere, near a network", light: true, note: "an address just behind the end of the network that the policy takes for one place", act: func(s *scene) {
			c := &clean{role: s.role(s.account(prefers)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-4*time.Minute))
			c.session = s.session(s.p)
			c.session.ip = "100.64.0.7"
			s.begin(c.session, c.t.Add(-20*time.Minute))
			s.prove(c.session, c.t.Add(-20*time.Minute), s.p.mfa)
			s.signOnTo(c, c.t.Add(-5*time.Second))
			m := s.assumeBy(c, ask{ip: "100.64.4.0"})
			s.usual(m)
			s.plant("source_mismatch", m, c.on.id)
		}},
		{name: "colleague's name", light: true, note: "the role session bears a colleague's name", act: called(requires, colleague)},
		{name: "colleague's name, legacy", light: true, note: "likewise", act: called(prefers, colleague)},
		{name: "name of nobody", light: true, note: "the role session bears an address that is nobody's", act: called(requires, func(s *scene) string { return "ops-" + token(s.r, digits, 4) + "@example.org" })},
		{name: "a service's name", light: true, note: "the role session bears the address of a service", act: called(prefers, func(s *scene) string { return "svc-release@example.com" })},
	}
}

// elsewhere plants that an assumption came from elsewhere than its sign-on.
func (s *scene) elsewhere(m *assumption, on *signOn) {
	s.plant("source_mismatch", m, on.id)
}

// deedBreaches are what sessions that are otherwise in order must not do
// unnoticed: go on into further roles, make credentials that stay.
func deedBreaches() []play {
	further := func(kind int, a ask, to func(s *scene, x *role) *role) func(*scene) {
		return func(s *scene) {
			x := s.role(s.account(kind))
			m := s.assumeBy(s.prepare(x, s.base()), a)
			s.usual(m)
			c, twin := s.chain(m, to(s, x), m.at.Add(3*time.Minute), onward{name: pick(s.r, []string{"", "terraform-run"})})
			s.use(c, c.at.Add(time.Second), c.at.Add(10*time.Minute), 3)
			s.plantChained(m, c, twin)
		}
	}
	same := func(s *scene, x *role) *role { return x.account.onward }
	across := func(kind int) func(s *scene, x *role) *role {
		return func(s *scene, _ *role) *role { return s.account(kind).onward }
	}
	made := func(kind int, a ask, name, request, response string) func(*scene) {
		return func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(kind)), s.base()), a)
			s.usual(m)
			d := s.doBy(m, m.at.Add(4*time.Minute), &deed{source: "iam", name: name, request: request, response: response})
			s.plantCreated(m, d)
		}
	}
	return []play{
		{name: "onward", light: true, note: "assumed a further role of the account", act: further(requires, ask{}, same)},
		{name: "onward, across accounts", light: true, note: "assumed a role of another account; both record it", act: further(prefers, ask{}, across(requires))},
		{name: "onward, portal", light: true, note: "from a permission set into a role of another account", act: further(centers, ask{}, across(prefers))},
		{name: "onward, console", light: true, note: "switched the role in the console", act: further(requires, ask{console: true}, across(centers))},
		{name: "onward twice", light: true, note: "a further role, and from there another one", act: func(s *scene) {
			x := s.role(s.account(prefers))
			m := s.assumeBy(s.prepare(x, s.base()), ask{})
			s.usual(m)
			c, _ := s.chain(m, x.account.onward, m.at.Add(2*time.Minute), onwardName("first-hop"))
			b, twin := s.chain(c, s.account(centers).onward, c.at.Add(2*time.Minute), onwardName("second-hop"))
			s.use(b, b.at.Add(time.Second), b.at.Add(8*time.Minute), 3)
			s.plantChained(m, c, b.id, twin)
		}},
		{name: "onward by a minted key", light: true, note: "a command line got keys from the console and assumed a further role with them", act: func(s *scene) {
			x := s.role(s.account(centers))
			m := s.assumeBy(s.prepare(x, s.base()), ask{console: true})
			s.usual(m)
			k := s.mint(m, m.at.Add(2*time.Minute))
			s.use(k, k.at.Add(time.Second), k.at.Add(9*time.Minute), 3)
			c, twin := s.chain(k, x.account.onward, k.at.Add(time.Minute), onwardName("from-cli"))
			s.use(c, c.at.Add(time.Second), c.at.Add(8*time.Minute), 2)
			s.plantChained(m, c, twin)
		}},
		{name: "access key", light: true, note: "made an access key for an IAM user", act: made(requires, ask{}, "CreateAccessKey", `{"userName":"ci-deploy"}`, `{"accessKey":{"userName":"ci-deploy","accessKeyId":"AKIAEXAMPLEEXAMPLE01","status":"Active"}}`)},
		{name: "password for an IAM user", light: true, note: "gave an IAM user a password for the console", act: made(centers, ask{console: true}, "CreateLoginProfile", `{"userName":"legacy-admin","passwordResetRequired":false}`, `{"loginProfile":{"userName":"legacy-admin"}}`)},
		{name: "git credentials", light: true, note: "made credentials for a single service", act: made(prefers, ask{}, "CreateServiceSpecificCredential", `{"userName":"ci-deploy","serviceName":"codecommit.amazonaws.com"}`, `{"serviceSpecificCredential":{"userName":"ci-deploy","serviceSpecificCredentialId":"ACCAEXAMPLEEXAMPLE01","status":"Active"}}`)},
		{name: "SSH key", light: true, note: "uploaded an SSH key", act: made(requires, ask{console: true}, "UploadSSHPublicKey", `{"userName":"ci-deploy","sSHPublicKeyBody":"ssh-ed25519 AAAA"}`, `{"sSHPublicKey":{"userName":"ci-deploy","sSHPublicKeyId":"APKAEXAMPLEEXAMPLE01","status":"Active"}}`)},
		{name: "access key of a further role", light: true, note: "assumed a further role and made an access key with it", act: func(s *scene) {
			x := s.role(s.account(prefers))
			m := s.assumeBy(s.prepare(x, s.base()), ask{})
			s.usual(m)
			c, _ := s.chain(m, x.account.onward, m.at.Add(2*time.Minute), onwardName("terraform-run"))
			d := s.doBy(c, c.at.Add(time.Minute), &deed{source: "iam", name: "CreateAccessKey", request: `{"userName":"terraform"}`, response: `{"accessKey":{"userName":"terraform","accessKeyId":"AKIAEXAMPLEEXAMPLE02","status":"Active"}}`})
			s.plantChained(m, c)
			s.plantCreated(m, d)
		}},
	}
}

func onwardName(name string) onward { return onward{name: name} }

// plantChained plants that a session went on into a further role.
func (s *scene) plantChained(m, c *assumption, more ...string) {
	s.plantDone(s.p.login, "chained_role", "", done{c.at, c.id}, present(more)...)
}

// plantCreated plants that a session made a long-lived credential.
func (s *scene) plantCreated(m *assumption, d done) {
	s.plantDone(s.p.login, "credential_created", "", d)
}

// present leaves empty ids out.
func present(ids []string) (out []string) {
	for _, id := range ids {
		if id != "" {
			out = append(out, id)
		}
	}
	return out
}
