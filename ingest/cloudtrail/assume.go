package cloudtrail

import (
	"crypto/sha1"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/timestamp"
	"jitaudit/schemas"
)

// defaultDuration is how long the credentials live when the caller does not ask
// for a time (STS API reference, AssumeRoleWithSAML).
const defaultDuration = time.Hour

// succeeded tells whether the call was carried out. CloudTrail writes an error
// code on failure only, but "200" also stands in successful events.
func (d *Decoder) succeeded() bool {
	if code := d.errorCode(); len(code) > 0 {
		return string(code) == "200"
	}
	// A message without a code is a refusal unless credentials were issued.
	return len(d.bytes(fErrorMessage)) == 0 || !d.absent(fIssuedKey)
}

// assumed reads an AssumeRoleWithSAML call. A refused one may lack any part, so
// account, role and session name are sought where they may also stand.
func (d *Decoder) assumed(f *schemas.Fact) {
	a := &d.assume
	*a = schemas.Assume{
		RoleARN:     d.string(fRoleARN),
		Federation:  schemas.Direct,
		ProviderARN: d.string(fProviderARN),
		Issuer:      d.string(fIssuer),
		PrincipalID: d.string(fAssumedID),
		AccessKeyID: d.string(fIssuedKey),
		IP:          d.string(fSourceIP),
		UserAgent:   d.string(fUserAgent),
		Region:      d.string(fRegion),
	}
	a.Browser = strings.HasPrefix(a.UserAgent, "AWS Signin")
	assumed := splitARN(d.string(fAssumedARN))
	role := splitARN(a.RoleARN)
	a.Account = role.account
	if a.Account == "" {
		a.Account = d.string(fRecipient)
	}
	if a.Account == "" {
		a.Account = assumed.account
	}
	d.role(a, role, assumed)
	d.qualifier(a)

	f.Who = schemas.Identity{
		NameID:         d.first(fUserName, fSubject),
		SessionName:    d.sessionName(a.PrincipalID, assumed),
		AssertionID:    d.string(fAssertionID),
		SourceIdentity: d.first(fSourceIdentity, fResponseSourceIdentity),
		PortalUserID:   d.string(fOnBehalfOf),
	}
	if f.Kind == schemas.Assumed {
		a.Expires = d.expires(f.At)
	} else {
		a.ErrorCode = strings.TrimSuffix(d.text.Get(d.errorCode()), "Exception")
		a.ErrorMessage = d.string(fErrorMessage)
	}
	f.Assume = a
}

func (d *Decoder) sessionName(principal string, assumed arn) string {
	if name := d.string(fSessionName); name != "" {
		return name
	}
	if _, name, _ := strings.Cut(principal, ":"); name != "" {
		return name
	}
	_, name := assumed.roleAndSession()
	return name
}

// role sets the role's name and the way of federation. IAM Identity Center makes
// its roles under the path aws-reserved/sso.amazonaws.com and its providers as
// AWSSSO_…_DO_NOT_DELETE (IAM Identity Center user guide).
func (d *Decoder) role(a *schemas.Assume, role, assumed arn) {
	a.Role = lastElement(role.resource)
	if a.Role == "" {
		a.Role, _ = assumed.roleAndSession()
	}
	provider := lastElement(splitARN(a.ProviderARN).resource)
	set, reserved := permissionSet(a.Role)
	switch {
	case strings.HasPrefix(role.resource, "role/aws-reserved/sso.amazonaws.com/"),
		strings.HasPrefix(provider, "AWSSSO_") && strings.HasSuffix(provider, "_DO_NOT_DELETE"),
		// An assumed role's ARN has no path, so only the name is left to tell.
		a.RoleARN == "" && a.ProviderARN == "" && reserved:
		a.Federation, a.Role = schemas.IdentityCenter, set
	}
}

// permissionSet takes the name of the permission set, which may hold
// underscores, out of AWSReservedSSO_NAME_HEX. Any other name is left as it is.
func permissionSet(role string) (string, bool) {
	name, ok := strings.CutPrefix(role, "AWSReservedSSO_")
	if !ok {
		return role, false
	}
	n := strings.LastIndexByte(name, '_')
	if n <= 0 || n == len(name)-1 || strings.Trim(name[n+1:], "0123456789abcdef") != "" {
		return role, false
	}
	return name[:n], true
}

// qualifier recomputes the name qualifier of the assertion (STS API reference,
// AssumeRoleWithSAML: NameQualifier).
func (d *Decoder) qualifier(a *schemas.Assume) {
	logged := d.first(fQualifier, fIdentityProvider)
	provider := splitARN(a.ProviderARN)
	_, name, _ := strings.Cut(provider.resource, "saml-provider/")
	if logged == "" || a.Issuer == "" || provider.account == "" || name == "" {
		return
	}
	sum := sha1.Sum([]byte(a.Issuer + provider.account + "/" + name))
	matches := base64.StdEncoding.EncodeToString(sum[:]) == logged
	a.QualifierMatches = &matches
}

// expires is when the credentials end. Where the event does not say, or says it
// in a form that is not known, it is derived from the duration asked for.
func (d *Decoder) expires(at time.Time) time.Time {
	switch d.v.Kind(fExpiration) {
	case jsonscan.String:
		if t, ok := timestamp.ParseExpiration(d.v.Text(fExpiration)); ok {
			return t
		}
		if t, ok := timestamp.ParseEpoch(d.v.Text(fExpiration)); ok {
			return t
		}
	case jsonscan.Number:
		if t, ok := timestamp.ParseEpoch(string(d.v.Raw(fExpiration))); ok {
			return t
		}
	}
	return at.Add(d.duration())
}

func (d *Decoder) duration() time.Duration {
	text := string(d.v.Raw(fDuration))
	if d.v.Kind(fDuration) == jsonscan.String {
		text = d.v.Text(fDuration)
	}
	// STS allows 15 minutes to 12 hours; anything far from that is no duration.
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds > 0 && seconds <= 7*24*3600) {
		return defaultDuration
	}
	return time.Duration(seconds * float64(time.Second))
}

// arn is what is needed of an Amazon Resource Name,
// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.
type arn struct{ account, resource string }

func splitARN(s string) arn {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return arn{}
	}
	return arn{account: parts[4], resource: parts[5]}
}

// roleAndSession reads the resource assumed-role/ROLE/SESSION.
func (a arn) roleAndSession() (role, session string) {
	rest, ok := strings.CutPrefix(a.resource, "assumed-role/")
	if !ok {
		return "", ""
	}
	role, session, _ = strings.Cut(rest, "/")
	return role, session
}

func lastElement(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }
