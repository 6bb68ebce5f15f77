// Package schemas holds the records that cross a boundary of jitaudit: facts,
// coverage, grants, assumptions, sessions, findings, activity, the ledger and
// dead letters. It has no behaviour beyond naming and identifying them.
package schemas

import "time"

// Source is one of the two logs that jitaudit joins.
type Source string

// The sources of facts.
const (
	Okta       Source = "okta"
	CloudTrail Source = "cloudtrail"
	// Pipeline stands, in dead letters alone, for the topics that jitaudit writes
	// itself.
	Pipeline Source = "pipeline"
)

// FactKind says what a source event proves.
type FactKind string

// The kinds of fact. Exactly one payload of Fact is set for each.
const (
	// GroupAdded: Okta group.user_membership.add succeeded. Payload Group.
	GroupAdded FactKind = "group_added"
	// GroupRemoved: Okta group.user_membership.remove succeeded. Payload Group.
	GroupRemoved FactKind = "group_removed"
	// MemberObserved: Okta listed the person among a group's members. Payload
	// Member.
	MemberObserved FactKind = "member_observed"
	// SnapshotComplete: all members of a group have been observed. It concerns
	// nobody in particular. Payload Snapshot.
	SnapshotComplete FactKind = "snapshot_complete"
	// SignedOn: Okta user.authentication.sso to an application that speaks
	// SAML succeeded. Payload SignOn.
	SignedOn FactKind = "signed_on"
	// SecondFactor: Okta user.authentication.auth_via_mfa succeeded. On Okta
	// Identity Engine that event is also written for a password, so the payload
	// Factor says what was verified.
	SecondFactor FactKind = "second_factor"
	// Assumed: AWS STS AssumeRoleWithSAML succeeded. Payload Assume.
	Assumed FactKind = "assumed"
	// AssumeFailed: AssumeRoleWithSAML was refused. Payload Assume.
	AssumeFailed FactKind = "assume_failed"
	// PortalUsed: an event of the IAM Identity Center access portal (sign-in,
	// Authenticate, Federate, CreateToken, GetRoleCredentials). Payload Portal.
	PortalUsed FactKind = "portal_used"
	// Acted: an AWS call made with the credentials of an assumed role.
	// Payload Call.
	Acted FactKind = "acted"
)

// Fact is one thing that a source event proves, in the same words whichever
// log it came from. All times are UTC.
type Fact struct {
	// ID is the event's own id (Okta uuid, CloudTrail eventID); for an event
	// without one "sha256:" and the SHA-256 of its raw bytes in hex.
	ID     string   `json:"id"`
	Kind   FactKind `json:"kind"`
	Source Source   `json:"source"`
	// Shard is the stream the event belongs to: OktaShard or AWSShard.
	Shard string `json:"shard"`
	// At is the event's own time. Okta writes milliseconds; CloudTrail whole
	// seconds, at the completion of the call (CloudTrail record contents).
	At time.Time `json:"at"`
	// Hash tells copies of one event apart: the 64-bit xxHash of the raw bytes,
	// 16 hex digits. It is no security digest.
	Hash string `json:"hash"`
	// Addendum is set on a late or corrected copy that CloudTrail delivered
	// with an addendum; it wins over a copy without (CloudTrail record contents).
	Addendum bool `json:"addendum,omitempty"`
	// Who holds the handles by which the event names its person.
	Who Identity `json:"who"`

	Group    *GroupChange `json:"group,omitempty"`
	Member   *Group       `json:"member,omitempty"`
	Snapshot *Snapshot    `json:"snapshot,omitempty"`
	SignOn   *SignOn      `json:"sign_on,omitempty"`
	Factor   *Factor      `json:"factor,omitempty"`
	Assume   *Assume      `json:"assume,omitempty"`
	Portal   *Portal      `json:"portal,omitempty"`
	Call     *Call        `json:"call,omitempty"`
}

// Identity is the set of handles by which one event names one person, as the
// event wrote them (case and white space kept). An empty handle was not said.
type Identity struct {
	// Org is the name of the Okta org, for Okta facts.
	Org string `json:"org,omitempty"`
	// OktaUserID is Okta's own id of the user ("00u…").
	OktaUserID string `json:"okta_user_id,omitempty"`
	// Login is the Okta login (alternateId of the User), usually the email.
	Login string `json:"login,omitempty"`
	// NameID is the SAML subject: Okta AppUser alternateId or debugData.subject;
	// CloudTrail userIdentity.userName or responseElements.subject.
	NameID string `json:"name_id,omitempty"`
	// SessionName is the AWS role session name.
	SessionName string `json:"session_name,omitempty"`
	// AssertionID is the id of the SAML assertion: Okta debugData.jti,
	// CloudTrail requestParameters.sAMLAssertionID.
	AssertionID string `json:"assertion_id,omitempty"`
	// SourceIdentity is the STS source identity, where the provider sets it.
	SourceIdentity string `json:"source_identity,omitempty"`
	// PortalUserID is the IAM Identity Center user id (onBehalfOf.userId).
	PortalUserID string `json:"portal_user_id,omitempty"`
	// Name is the name a person reads (Okta displayName).
	Name string `json:"name,omitempty"`
}

// Actor is who did a thing in Okta: a user, or a machine (Okta Workflows, an
// API client, Okta itself), whose AlternateID is then often "unknown".
type Actor struct {
	ID          string `json:"id,omitempty"`
	Type        string `json:"type,omitempty"`
	AlternateID string `json:"alternate_id,omitempty"`
	Name        string `json:"name,omitempty"`
}

// GroupChange is a change of one person's membership in one Okta group.
type GroupChange struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Actor Actor  `json:"actor"`
}

// SignOn is an Okta sign-on to one application.
type SignOn struct {
	// AppID is the AppInstance id ("0oa…"); AppLabel is what an admin named it.
	AppID    string `json:"app_id"`
	AppLabel string `json:"app_label,omitempty"`
	// Issuer and Audience are those of the SAML assertion, where Okta logs them.
	Issuer   string `json:"issuer,omitempty"`
	Audience string `json:"audience,omitempty"`
	// SessionID and RootSessionID are Okta's externalSessionId and
	// rootSessionId; Okta's "unknown" is left empty.
	SessionID     string `json:"session_id,omitempty"`
	RootSessionID string `json:"root_session_id,omitempty"`
	IP            string `json:"ip,omitempty"`
	UserAgent     string `json:"user_agent,omitempty"`
}

// FactorClass is the kind of authenticator that was verified.
type FactorClass string

// The classes of authenticator.
const (
	FactorPassword FactorClass = "password"
	FactorQuestion FactorClass = "question"
	FactorPush     FactorClass = "push"
	FactorOTP      FactorClass = "otp"
	FactorFastPass FactorClass = "fastpass"
	FactorWebAuthn FactorClass = "webauthn"
	FactorPhone    FactorClass = "phone"
	FactorEmail    FactorClass = "email"
	FactorOther    FactorClass = "other"
)

// Factor is one verified authenticator in an Okta session.
type Factor struct {
	Class FactorClass `json:"class"`
	// Name is the authenticator as Okta names it: debugData.factor, or
	// methodTypeUsed / displayName of the AuthenticatorEnrollment.
	Name string `json:"name"`
	// UserVerified is set where Okta says that the device verified its user
	// (USER_VERIFICATION among methodUsedVerifiedProperties).
	UserVerified  bool   `json:"user_verified,omitempty"`
	SessionID     string `json:"session_id,omitempty"`
	RootSessionID string `json:"root_session_id,omitempty"`
}

// Federation is the way by which people get from Okta into AWS.
type Federation string

// The ways of federation.
const (
	Direct         Federation = "direct"          // Okta's SAML app per AWS account
	IdentityCenter Federation = "identity_center" // through the IAM Identity Center portal
)

// Assume is one AssumeRoleWithSAML call.
type Assume struct {
	// Account is the 12-digit id of the account that owns the role.
	Account string `json:"account"`
	// Role is the role's name without path; for Identity Center the name of
	// the permission set. RoleARN is the role in full, as the call named it.
	Role       string     `json:"role"`
	RoleARN    string     `json:"role_arn"`
	Federation Federation `json:"federation"`
	// ProviderARN is the SAML provider (requestParameters.principalArn).
	ProviderARN string `json:"provider_arn,omitempty"`
	Issuer      string `json:"issuer,omitempty"`
	// PrincipalID is assumedRoleId, "AROA…:session name".
	PrincipalID string `json:"principal_id,omitempty"`
	// AccessKeyID is the issued key. For Identity Center it never appears in use.
	AccessKeyID string `json:"access_key_id,omitempty"`
	// Expires is when the credentials end; zero where the event does not say.
	Expires time.Time `json:"expires,omitzero"`
	// Browser is set when AWS Sign-In made the call for somebody's browser
	// (user agent "AWS Signin"); the console then renews the credentials.
	Browser   bool   `json:"browser,omitempty"`
	IP        string `json:"ip,omitempty"` // an address, a DNS name or "AWS Internal"
	UserAgent string `json:"user_agent,omitempty"`
	Region    string `json:"region,omitempty"`
	// ErrorCode and ErrorMessage are set on a refused call; the code is without
	// its "Exception" suffix.
	ErrorCode    string `json:"error_code,omitempty"`
	ErrorMessage string `json:"error_message,omitempty"`
	// QualifierMatches says whether the logged name qualifier equals
	// base64(SHA-1(issuer + account + "/" + provider)), the rule of the STS
	// API reference; nil where a part is missing. Advisory.
	QualifierMatches *bool `json:"qualifier_matches,omitempty"`
}

// Portal is a use of the IAM Identity Center access portal.
type Portal struct {
	Event string `json:"event"` // eventName
	// Account and Role (permission set or role name) are what was asked for,
	// where the event says so.
	Account  string `json:"account,omitempty"`
	Role     string `json:"role,omitempty"`
	UserName string `json:"user_name,omitempty"`
	Failed   bool   `json:"failed,omitempty"`
}

// Call is one AWS call made with an assumed role's temporary credentials.
type Call struct {
	PrincipalID string `json:"principal_id"` // "AROA…:session name"
	AccessKeyID string `json:"access_key_id,omitempty"`
	// CreatedAt is sessionContext.attributes.creationDate, whole seconds; zero
	// where the event has no session context.
	CreatedAt time.Time `json:"created_at,omitzero"`
	// Console is set where CloudTrail marks the credential as the console's;
	// each request then carries a key of its own.
	Console bool `json:"console,omitempty"`
	// ServiceDriven is set where an AWS service made the call on the session's
	// behalf (invokedBy).
	ServiceDriven bool   `json:"service_driven,omitempty"`
	Service       string `json:"service"` // eventSource without ".amazonaws.com"
	Action        string `json:"action"`  // eventName
	Denied        bool   `json:"denied,omitempty"`
	ReadOnly      bool   `json:"read_only,omitempty"`
}

// OktaShard names the shard of an Okta org.
func OktaShard(org string) string { return "okta/" + org }

// AWSShard names the shard of one AWS account and region.
func AWSShard(account, region string) string { return "aws/" + account + "/" + region }
