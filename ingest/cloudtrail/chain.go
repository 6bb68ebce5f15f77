package cloudtrail

import (
	"strings"

	"jitaudit/schemas"
)

// assumedRole reads AssumeRole: by a role session it is the making of credentials
// for a further role, by an IAM user or root an entry. A call that failed, or that
// an AWS service made on somebody's behalf, is a call like any other.
func (d *Decoder) assumedRole(f *schemas.Fact) bool {
	if d.byService() || !d.succeeded() {
		return false
	}
	switch string(d.bytes(fIdentityType)) {
	case "AssumedRole":
		if !d.maker(f) {
			return false
		}
	case "AWSAccount":
		// The account that owns the role knows callers of another account by their
		// unique ids alone (IAM user guide, IAM identifiers).
		principal := d.string(fPrincipalID)
		_, session, ok := strings.Cut(principal, ":")
		if !ok || !strings.HasPrefix(principal, "AROA") {
			return d.enteredFromOutside(f, principal)
		}
		d.call = schemas.Call{PrincipalID: principal}
		f.Call, f.Who.SessionName = &d.call, session
	default:
		user, way := d.iamUser()
		return d.enteredRole(f, user, way)
	}
	f.Kind = schemas.Chained
	c := &schemas.Chain{
		RoleARN:     d.string(fRoleARN),
		PrincipalID: d.string(fAssumedID),
		AccessKeyID: d.string(fIssuedKey),
		Expires:     d.expires(f.At),
		SharedID:    d.string(fSharedID),
	}
	c.Account, c.Role = d.further(c.RoleARN)
	f.Chain = c
	return c.Role != "" || c.PrincipalID != ""
}

// further are account and role of the credentials that were made.
func (d *Decoder) further(roleARN string) (account, role string) {
	if account, role = schemas.RoleOf(roleARN); role == "" {
		account, role = schemas.RoleOf(d.string(fAssumedARN))
	}
	if account == "" {
		account = d.account()
	}
	return account, role
}

// minted reads CreateOAuth2Token, by which a command line gets keys from a console
// session ("aws login"; AWS Sign-In user guide, CloudTrail). The event says in
// additionalEventData whether it went well, and as a rule not which key it gave.
func (d *Decoder) minted(raw []byte, f *schemas.Fact) bool {
	if string(d.bytes(fIdentityType)) != "AssumedRole" || d.byService() || !d.succeeded() {
		return false
	}
	d.readDetails(raw)
	if d.said(dTokenSuccess) == "false" || !d.maker(f) {
		return false
	}
	f.Kind = schemas.Minted
	f.Chain = &schemas.Chain{PrincipalID: f.Call.PrincipalID, AccessKeyID: d.said(dTokenKey)}
	return true
}
