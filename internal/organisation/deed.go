package organisation

import (
	"math/rand/v2"
	"time"
)

// caller is by whom a call is made.
type caller interface{ encodeIdentity(e *enc) }

// deed is an AWS call that matters by itself, whoever makes it.
type deed struct {
	by                caller
	account           string // of the trail
	source, name      string // eventSource without ".amazonaws.com", and eventName
	request, response string // JSON; null when empty
	failure           string // the error's code
	ip, agent         string
	kind              string // eventType, AwsApiCall by default
	extra             string // additionalEventData, as JSON
	shared            string // sharedEventID
	console           bool   // sessionCredentialFromConsole
	readOnly          bool
	seed              uint64
}

func (d *deed) encode(e *enc, ev *Event) {
	r := rand.New(rand.NewPCG(d.seed, 6))
	e.str("eventVersion", "1.11")
	d.by.encodeIdentity(e)
	encodeHead(e, ev, d.source+".amazonaws.com", d.name, ev.Shard[len("aws/")+13:], or(d.ip, "203.0.113.40"), or(d.agent, "aws-cli/2.31.6 md/awscrt#0.27.6 ua/2.1 os/linux#6.12 md/arch#x86_64 lang/python#3.13.7"))
	if d.failure != "" {
		e.str("errorCode", d.failure)
		e.str("errorMessage", "not authorized to perform: "+d.source+":"+d.name)
	}
	e.raw("requestParameters", or(d.request, "null"))
	if d.failure != "" {
		e.null("responseElements")
	} else {
		e.raw("responseElements", or(d.response, "null"))
	}
	if d.extra != "" {
		e.raw("additionalEventData", d.extra)
	}
	e.id("requestID", newUUID(r))
	e.id("eventID", ev.id)
	e.bool("readOnly", d.readOnly)
	if d.shared != "" {
		e.str("sharedEventID", d.shared)
	}
	encodeTail(e, d.account, or(d.kind, "AwsApiCall"), "")
	if d.console {
		e.str("sessionCredentialFromConsole", "true")
	}
}

// done is a deed as the truth speaks of it.
type done struct {
	at time.Time
	id string
}

// do logs a deed in an account and region.
func (s *scene) do(d *deed, account, region string, at time.Time) done {
	d.account, d.seed = account, s.r.Uint64()
	at = at.Truncate(time.Second)
	return done{at, s.trail(account, region, at, d)}
}

// doBy logs a deed by a session.
func (s *scene) doBy(m *assumption, at time.Time, d *deed) done {
	by := m.usage()
	h := m.hand(by, s.r)
	d.by, d.ip, d.agent, d.console = h, h.ip, h.agent, by == byConsole
	region := m.role.account.region
	if d.source == "iam" || d.source == "sts" {
		region = "us-east-1"
	}
	return s.do(d, m.role.account.id, region, at)
}

// iamUser is a user of IAM with keys of its own, or the root user.
type iamUser struct {
	account, name string
	id, key       string
	console       bool // signs in by password
}

func (s *scene) iamUser(a *account, name string) *iamUser {
	return &iamUser{account: a.id, name: name, id: "AIDA" + token(s.r, base32Upper, 17), key: "AKIA" + token(s.r, base32Upper, 16)}
}

func (u *iamUser) root() bool { return u.name == "root" }

// who is how AWS facts name the user.
func (u *iamUser) encodeIdentity(e *enc) {
	e.open("userIdentity")
	if u.root() {
		e.str("type", "Root")
		e.str("principalId", u.account)
		e.str("arn", "arn:aws:iam::"+u.account+":root")
		e.str("accountId", u.account)
		e.str("accessKeyId", "")
	} else {
		e.str("type", "IAMUser")
		e.str("principalId", u.id)
		e.str("arn", "arn:aws:iam::"+u.account+":user/"+u.name)
		e.str("accountId", u.account)
		if !u.console {
			e.str("accessKeyId", u.key)
		}
		e.str("userName", u.name)
	}
	e.close()
}

// foreigner is a principal of another account, as the account that is called
// sees it.
type foreigner struct{ account, principal string }

func (f *foreigner) encodeIdentity(e *enc) {
	e.open("userIdentity")
	e.str("type", "AWSAccount")
	e.str("principalId", f.principal)
	e.str("accountId", f.account)
	e.close()
}

// webUser is whom a web identity provider vouches for.
type webUser struct{ provider, name string }

func (w *webUser) encodeIdentity(e *enc) {
	e.open("userIdentity")
	e.str("type", "WebIdentityUser")
	e.str("principalId", w.provider+":sts.amazonaws.com:"+w.name)
	e.str("userName", w.name)
	e.str("identityProvider", w.provider)
	e.close()
}

// automation is a role of machines, which nobody entered by way of Okta.
func (s *scene) automation(a *account, name string, at time.Time) *assumption {
	x := *a.service
	x.account = &account{id: a.id, region: a.region, provider: &provider{}}
	return &assumption{role: &x, name: name, at: at, created: at.Add(-seconds(s.r, time.Minute, 20*time.Minute)).Truncate(time.Second), seed: s.r.Uint64(),
		key: "ASIA" + token(s.r, base32Upper, 16), ip: "10.11.12.13", agent: "aws-sdk-go-v2/1.39.2 ua/2.1 os/linux lang/go#1.25.1 md/GOOS#linux md/GOARCH#arm64", saml: "none"}
}
