package cloudtrail

import (
	"strings"

	"jitaudit/ingest/jsonscan"
	"jitaudit/schemas"
)

// family is what an event may prove beside being a call, as far as its name tells.
type family uint8

const (
	plain        family = iota
	assumeRole          // STS: credentials of a role
	webIdentity         // STS: credentials of a role for whom a web identity provider vouches
	ownKeys             // STS: temporary credentials of an IAM user's own
	consoleLogin        // sign-in to the console
	oauthToken          // sign-in: keys for a command line from a console session
	credential          // IAM: a long-lived credential
	trust               // what federation rests on
	tampering           // CloudTrail: a log that is stopped or narrowed
	rolePolicy          // IAM: an inline policy of a role
	assignment          // Identity Center: an account for a user
	unassignment        // Identity Center: the end of that
)

// familyOf knows the events that prove more than that a call was made (CloudTrail
// event names; IAM, STS, CloudTrail and IAM Identity Center API references).
func familyOf(name, source []byte) family {
	switch string(name) {
	case "AssumeRole":
		return of(source, "sts", assumeRole)
	case "AssumeRoleWithWebIdentity":
		return of(source, "sts", webIdentity)
	case "GetSessionToken", "GetFederationToken":
		return of(source, "sts", ownKeys)
	case "ConsoleLogin":
		return of(source, "signin", consoleLogin)
	case "CreateOAuth2Token":
		return of(source, "signin", oauthToken)
	case "CreateAccessKey", "CreateLoginProfile", "CreateServiceSpecificCredential", "UploadSSHPublicKey", "UploadSigningCertificate":
		return of(source, "iam", credential)
	case "CreateSAMLProvider", "UpdateSAMLProvider", "DeleteSAMLProvider", "UpdateAssumeRolePolicy",
		"CreateOpenIDConnectProvider", "DeleteOpenIDConnectProvider":
		return of(source, "iam", trust)
	case "EnableExternalIdPConfigurationForDirectory", "DisableExternalIdPConfigurationForDirectory", "AssociateDirectory", "DisassociateDirectory":
		if of(source, "sso", trust) == trust {
			return trust
		}
		return of(source, "sso-directory", trust)
	case "StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors", "DeleteEventDataStore", "StopEventDataStoreIngestion":
		return of(source, "cloudtrail", tampering)
	case "PutRolePolicy":
		return of(source, "iam", rolePolicy)
	case "CreateAccountAssignment":
		return of(source, "sso", assignment)
	case "DeleteAccountAssignment":
		return of(source, "sso", unassignment)
	}
	return plain
}

// of is the family where the event comes from the service: names are unique
// within one only.
func of(source []byte, service string, f family) family {
	if name, ok := strings.CutSuffix(string(source), ".amazonaws.com"); ok && name == service {
		return f
	}
	return plain
}

// proves sets kind, payload and handles of f where the event proves more than
// that a call was made; what it leaves in f where it does not is of no use.
func (d *Decoder) proves(fam family, raw []byte, f *schemas.Fact) bool {
	switch fam {
	case assumeRole:
		return d.assumedRole(f)
	case webIdentity:
		return d.enteredByWebIdentity(f)
	case ownKeys:
		return d.gotOwnKeys(f)
	case consoleLogin:
		return d.signedIn(raw, f)
	case oauthToken:
		return d.minted(raw, f)
	case credential:
		return d.madeCredential(raw, f)
	case trust:
		return d.changedTrust(raw, f)
	case tampering:
		return d.deed(raw, f, schemas.LogTampered)
	case rolePolicy:
		return d.revoked(raw, f)
	case assignment:
		return d.assigned(raw, f, schemas.AccountAssigned)
	case unassignment:
		return d.assigned(raw, f, schemas.AccountUnassigned)
	}
	return false
}

// maker names in f by whom a call was made: by its credentials, or as a user of
// IAM. It is false for anybody else, such as AWS itself.
func (d *Decoder) maker(f *schemas.Fact) bool {
	if string(d.bytes(fIdentityType)) == "AssumedRole" {
		if len(d.bytes(fPrincipalID)) == 0 {
			return false
		}
		h := d.hand()
		d.called(f, &h)
		return true
	}
	f.Who.IAMUser, _ = d.iamUser()
	return f.Who.IAMUser != ""
}

// iamUser is the caller as "ACCOUNT/NAME"; empty for anybody else. A federated
// user has the rights of the IAM user who asked for the credentials, and is named
// in the session's issuer (STS API reference, GetFederationToken).
func (d *Decoder) iamUser() (name string, way schemas.EntryWay) {
	account := d.first(fIdentityAccount, fRecipient)
	switch way = schemas.ByIAMUser; string(d.bytes(fIdentityType)) {
	case "IAMUser":
		name = d.first(fUserName, fPrincipalID)
	case "Root":
		name, way = "root", schemas.ByRoot
	case "FederatedUser":
		issuer := splitARN(d.string(fIssuerARN)).resource
		if name = lastElement(issuer); issuer == "root" {
			way = schemas.ByRoot
		}
	}
	if account == "" || name == "" {
		return "", ""
	}
	return account + "/" + name, way
}

// actor is the caller as one who did something; maker must have named them. A role
// session goes by its name, which for people tends to be the login.
func (d *Decoder) actor(f *schemas.Fact) schemas.Actor {
	a := schemas.Actor{ID: d.string(fPrincipalID), Type: d.string(fIdentityType)}
	switch {
	case f.Call != nil:
		a.Name, a.AlternateID = f.Who.SessionName, f.Who.SessionName
	case f.Who.IAMUser != "":
		a.Name, a.AlternateID = lastElement(f.Who.IAMUser), f.Who.IAMUser
	default:
		a.Name = d.string(fUserName)
	}
	return a
}

// account is the account in which the call was made.
func (d *Decoder) account() string { return d.first(fRecipient, fIdentityAccount) }

// byService reports whether an AWS service made the call on the caller's behalf.
func (d *Decoder) byService() bool { return d.v.Kind(fInvokedBy) > jsonscan.Null }
