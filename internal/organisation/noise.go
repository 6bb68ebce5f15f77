package organisation

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// noise logs what has nothing to do with anybody's access to AWS.
func (g *generator) noise() {
	for day := range g.cfg.Days {
		s := &scene{g: g, r: g.stream("noise/okta", day), day: day}
		for range g.cfg.Noise {
			s.p = pick(s.r, g.people)
			s.oktaNoise(g.cfg.Start.AddDate(0, 0, day).Add(between(s.r, 0, 24*time.Hour)))
		}
		s = &scene{g: g, r: g.stream("noise/cloudtrail", day), day: day}
		for range g.cfg.Noise {
			s.trailNoise(g.cfg.Start.AddDate(0, 0, day).Add(seconds(s.r, 0, 24*time.Hour)))
		}
	}
}

// otherApp signs on to an application that is not AWS.
func (s *scene) otherApp(p *person, o *oktaSession, at time.Time) {
	mode, label := "SAML_2_0", "Chat"
	debug := []string{"jti", s.assertionID(), "issuer", "http://www.okta.com/exkchat0000000000000", "audience", "https://chat.example.com", "subject", p.login, "signOnMode", "SAML 2.0"}
	if chance(s.r, 50) {
		mode, label, debug = "OPENID_CONNECT", "Code Review", []string{"requestUri", "/oauth2/v1/authorize", "signOnMode", "OpenID Connect"}
	}
	s.okta(at, &oktaBody{typ: "user.authentication.sso", legacy: "app.auth.sso", display: "User single sign on to app", actor: p.user(), client: p, ext: o.ext, root: o.root, debug: debug,
		target: []actor{{id: "0oa1" + label[:4] + "000000000000", typ: "AppInstance", alternate: label, display: label, detail: `{"signOnModeType":"` + mode + `"}`}, {id: "0ua" + p.appUser + "oth", typ: "AppUser", alternate: p.login, display: p.display}}})
}

func (s *scene) oktaNoise(at time.Time) {
	p := s.p
	o := s.session(p)
	switch s.r.IntN(8) {
	case 0, 1, 2:
		s.otherApp(p, o, at)
	case 3:
		pr := pick(s.r, s.g.providers)
		s.okta(at, &oktaBody{typ: "user.authentication.sso", legacy: "app.auth.sso", display: "User single sign on to app", severity: "WARN", actor: p.user(), client: p, ext: "unknown", result: "FAILURE", reason: "INVALID_CREDENTIALS",
			target: []actor{{id: pr.apps[0], typ: "AppInstance", alternate: pr.label, display: "AWS Account Federation", detail: `{"signOnModeType":"SAML_2_0"}`}, p.appUserOf(pr.apps[0])}})
	case 4:
		s.okta(at, &oktaBody{typ: "user.account.update_password", legacy: "core.user.config.password_update.success", display: "User update password for Okta", actor: p.user(), client: p, ext: o.ext, root: o.root, target: []actor{p.user()}})
	case 5:
		to := &group{id: "00g1newsletter000000", name: pick(s.r, []string{"aws-newsletter", "Engineering", "AWS-friends", "Berlin office"})}
		s.member(p, to, at, chance(s.r, 60), s.g.grantors[1])
	case 6:
		s.okta(at, &oktaBody{typ: "system.agent.ad.import_user", display: "Import user from directory", actor: actor{id: "spr", typ: "SystemPrincipal", alternate: "system@okta.com", display: "Okta System"}, bare: true, job: true})
	default:
		s.okta(at, &oktaBody{typ: "app.oauth2.token.grant.access_token", display: "OAuth2 access token is granted", actor: actor{id: "0oa1machine000000000", typ: "PublicClientApp", alternate: "unknown", display: "nightly report"}, debug: []string{"grantType", "client_credentials"}})
	}
}

// trailNoise logs a CloudTrail event that is no session's of Okta.
func (s *scene) trailNoise(at time.Time) {
	a := pick(s.r, s.g.accounts)
	if who := pick(s.r, s.g.people); s.r.IntN(40) == 0 && !s.g.refused[who.n] && s.g.refusals[who.n] < burst-1 {
		s.g.refusals[who.n]++
		m := &assumption{role: pick(s.r, a.roles), name: who.session, region: "us-east-1", ip: "203.0.113.17", agent: "aws-cli/2.31.6", issuer: a.provider.issuer, saml: a.provider.saml,
			asked: 3600, assertion: s.assertionID(), seed: s.r.Uint64(), errorCode: "AccessDenied"}
		m.subject = m.name
		s.trail(a.id, "us-east-1", at, m)
		return
	}
	b := s.g.newMachineCall(s.r, a)
	s.trail(a.id, b.region(), at, b)
}

// machineCall is an event of a machine, an IAM user or AWS itself.
type machineCall struct {
	in   *account
	do   *action
	kind uint8
	seed uint64
}

func (g *generator) newMachineCall(r *rand.Rand, a *account) *machineCall {
	return &machineCall{in: a, do: &g.actions[r.IntN(len(g.actions))], kind: uint8(r.IntN(5)), seed: r.Uint64()}
}

func (b *machineCall) region() string {
	if b.do.source == "iam" || b.do.source == "sts" {
		return "us-east-1"
	}
	return b.in.region
}

func (b *machineCall) encode(e *enc, ev *Event) {
	r := rand.New(rand.NewPCG(b.seed, 5))
	a := b.in
	source, name, request, response, kind := b.do.source+".amazonaws.com", b.do.name, b.do.request, b.do.response, "AwsApiCall"
	ip, agent := fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), 1+r.IntN(254)), "aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.25.1 md/GOOS#linux md/GOARCH#arm64"
	e.str("eventVersion", "1.11")
	e.open("userIdentity")
	switch b.kind {
	case 0, 1:
		name := "i-0" + token(r, hexDigits, 16)
		if b.kind == 1 {
			name = "orders-import"
		}
		e.str("type", "AssumedRole")
		e.str("principalId", a.service.aroa+":"+name)
		e.str("arn", "arn:aws:sts::"+a.id+":assumed-role/app-runtime/"+name)
		e.str("accountId", a.id)
		e.str("accessKeyId", "ASIA"+token(r, base32Upper, 16))
		encodeIssuer(e, &role{name: "app-runtime", path: "/", aroa: a.service.aroa, account: &account{id: a.id, provider: &provider{}}}, ev.At.Add(-time.Duration(r.IntN(3600))*time.Second), "")
	case 2:
		e.str("type", "IAMUser")
		e.str("principalId", "AIDA"+token(r, base32Upper, 17))
		e.str("arn", "arn:aws:iam::"+a.id+":user/ci-deploy")
		e.str("accountId", a.id)
		e.str("accessKeyId", "AKIA"+token(r, base32Upper, 16))
		e.str("userName", "ci-deploy")
	default:
		e.str("type", "AWSService")
		e.str("invokedBy", "ec2.amazonaws.com")
		ip, agent = "ec2.amazonaws.com", "ec2.amazonaws.com"
	}
	e.close()
	if b.kind == 3 {
		source, name = "sts.amazonaws.com", "AssumeRole"
		request = `{"roleArn":"arn:aws:iam::` + a.id + `:role/app-runtime","roleSessionName":"i-0` + token(r, hexDigits, 16) + `"}`
		response = `{"credentials":{"accessKeyId":"ASIA` + token(r, base32Upper, 16) + `","sessionToken":"IQoJb3JpZ2luX2Vj` + token(r, base62, 160) + `","expiration":"` + ev.At.Add(6*time.Hour).Format("Jan 2, 2006, 3:04:05 PM") + `"}}`
	}
	encodeHead(e, ev, source, name, ev.Shard[len("aws/")+13:], ip, agent)
	e.raw("requestParameters", request)
	e.raw("responseElements", response)
	e.id("requestID", newUUID(r))
	e.id("eventID", ev.id)
	e.bool("readOnly", b.do.readOnly)
	encodeTail(e, a.id, kind, "")
}
