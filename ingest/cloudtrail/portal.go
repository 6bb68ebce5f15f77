package cloudtrail

import (
	"strings"

	"jitaudit/ingest/jsonscan"
	"jitaudit/schemas"
)

// isPortalEvent knows the events of the IAM Identity Center access portal (IAM
// Identity Center user guide, CloudTrail use cases).
func isPortalEvent(source, name string) bool {
	switch source {
	case "signin.amazonaws.com":
		return name == "UserAuthentication" || name == "CredentialChallenge" || name == "ExternalIdPDirectoryLogin"
	case "sso.amazonaws.com":
		return name == "Authenticate" || name == "Federate" || name == "CreateToken" || name == "GetRoleCredentials"
	}
	return false
}

// portalUsed reads an event of the portal. Since 2025-07-14 the user is named by
// onBehalfOf.userId; before that by userName and principalId (AWS Security Blog).
// An event that names nobody proves nothing.
func (d *Decoder) portalUsed(f *schemas.Fact) bool {
	name, id := d.first(fPortalUser, fUserName), d.portalUser()
	if name == "" && id == "" {
		return false
	}
	f.Who = schemas.Identity{NameID: name, PortalUserID: id}
	d.portal = schemas.Portal{
		Event:    d.string(fEventName),
		Account:  d.string(fPortalAccount),
		Role:     d.string(fPortalRole),
		UserName: name,
		Failed:   d.portalFailed(),
	}
	f.Portal = &d.portal
	return true
}

// portalUser is the Identity Center user id. Old sign-in events have the account
// in principalId, which names nobody.
func (d *Decoder) portalUser() string {
	if id := d.string(fOnBehalfOf); id != "" {
		return id
	}
	id := d.string(fPrincipalID)
	if id == d.string(fIdentityAccount) || len(id) == 12 && strings.Trim(id, "0123456789") == "" {
		return ""
	}
	return id
}

// portalFailed: these events tell their outcome under their own name in
// serviceEventDetails, or by an error code.
func (d *Decoder) portalFailed() bool {
	if code := d.errorCode(); len(code) > 0 && string(code) != "200" {
		return true
	}
	for _, slot := range [...]int{fPortalSignIn, fPortalChallenge, fPortalDirectory} {
		if d.v.Kind(slot) == jsonscan.String && strings.EqualFold(string(d.v.Bytes(slot)), "Failure") {
			return true
		}
	}
	return false
}
