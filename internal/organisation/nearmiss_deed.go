package organisation

import "time"

// originMisses differ from their sign-on in ways that mean nothing.
func originMisses() []play {
	honest := func(kind int, rule string, a ask) func(*scene) {
		return func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(kind)), s.base()), a)
			s.usual(m)
			s.near(rule, m)
		}
	}
	return []play{
		{name: "one network", light: true, note: "the last address of the network that the policy takes for one place", act: func(s *scene) {
			c := &clean{role: s.role(s.account(prefers)), t: s.base()}
			c.grant = s.onTime(s.p, c.role.group, c.t.Add(-4*time.Minute))
			c.session = s.session(s.p)
			c.session.ip = "100.64.0.7"
			s.begin(c.session, c.t.Add(-20*time.Minute))
			s.prove(c.session, c.t.Add(-20*time.Minute), s.p.mfa)
			s.signOnTo(c, c.t.Add(-5*time.Second))
			m := s.assumeBy(c, ask{ip: "100.64.3.255"})
			s.usual(m)
			s.near("source_mismatch", m)
		}},
		{name: "sign-in's address", light: true, note: "in the browser AWS assumes the role, from an address of its own", act: honest(requires, "source_mismatch", ask{console: true})},
		{name: "portal's address", light: true, note: "through the portal AWS assumes the role", act: honest(centers, "source_mismatch", ask{})},
		{name: "tool's session name", light: true, note: "a role session name that is no address", act: honest(requires, "name_mismatch", ask{name: "botocore-session-1788000000"})},
		{name: "alias as name", light: true, kinds: []nameKind{byAlias}, note: "the policy ties the role session name to the person", act: honest(prefers, "name_mismatch", ask{})},
		{name: "name in capitals", light: true, kinds: []nameKind{byCase}, note: "the login in mixed case", act: honest(requires, "name_mismatch", ask{})},
	}
}

// deedMisses are calls that only look like going on or making credentials.
func deedMisses() []play {
	called := func(kind int, rule string, a ask, d deed) func(*scene) {
		return func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(kind)), s.base()), a)
			s.usual(m)
			e := d
			s.nearDone(s.p.login, rule, s.doBy(m, m.at.Add(4*time.Minute), &e))
		}
	}
	refused := func(d deed) deed {
		d.failure = "AccessDenied"
		return d
	}
	return []play{
		{name: "onward refused", light: true, note: "a further role was asked for and refused", act: called(requires, "chained_role", ask{}, refused(deed{source: "sts", name: "AssumeRole", request: `{"roleArn":"arn:aws:iam::111122223333:role/reporting","roleSessionName":"report-run"}`}))},
		{name: "minted key", light: true, note: "a command line got keys from the console, which stay in the session's role", act: func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(requires)), s.base()), ask{console: true})
			s.usual(m)
			k := s.mint(m, m.at.Add(2*time.Minute))
			s.use(k, k.at.Add(time.Second), k.at.Add(9*time.Minute), 3)
			s.nearDone(s.p.login, "chained_role", done{k.at, k.id})
			s.nearDone(s.p.login, "orphan_activity", done{k.at, k.id})
		}},
		{name: "access key refused", light: true, note: "an access key was asked for and refused", act: called(prefers, "credential_created", ask{}, refused(deed{source: "iam", name: "CreateAccessKey", request: `{"userName":"ci-deploy"}`}))},
		{name: "access key deleted", light: true, note: "an access key was taken away", act: called(centers, "credential_created", ask{}, deed{source: "iam", name: "DeleteAccessKey", request: `{"userName":"ci-deploy","accessKeyId":"AKIAEXAMPLEEXAMPLE01"}`})},
		{name: "access key by a machine", nobody: true, note: "a machine made an access key, which is no session's deed", act: func(s *scene) {
			a, t := s.account(requires), s.base()
			d := s.doBy(s.automation(a, "rotation", t), t, &deed{source: "iam", name: "CreateAccessKey", request: `{"userName":"ci-deploy"}`, response: `{"accessKey":{"userName":"ci-deploy","accessKeyId":"AKIAEXAMPLEEXAMPLE03","status":"Active"}}`})
			s.nearDone("app-runtime", "credential_created", d)
		}},
		{name: "other application changed", idle: true, note: "an application that has nothing to do with AWS was changed", act: func(s *scene) {
			d := s.admin(s.p.user(), "application.lifecycle.update", "Update application", s.base(), actor{id: "0oa1Chat000000000000", typ: "AppInstance", alternate: "Chat", display: "Chat"})
			s.nearDone(s.p.login, "trust_changed", d)
		}},
		{name: "provider read", light: true, note: "the SAML provider was only looked at", act: called(requires, "trust_changed", ask{}, deed{source: "iam", name: "GetSAMLProvider", request: `{"sAMLProviderArn":"arn"}`, readOnly: true})},
		{name: "trail started", light: true, note: "a trail was started", act: called(prefers, "log_tampered", ask{}, deed{source: "cloudtrail", name: "StartLogging", request: `{"name":"organisation"}`})},
		{name: "log stream on", idle: true, note: "a log stream was switched on", act: func(s *scene) {
			d := s.admin(s.p.user(), "system.log_stream.lifecycle.activate", "Activate log stream", s.base(), s.thing("0lo", "LogStream", "to the SIEM"))
			s.nearDone(s.p.login, "log_tampered", d)
		}},
	}
}

// entryMisses are ways in that nobody watches, or that lead nowhere.
func entryMisses() []play {
	return []play{
		{name: "keys into an unwatched role", nobody: true, note: "an IAM user assumed a role for machines", act: func(s *scene) {
			a := s.account(requires)
			u := s.iamUser(a, "ci-deploy")
			s.nearDone(u.stranger(), "static_credential", s.assumeWith(u, a.deployer, s.base()))
		}},
		{name: "root, refused", nobody: true, note: "somebody failed to enter the console as the root user", act: func(s *scene) {
			u := s.iamUser(s.g.vault, "root")
			s.nearDone(u.stranger(), "static_credential", s.consoleSignIn(u, s.base(), true))
		}},
		{name: "console of an unwatched account", nobody: true, note: "an IAM user entered the console of an account that nobody watches", act: func(s *scene) {
			u := s.iamUser(s.g.unwatched(), "auditor")
			s.nearDone(u.stranger(), "static_credential", s.consoleSignIn(u, s.base(), false))
		}},
		{name: "calls in an unwatched account", nobody: true, note: "calls by a role for people without an assumption, in an account that nobody watches", act: func(s *scene) {
			x, t := pick(s.r, s.g.unwatched().roles), s.base()
			name := "ops-" + token(s.r, digits, 6)
			s.nearDone(name, "orphan_activity", done{t, s.call(s.unmade(x, name, t.Add(-5*time.Minute)), t)})
		}},
		{name: "pipeline into its own role", nobody: true, note: "a pipeline assumed the role that is for pipelines", act: func(s *scene) {
			x := s.account(prefers).deployer
			name := "deploy-" + token(s.r, digits, 6)
			c, made := s.assumeAs(s.pipeline(x), x, name, s.base(), false)
			s.use(c, c.at.Add(2*time.Second), c.at.Add(14*time.Minute), 3)
			s.nearDone(name, "web_identity", made)
		}},
		{name: "pipeline, refused", nobody: true, note: "a pipeline was refused a role for people", act: func(s *scene) {
			x := pick(s.r, s.account(requires).roles)
			name := "deploy-" + token(s.r, digits, 6)
			_, made := s.assumeAs(s.pipeline(x), x, name, s.base(), true)
			s.nearDone(name, "web_identity", made)
		}},
		{name: "one refusal short", refused: true, idle: true, note: "one refusal fewer than make a burst", act: func(s *scene) {
			x, t := pick(s.r, s.account(requires).roles), s.base().Add(-2*time.Hour)
			for i := range burst - 1 {
				s.nearDone(s.p.login, "failed_assumptions", s.refuse(x, t.Add(time.Duration(i)*time.Minute), "AccessDenied"))
			}
		}},
		{name: "one refusal late", refused: true, idle: true, note: "as many refusals as make a burst, but one comes a second after burst_window", act: func(s *scene) {
			x, t := pick(s.r, s.account(prefers).roles), s.base().Add(-2*time.Hour)
			for i := range burst {
				s.nearDone(s.p.login, "failed_assumptions", s.refuse(x, t, "AccessDenied"))
				if t = t.Add(burstWindow); i == 1 {
					t = t.Add(time.Second)
				}
			}
		}},
		{name: "known provider", light: true, note: "through a provider that the policy knows", act: func(s *scene) {
			m := s.assumeBy(s.prepare(s.role(s.account(prefers)), s.base()), ask{})
			s.usual(m)
			s.near("unknown_provider", m)
		}},
		{name: "machine's calls", nobody: true, note: "calls by a role of machines, which nobody watches", act: func(s *scene) {
			a, t := s.account(requires), s.base()
			m := s.automation(a, "i-0"+token(s.r, hexDigits, 16), t)
			s.nearDone("app-runtime", "orphan_activity", done{t, s.call(m, t)})
		}},
		{name: "entered before the log", nobody: true, note: "calls with credentials that were made before the log begins", act: func(s *scene) {
			x, from := pick(s.r, s.account(requires).roles), s.g.truth.Complete.From
			t := from.Add(seconds(s.r, 5*time.Minute, 30*time.Minute))
			name := "ops-" + token(s.r, digits, 6)
			s.nearDone(name, "orphan_activity", done{t, s.call(s.unmade(x, name, from.Add(-10*time.Minute)), t)})
		}},
	}
}
