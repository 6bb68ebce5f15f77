package cloudtrail

import (
	"strings"

	"jitaudit/schemas"
)

// entered sets the entry of f.
func (d *Decoder) entered(f *schemas.Fact, way schemas.EntryWay) *schemas.Entry {
	e := &schemas.Entry{
		Way: way, Action: d.string(fEventName), Account: d.account(),
		AccessKeyID: d.string(fIssuedKey), IP: d.string(fSourceIP), UserAgent: d.string(fUserAgent),
	}
	f.Kind, f.Entry = schemas.Entered, e
	return e
}

// enteredRole reads the making of credentials of a role for a user of IAM.
func (d *Decoder) enteredRole(f *schemas.Fact, user string, way schemas.EntryWay) bool {
	if user == "" {
		return false
	}
	f.Who.IAMUser = user
	d.assumes(d.entered(f, way))
	return true
}

// enteredFromOutside is enteredRole for a user of another account, whose name is
// not known here: its id stands for it. The root user's id is the account's.
func (d *Decoder) enteredFromOutside(f *schemas.Fact, principal string) bool {
	account := d.string(fIdentityAccount)
	switch {
	case account == "":
	case principal == account:
		return d.enteredRole(f, account+"/root", schemas.ByRoot)
	case strings.HasPrefix(principal, "AIDA"):
		return d.enteredRole(f, account+"/"+principal, schemas.ByIAMUser)
	}
	return false
}

// assumes sets the role of an entry and what was issued.
func (d *Decoder) assumes(e *schemas.Entry) {
	e.RoleARN, e.PrincipalID = d.string(fRoleARN), d.string(fAssumedID)
	e.Account, e.Role = d.further(e.RoleARN)
}

// enteredByWebIdentity reads AssumeRoleWithWebIdentity.
func (d *Decoder) enteredByWebIdentity(f *schemas.Fact) bool {
	if !d.succeeded() {
		return false
	}
	e := d.entered(f, schemas.ByWebIdentity)
	d.assumes(e)
	e.Provider = d.string(fIdentityProvider)
	f.Who.SessionName, f.Who.NameID = d.sessionName(e.PrincipalID, splitARN(d.string(fAssumedARN))), d.string(fUserName)
	return true
}

// gotOwnKeys reads GetSessionToken and GetFederationToken, by which users of IAM
// turn their keys into temporary ones.
func (d *Decoder) gotOwnKeys(f *schemas.Fact) bool {
	user, way := d.iamUser()
	if user == "" || d.byService() || !d.succeeded() {
		return false
	}
	f.Who.IAMUser = user
	d.entered(f, way)
	return true
}

// signedIn reads the sign-in of a user of IAM to the console; that of a role
// session is one of its calls. The response tells how it ended (CloudTrail user
// guide, console sign-in events).
func (d *Decoder) signedIn(raw []byte, f *schemas.Fact) bool {
	user, way := d.iamUser()
	if user == "" || !d.succeeded() {
		return false
	}
	if d.readDetails(raw); d.said(dConsoleLogin) != "Success" {
		return false
	}
	f.Who.IAMUser = user
	d.entered(f, way)
	return true
}
