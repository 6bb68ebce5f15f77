package cloudtrail

import (
	"strings"

	"jitaudit/schemas"
)

// madeCredential reads the making of a credential that outlives the session. One
// that was refused is a call like any other.
func (d *Decoder) madeCredential(raw []byte, f *schemas.Fact) bool {
	return d.succeeded() && d.deed(raw, f, schemas.CredentialCreated)
}

// changedTrust reads a change of what federation rests on. What IAM Identity
// Center does to its own providers by its service-linked role is none.
func (d *Decoder) changedTrust(raw []byte, f *schemas.Fact) bool {
	issuer := splitARN(d.string(fIssuerARN)).resource
	return !strings.HasPrefix(issuer, "role/aws-service-role/sso.amazonaws.com/") && d.deed(raw, f, schemas.TrustChanged)
}

// deed reads a change that matters whoever made it, or tried to.
func (d *Decoder) deed(raw []byte, f *schemas.Fact, kind schemas.FactKind) bool {
	if !d.maker(f) {
		return false
	}
	d.readDetails(raw)
	f.Kind = kind
	f.Deed = &schemas.Deed{Action: d.string(fEventName), Account: d.account(), Actor: d.actor(f), Failed: !d.succeeded()}
	if kind == schemas.CredentialCreated {
		if f.Deed.Object = d.said(dUserName, dKeyUser); f.Deed.Object == "" {
			f.Deed.Object = f.Deed.Actor.Name // IAM takes the caller where the request names nobody
		}
		return true
	}
	f.Deed.Object, f.Deed.ObjectID = d.object()
	return true
}

// object is what was changed: its name and, where the event gives one, its ARN.
func (d *Decoder) object() (name, id string) {
	id = d.said(dProviderARN, dMadeProviderARN, dOpenIDProviderARN, dMadeOpenIDProviderARN)
	name = d.said(dName, dTrailName, dRoleName, dURL, dDataStore, dDirectory, dIdentityStore, dInstance)
	if id == "" && strings.HasPrefix(name, "arn:") {
		name, id = "", name // trails and data stores go by either
	}
	if name == "" {
		_, name, _ = strings.Cut(splitARN(id).resource, "/")
	}
	return name, id
}
