package organisation

import "time"

// admin logs a change that somebody made in Okta's settings.
func (s *scene) admin(who actor, typ, display string, at time.Time, target ...actor) done {
	b := &oktaBody{typ: typ, display: display, actor: who, target: target}
	if who.typ == "User" && who.id == s.p.oktaID {
		o := s.session(s.p)
		b.client, b.ext, b.root = s.p, o.ext, o.root
	}
	at = at.Truncate(time.Millisecond)
	return done{at, s.okta(at, b)}
}

// application is the provider's application in Okta.
func (pr *provider) application() actor {
	return actor{id: pr.apps[0], typ: "AppInstance", alternate: pr.label, display: or(pr.catalogue(), pr.label)}
}

func (pr *provider) catalogue() string {
	if pr.center {
		return "AWS IAM Identity Center"
	}
	return "AWS Account Federation"
}

// thing is an object of Okta's settings that has no meaning beyond its name.
func (s *scene) thing(prefix, typ, name string) actor {
	return actor{id: prefix + token(s.r, base62, 17), typ: typ, alternate: "unknown", display: name}
}

// newEmail logs that the person's primary mail address changed.
func (s *scene) newEmail(p *person, at time.Time, address string) done {
	who := p.user()
	who.change = `{"from":{"email":"` + p.login + `"},"to":{"email":"` + address + `"}}`
	return s.admin(p.user(), "user.account.update_primary_email", "Update primary email address", at, who)
}

// newUsername logs that the person goes by another user name in an application.
func (s *scene) newUsername(p *person, pr *provider, at time.Time, name string) done {
	as := p.appUserOf(pr.apps[0])
	as.alternate = name
	return s.admin(s.g.grantors[1], "application.user_membership.change_username", "Change user's application username", at, as, pr.application(), p.user())
}

// leave logs that the person left the company.
func (s *scene) leave(p *person, at time.Time) done {
	return s.admin(actor{id: "hrimport", typ: "SystemPrincipal", alternate: "system@okta.com", display: "Okta System"}, "user.lifecycle.deactivate", "Deactivate Okta user", at, p.user())
}

// assigned logs that somebody gave or took an application by hand.
func (s *scene) assigned(p *person, app actor, at time.Time, add bool, who actor) done {
	as := p.appUserOf(app.id)
	if !add {
		return s.admin(who, "application.user_membership.remove", "Remove user's application membership", at, as, app, p.user())
	}
	return s.admin(who, "application.user_membership.add", "Add user to application membership", at, as, app, p.user())
}
