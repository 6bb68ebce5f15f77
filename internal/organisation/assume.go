package organisation

import (
	"encoding/base64"
	"math/rand/v2"
	"time"
)

// assumption is one AssumeRoleWithSAML.
type assumption struct {
	role      *role
	name      string // role session name
	subject   string // SAML NameID
	at        time.Time
	expires   time.Time
	asked     int // durationSeconds; 0 where the call names none
	assertion string
	issuer    string
	saml      string // the provider's name
	console   bool
	old       bool // the older way to write expiration
	region    string
	ip, agent string
	key       string
	created   time.Time // what calls give as creationDate
	id        string    // the event's
	seed      uint64
	errorCode string
	identity  string // source identity, where the provider sets it
	team      string // a principal tag
}

// ask is what may be said about an assumption beyond role, person and sign-on;
// zero fields are filled in.
type ask struct {
	assertion string // instead of the sign-on's
	without   bool   // no assertion id in the event
	name      string
	subject   string
	saml      string
	issuer    string
	lasts     time.Duration // default 1h; in the console always 15 min
	console   bool
	ip, agent string
	identity  string // source identity, with the legacy provider's own
}

// assume logs an assumption of the role by the person, or by nobody known when
// p is nil and a.name is set.
func (s *scene) assume(p *person, x *role, at time.Time, on *signOn, a ask) *assumption {
	at = at.Truncate(time.Second)
	pr := x.account.provider
	m := &assumption{role: x, at: at, created: at, assertion: a.assertion, issuer: or(a.issuer, pr.issuer), saml: or(a.saml, pr.saml),
		console: a.console, old: chance(s.r, 25), seed: s.r.Uint64(), key: "ASIA" + token(s.r, base32Upper, 16)}
	if p != nil {
		m.name, m.subject, m.ip, m.agent = p.session, p.nameID, p.ip, p.cli
	}
	if m.identity = a.identity; p != nil && x.account.n%6 == 4 && a.saml == "" {
		m.identity, m.team = p.login, pick(s.r, []string{"platform", "payments", "data"})
	}
	m.name, m.subject = or(a.name, m.name), or(a.subject, m.subject)
	m.subject = or(m.subject, m.name)
	if on != nil && m.assertion == "" {
		m.assertion = on.assertion
	}
	if a.lasts == 0 {
		a.lasts = time.Hour
	}
	m.asked = int(a.lasts / time.Second)
	m.expires = at.Add(a.lasts)
	m.region = "us-east-1"
	if chance(s.r, 35) {
		m.region = x.account.region
	}
	switch {
	case pr.center && a.saml == "":
		s.fromPortal(m, p)
	case a.console:
		// Sign-in asks for an hour and gets a quarter; the console renews.
		m.asked, m.expires = 3600, at.Add(15*time.Minute)
		m.agent, m.ip = "AWS Signin, aws-internal/3 aws-sdk-java/1.12.786 Linux/5.10", pick(s.r, []string{"AWS Internal", "198.18.4.17", "signin.amazonaws.com"})
	}
	m.ip, m.agent = or(or(a.ip, m.ip), "203.0.113.99"), or(or(a.agent, m.agent), "python-requests/2.32.4")
	if a.without {
		m.assertion = ""
	}
	m.id = s.trail(x.account.id, m.region, at, m)
	if p != nil {
		k := assumer{p, x}
		s.g.assumed[k] = append(s.g.assumed[k], at)
	}
	if m.console && !pr.center {
		s.consoleLogin(m, p)
	}
	return m
}

// fromPortal makes the assumption one that IAM Identity Center makes for the
// user: with an assertion of its own, of which Okta knows nothing.
func (s *scene) fromPortal(m *assumption, p *person) {
	m.subject = m.name
	m.assertion = "_" + newUUID(s.r).String()
	m.issuer = "https://portal.sso.eu-central-1.amazonaws.com/saml/assertion/" + base64.RawStdEncoding.EncodeToString([]byte(m.role.account.id+"_ins-"+s.g.instance))
	m.ip, m.agent, m.region = pick(s.r, []string{"AWS Internal", "198.18.101.254", "198.18.7.201"}), "aws-internal/3 aws-sdk-java/1.12.787 Linux/5.10 OpenJDK_64-Bit_Server_VM", "us-east-1"
	if chance(s.r, 5) && p != nil && p.n%5 == 0 {
		m.created = m.at.Add(-time.Second)
	}
}

func (m *assumption) principal() string { return m.role.aroa + ":" + m.name }

func (m *assumption) encode(e *enc, ev *Event) {
	r := rand.New(rand.NewPCG(m.seed, 1))
	a := m.role.account
	qualifier := nameQualifier(m.issuer, a.id, m.saml)
	e.str("eventVersion", "1.11")
	e.open("userIdentity")
	e.str("type", "SAMLUser")
	e.str("principalId", qualifier+":"+m.subject)
	e.str("userName", m.subject)
	e.str("identityProvider", qualifier)
	e.close()
	encodeHead(e, ev, "sts.amazonaws.com", "AssumeRoleWithSAML", m.region, m.ip, m.agent)
	if m.errorCode != "" {
		e.str("errorCode", m.errorCode)
		e.str("errorMessage", "Not authorized to perform sts:AssumeRoleWithSAML")
	}
	e.open("requestParameters")
	if m.assertion != "" {
		e.str("sAMLAssertionID", m.assertion)
	}
	e.str("roleSessionName", m.name)
	if m.identity != "" {
		e.str("sourceIdentity", m.identity)
	}
	if m.team != "" {
		e.open("principalTags")
		e.str("team", m.team)
		e.close()
	}
	e.int("durationSeconds", m.asked)
	e.str("roleArn", m.role.arn())
	e.str("principalArn", a.providerARN(m.saml))
	e.close()
	if m.errorCode != "" {
		e.null("responseElements")
	} else {
		m.encodeResponse(e, r, qualifier)
	}
	e.open("additionalEventData")
	e.open("RequestDetails")
	e.str("endpointType", map[bool]string{true: "global", false: "regional"}[m.region == "us-east-1"])
	e.str("awsServingRegion", a.region)
	e.close()
	e.close()
	e.id("requestID", newUUID(r))
	e.id("eventID", ev.id)
	e.bool("readOnly", true)
	e.openArray("resources")
	for _, res := range [][2]string{{"AWS::IAM::Role", m.role.arn()}, {"AWS::IAM::SAMLProvider", a.providerARN(m.saml)}} {
		e.element()
		e.str("accountId", a.id)
		e.str("type", res[0])
		e.str("ARN", res[1])
		e.close()
	}
	e.closeArray()
	encodeTail(e, a.id, "AwsApiCall", "sts."+m.region+".amazonaws.com")
}

func (m *assumption) encodeResponse(e *enc, r *rand.Rand, qualifier string) {
	layout := "Jan 2, 2006, 3:04:05 PM"
	if m.old {
		layout = "Jan 2, 2006 3:04:05 PM"
	}
	a := m.role.account
	audience := or(a.provider.audience, "https://signin.aws.amazon.com/saml")
	if a.provider.center {
		audience = "https://signin.aws.amazon.com/saml"
	}
	e.open("responseElements")
	e.str("subjectType", "unspecified")
	e.str("issuer", m.issuer)
	e.open("credentials")
	e.str("accessKeyId", m.key)
	e.str("sessionToken", "IQoJb3JpZ2luX2VjE"+token(r, base62, 240)+"==")
	e.time("expiration", m.expires, layout)
	e.close()
	e.str("nameQualifier", qualifier)
	e.open("assumedRoleUser")
	e.str("assumedRoleId", m.principal())
	e.str("arn", m.usedARN())
	e.close()
	e.str("subject", m.subject)
	e.str("audience", audience)
	if m.identity != "" {
		e.str("sourceIdentity", m.identity)
	}
	e.int("packedPolicySize", 1+r.IntN(9))
	e.close()
}

// usedARN is how calls name the session; the role's path is dropped there.
func (m *assumption) usedARN() string {
	return "arn:aws:sts::" + m.role.account.id + ":assumed-role/" + m.role.iamName() + "/" + m.name
}
