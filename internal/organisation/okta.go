package organisation

import (
	"time"
)

// actor is an Okta actor or target.
type actor struct {
	id, typ, alternate, display string
	detail                      string // detailEntry, as JSON; empty for null
	change                      string // changeDetails, as JSON; empty for none
}

func (p *person) user() actor {
	return actor{id: p.oktaID, typ: "User", alternate: p.login, display: p.display}
}

func (p *person) appUserOf(app string) actor {
	return actor{id: "0ua" + p.appUser[:11] + app[len(app)-6:], typ: "AppUser", alternate: p.nameID, display: p.display}
}

func (gr *group) target() actor {
	return actor{id: gr.id, typ: "UserGroup", alternate: "unknown", display: gr.name}
}

// oktaBody is one Okta LogEvent.
type oktaBody struct {
	typ, legacy, display string
	severity             string // default INFO
	actor                actor
	// client is whose device it came from; nil for machines without one.
	client *person
	ip     string // instead of the client's own
	agent  string // instead of the client's browser
	ext    string // externalSessionId
	root   string // rootSessionId
	auth   string // authenticationProvider
	cred   string // credentialType
	result string // default SUCCESS
	reason string
	target []actor
	debug  []string // keys and values in turn
	job    bool
	token  string // transaction.detail.requestApiTokenId
	bare   bool   // a machine event whose client is null
	txn    string
}

func (b *oktaBody) encode(e *enc, ev *Event) {
	encodeActor(e, "actor", b.actor)
	e.open("authenticationContext")
	e.opt("authenticationProvider", b.auth)
	e.int("authenticationStep", 0)
	if b.cred != "" {
		e.str("credentialProvider", "OKTA_CREDENTIAL_PROVIDER")
	} else {
		e.null("credentialProvider")
	}
	e.opt("credentialType", b.cred)
	e.opt("externalSessionId", b.ext)
	e.null("interface")
	e.null("issuer")
	if b.root != "" {
		e.str("rootSessionId", b.root)
	}
	e.close()
	b.encodeClient(e)
	b.encodeDebug(e)
	e.null("device")
	e.str("displayMessage", b.display)
	e.str("eventType", b.typ)
	e.opt("legacyEventType", b.legacy)
	e.open("outcome")
	e.opt("reason", b.reason)
	e.str("result", or(b.result, "SUCCESS"))
	e.close()
	e.time("published", ev.At, oktaTime)
	b.encodeRequest(e)
	e.str("severity", or(b.severity, "INFO"))
	if b.target == nil {
		e.null("target")
	} else {
		e.openArray("target")
		for _, t := range b.target {
			encodeActor(e, "", t)
		}
		e.closeArray()
	}
	b.encodeTransaction(e)
	e.id("uuid", ev.id)
	e.str("version", "0")
}

func or(v, d string) string {
	if v == "" {
		return d
	}
	return v
}

func encodeActor(e *enc, key string, a actor) {
	if key == "" {
		e.element()
	} else {
		e.open(key)
	}
	e.str("alternateId", a.alternate)
	if a.change != "" {
		e.raw("changeDetails", a.change)
	}
	e.raw("detailEntry", or(a.detail, "null"))
	e.str("displayName", a.display)
	e.str("id", a.id)
	e.str("type", a.typ)
	e.close()
}

func encodePlace(e *enc, p *place) {
	e.open("geographicalContext")
	e.str("city", p.city)
	e.str("country", p.country)
	e.open("geolocation")
	e.raw("lat", p.lat)
	e.raw("lon", p.lon)
	e.close()
	e.null("postalCode")
	e.str("state", p.state)
	e.close()
}

func (b *oktaBody) address() string {
	if b.ip == "" && b.client != nil {
		return b.client.ip
	}
	return or(b.ip, "192.0.2.250")
}

func (b *oktaBody) encodeClient(e *enc) {
	if b.bare {
		e.raw("client", `{"device":null,"geographicalContext":null,"id":null,"ipAddress":null,"userAgent":null,"zone":null}`)
		return
	}
	e.open("client")
	if b.client == nil {
		e.str("device", "Unknown")
		e.null("geographicalContext")
		e.null("id")
		e.str("ipAddress", b.address())
		e.open("userAgent")
		e.str("browser", "UNKNOWN")
		e.str("os", "Unknown")
		e.str("rawUserAgent", or(b.agent, "okta-workflows/1.0"))
	} else {
		e.str("device", "Computer")
		encodePlace(e, &b.client.place)
		e.null("id")
		e.str("ipAddress", b.address())
		e.open("userAgent")
		e.str("browser", "CHROME")
		e.str("os", b.client.os)
		e.str("rawUserAgent", or(b.agent, b.client.browser))
	}
	e.close()
	e.str("zone", "null")
	e.close()
}

func (b *oktaBody) encodeDebug(e *enc) {
	e.open("debugContext")
	e.open("debugData")
	for i := 0; i+1 < len(b.debug); i += 2 {
		e.str(b.debug[i], b.debug[i+1])
	}
	if b.txn != "" && !b.job {
		e.str("requestId", b.txn)
	}
	e.close()
	e.close()
}

func (b *oktaBody) encodeRequest(e *enc) {
	if b.bare || b.client == nil {
		e.raw("request", `{"ipChain":[]}`)
		e.raw("securityContext", `{"asNumber":null,"asOrg":null,"domain":null,"isProxy":null,"isp":null}`)
		return
	}
	e.open("request")
	e.openArray("ipChain")
	e.element()
	encodePlace(e, &b.client.place)
	e.str("ip", b.address())
	e.null("source")
	e.str("version", "V4")
	e.close()
	e.closeArray()
	e.close()
	e.raw("securityContext", `{"asNumber":64496,"asOrg":"example net","domain":"example.net","isProxy":false,"isp":"example net"}`)
}

func (b *oktaBody) encodeTransaction(e *enc) {
	e.open("transaction")
	e.open("detail")
	if b.token != "" {
		e.str("requestApiTokenId", b.token)
	}
	e.close()
	e.str("id", or(b.txn, "unknown"))
	if b.job {
		e.str("type", "JOB")
	} else {
		e.str("type", "WEB")
	}
	e.close()
}

// okta logs an event in the org and returns its id.
func (s *scene) okta(at time.Time, b *oktaBody) string {
	if b.txn == "" {
		b.txn = token(s.r, base62, 27)
	}
	ev := Event{At: at.Truncate(time.Millisecond), Shard: s.g.oktaShard, id: newUUID(s.r), body: b}
	// Persistence follows publication, a few seconds or rarely minutes later.
	delay := between(s.r, 50*time.Millisecond, 4*time.Second)
	if chance(s.r, 3) {
		delay = between(s.r, 20*time.Second, 4*time.Minute)
	}
	ev.Seen = ev.At.Add(delay)
	s.g.okta = append(s.g.okta, ev)
	return ev.ID()
}
