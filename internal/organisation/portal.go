package organisation

import (
	"math/rand/v2"
	"time"
)

// identityCenterUsers is when AWS changed how it names the users of IAM
// Identity Center in CloudTrail (AWS Security Blog).
func identityCenterUsers() time.Time { return time.Date(2025, 7, 14, 0, 0, 0, 0, time.UTC) }

// portalEvent is an event of the access portal, recorded in the account and
// region of Identity Center.
type portalEvent struct {
	p            *person
	accountID    string
	source, name string
	kind         string // eventType
	extra        string // additionalEventData, as JSON
	details      string // serviceEventDetails, as JSON
	store        string
	seed         uint64
}

func (b *portalEvent) encode(e *enc, ev *Event) {
	r := rand.New(rand.NewPCG(b.seed, 4))
	e.str("eventVersion", "1.11")
	e.open("userIdentity")
	if ev.At.Before(identityCenterUsers()) {
		e.str("type", "Unknown")
		e.str("principalId", b.p.portalID)
		e.str("accountId", b.accountID)
		e.str("userName", b.p.session)
	} else {
		e.str("type", "IdentityCenterUser")
		e.str("accountId", b.accountID)
		e.open("onBehalfOf")
		e.str("userId", b.p.portalID)
		e.str("identityStoreArn", "arn:aws:identitystore::"+b.accountID+":identitystore/"+b.store)
		e.close()
		e.str("credentialId", newUUID(r).String())
	}
	e.close()
	encodeHead(e, ev, b.source, b.name, "eu-central-1", b.p.ip, b.p.browser)
	e.null("requestParameters")
	e.null("responseElements")
	if b.extra != "" {
		e.raw("additionalEventData", b.extra)
	}
	e.id("requestID", newUUID(r))
	e.id("eventID", ev.id)
	e.bool("readOnly", false)
	encodeTail(e, b.accountID, b.kind, "")
	if b.details != "" {
		e.raw("serviceEventDetails", b.details)
	}
}

func (s *scene) portal(p *person, at time.Time, source, name, kind, extra, details string) {
	s.trail(s.g.management, "eu-central-1", at, &portalEvent{p: p, accountID: s.g.management, source: source, name: name, kind: kind, extra: extra, details: details, store: s.g.store, seed: s.r.Uint64()})
}

// enterPortal logs what AWS sees of a sign-on to the access portal.
func (s *scene) enterPortal(p *person, at time.Time) {
	flow := newUUID(s.r).String()
	s.portal(p, at.Add(time.Second), "signin.amazonaws.com", "UserAuthentication", "AwsServiceEvent",
		`{"AuthWorkflowID":"`+flow+`","CredentialType":"EXTERNAL_IDP","LoginTo":"https://example.awsapps.com/start","UserName":"`+p.session+`"}`, `{"UserAuthentication":"Success"}`)
	s.portal(p, at.Add(time.Second), "signin.amazonaws.com", "ExternalIdPDirectoryLogin", "AwsServiceEvent", `{"AuthWorkflowID":"`+flow+`"}`, `{"ExternalIdPDirectoryLogin":"Success"}`)
	s.portal(p, at.Add(time.Second), "sso.amazonaws.com", "Authenticate", "AwsServiceEvent", "", "")
}

// federate logs the portal's side of an assumption, in the same second or the
// one before.
func (s *scene) federate(p *person, x *role, at time.Time, console bool) {
	details := `{"account_id":"` + x.account.id + `","role_name":"` + x.name + `"}`
	if console {
		s.portal(p, at.Add(-time.Duration(s.r.IntN(2))*time.Second), "sso.amazonaws.com", "Federate", "AwsServiceEvent", "", details)
		return
	}
	if chance(s.r, 50) {
		s.portal(p, at.Add(-seconds(s.r, 2*time.Second, 20*time.Second)), "sso.amazonaws.com", "CreateToken", "AwsApiCall", "", "")
	}
	s.portal(p, at.Add(-time.Duration(s.r.IntN(2))*time.Second), "sso.amazonaws.com", "GetRoleCredentials", "AwsServiceEvent", "", details)
}
