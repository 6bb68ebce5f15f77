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
	// Approvals is the feed of approvals by tools that Okta does not log.
	Approvals Source = "approvals"
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

	// AppAssigned and AppUnassigned: Okta application.user_membership.add and
	// .remove succeeded. Payload Group, which is then the application.
	AppAssigned   FactKind = "app_assigned"
	AppUnassigned FactKind = "app_unassigned"
	// AccountAssigned and AccountUnassigned: IAM Identity Center
	// CreateAccountAssignment and DeleteAccountAssignment for a user. Payload
	// Assignment.
	AccountAssigned   FactKind = "account_assigned"
	AccountUnassigned FactKind = "account_unassigned"
	// Requested: one step of a request for access (Okta access.request.*,
	// app.access_request.*, the governance API, the approvals feed). Payload
	// Request. It concerns whom the access is for.
	Requested FactKind = "requested"
	// ConditionSet: Okta access.request.condition.create or .update stated how
	// long access lasts. It concerns nobody in particular. Payload Condition.
	ConditionSet FactKind = "condition_set"
	// Renamed: a login, email or application user name changed (Okta
	// user.account.update_primary_email, application.user_membership.change_username).
	// Payload Rename.
	Renamed FactKind = "renamed"
	// Deactivated: the user was deactivated or deleted (Okta
	// user.lifecycle.deactivate, user.lifecycle.delete.initiated). From then on
	// their handles may be somebody else's.
	Deactivated FactKind = "deactivated"
	// UserObserved: the Identity Store listed a user. No payload: Who has the
	// Identity Center user id, the user name and the email.
	UserObserved FactKind = "user_observed"

	// The following are calls too: where an assumed role made them, Call is set
	// beside the payload, and they count as activity.

	// Chained: STS AssumeRole by an assumed role succeeded. Payloads Chain, Call.
	Chained FactKind = "chained"
	// Minted: AWS Sign-In CreateOAuth2Token gave keys to a command line from a
	// console session ("aws login"). Payloads Chain (without account and role),
	// Call.
	Minted FactKind = "minted"
	// CredentialCreated: a long-lived credential was made. Payload Deed.
	CredentialCreated FactKind = "credential_created"
	// TrustChanged: what federation rests on was changed. Payload Deed.
	TrustChanged FactKind = "trust_changed"
	// LogTampered: a log was stopped, deleted or narrowed. Payload Deed.
	LogTampered FactKind = "log_tampered"
	// Entered: an account or role was entered otherwise than by SAML: by an IAM
	// user, the root user, or AssumeRoleWithWebIdentity. Payload Entry.
	Entered FactKind = "entered"
	// SessionsRevoked: all sessions of a role from before an instant lost their
	// rights (IAM PutRolePolicy AWSRevokeOlderSessions). It concerns nobody in
	// particular. Payload Revocation.
	SessionsRevoked FactKind = "sessions_revoked"
)

// Counts reports whether the fact is a call that counts as activity. The record
// of an onward role in the account that owns it tells of a call that the caller's
// account records too: it names the caller, but not by which credentials.
func (f *Fact) Counts() bool {
	c := f.Call
	return c != nil && (f.Kind == Acted || c.AccessKeyID != "" || !c.CreatedAt.IsZero())
}

// Shared reports whether facts of the kind concern nobody in particular, but
// whoever has to do with the group, condition or role that they name.
func (k FactKind) Shared() bool {
	return k == SnapshotComplete || k == ConditionSet || k == SessionsRevoked
}

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

	Assignment *Assignment `json:"assignment,omitempty"`
	Request    *Request    `json:"request,omitempty"`
	Condition  *Condition  `json:"condition,omitempty"`
	Rename     *Rename     `json:"rename,omitempty"`
	Chain      *Chain      `json:"chain,omitempty"`
	Deed       *Deed       `json:"deed,omitempty"`
	Entry      *Entry      `json:"entry,omitempty"`
	Revocation *Revocation `json:"revocation,omitempty"`
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
	// Email is the mail address where the source gives one beside the login.
	Email string `json:"email,omitempty"`
	// IAMUser is "ACCOUNT/NAME" of an IAM user, NAME "root" for the root user.
	IAMUser string `json:"iam_user,omitempty"`
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
	// RoleARN is the role (sessionContext.sessionIssuer.arn, with its path); empty
	// where the event has no session context.
	RoleARN string `json:"role_arn,omitempty"`
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

// Assignment is a change of one user's assignment to an AWS account in IAM
// Identity Center.
type Assignment struct {
	Account string `json:"account"`
	// PermissionSet is the ARN of the permission set.
	PermissionSet string `json:"permission_set"`
	// Actor is the role session or user that made the call.
	Actor Actor `json:"actor"`
}

// RequestStep is what happened to a request for access.
type RequestStep string

// The steps of a request.
const (
	StepCreated   RequestStep = "created"
	StepUpdated   RequestStep = "updated"
	StepApproved  RequestStep = "approved"
	StepDenied    RequestStep = "denied"
	StepGranted   RequestStep = "granted"  // access was given
	StepResolved  RequestStep = "resolved" // closed; does not by itself mean approved
	StepCancelled RequestStep = "cancelled"
	StepExpired   RequestStep = "expired"
)

// RequestOrigin is where a request was seen.
type RequestOrigin string

// The origins of requests.
const (
	OriginGovernance    RequestOrigin = "okta_governance"     // System Log access.request.*
	OriginGovernanceAPI RequestOrigin = "okta_governance_api" // GET /governance/api/v2/requests/{id}
	OriginSelfService   RequestOrigin = "okta_self_service"   // System Log app.access_request.*
	OriginFeed          RequestOrigin = "feed"                // the approvals feed
)

// Request is one step of a request for access. What the source does not say is
// empty; steps with one ID add up.
type Request struct {
	ID     string        `json:"id"`
	Step   RequestStep   `json:"step"`
	Origin RequestOrigin `json:"origin"`
	// Requester asked; Approvers decided this step. Whom the access is for is the
	// fact's Who.
	Requester Actor   `json:"requester,omitzero"`
	Approvers []Actor `json:"approvers,omitempty"`
	// What is asked for, as far as the source names it: an Okta group by id or
	// name, an Okta application, or a role in an account.
	GroupID string `json:"group_id,omitempty"`
	Group   string `json:"group,omitempty"`
	AppID   string `json:"app_id,omitempty"`
	Account string `json:"account,omitempty"`
	Role    string `json:"role,omitempty"`
	// Condition is the id of the Okta condition that matched.
	Condition string `json:"condition,omitempty"`
	// From and Until bound the access; Seconds is its length where only that is
	// said.
	From    time.Time `json:"from,omitzero"`
	Until   time.Time `json:"until,omitzero"`
	Seconds int64     `json:"seconds,omitempty"`

	Subject       string `json:"subject,omitempty"`
	Justification string `json:"justification,omitempty"`
}

// Condition is what an Okta access request condition says of durations.
type Condition struct {
	ID string `json:"id"`
	// Seconds is how long access lasts; 0: without end, or as the requester asks.
	Seconds int64 `json:"seconds,omitempty"`
}

// Rename is a change of a handle. Old is empty where the event does not say.
type Rename struct {
	Old string `json:"old,omitempty"`
	New string `json:"new"`
}

// Chain is the credentials that one role session made for a further one.
type Chain struct {
	// Account, Role and RoleARN are the further role, as in Assume; empty for
	// Minted, which stays in its role.
	Account string `json:"account,omitempty"`
	Role    string `json:"role,omitempty"`
	RoleARN string `json:"role_arn,omitempty"`
	// PrincipalID is assumedRoleId, "AROA…:session name"; for Minted that of the
	// session itself. AccessKeyID is the issued key where the event names it.
	PrincipalID string    `json:"principal_id,omitempty"`
	AccessKeyID string    `json:"access_key_id,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`
	// SharedID is sharedEventID: the two accounts of a call across accounts
	// record one event each, with the same one.
	SharedID string `json:"shared_id,omitempty"`
}

// Deed is a change that matters whoever made it.
type Deed struct {
	// Action is the event's name in its source: eventName or eventType.
	Action string `json:"action"`
	// Object is what was changed, by the name that a person reads: a SAML
	// provider, role, trail, application … ObjectID is its id or ARN, where the
	// event gives one beside the name; ObjectType what Okta calls it (AppInstance,
	// PolicyEntity …).
	Object     string `json:"object,omitempty"`
	ObjectID   string `json:"object_id,omitempty"`
	ObjectType string `json:"object_type,omitempty"`
	// Account is the AWS account; empty in Okta.
	Account string `json:"account,omitempty"`
	// Actor did it.
	Actor Actor `json:"actor,omitzero"`
	// Failed is set where it was tried and refused.
	Failed bool `json:"failed,omitempty"`
}

// EntryWay is how an account was entered.
type EntryWay string

// The ways in that are not SAML.
const (
	ByIAMUser     EntryWay = "iam_user"
	ByRoot        EntryWay = "root"
	ByWebIdentity EntryWay = "web_identity"
)

// Entry is an entry into an account or role otherwise than by SAML.
type Entry struct {
	Way    EntryWay `json:"way"`
	Action string   `json:"action"` // eventName
	// Account is the account that was entered; Role and RoleARN the role, where
	// one was.
	Account string `json:"account"`
	Role    string `json:"role,omitempty"`
	RoleARN string `json:"role_arn,omitempty"`
	// Provider is the web identity provider.
	Provider string `json:"provider,omitempty"`
	// PrincipalID and AccessKeyID are what was issued, as in Assume.
	PrincipalID string `json:"principal_id,omitempty"`
	AccessKeyID string `json:"access_key_id,omitempty"`
	IP          string `json:"ip,omitempty"`
	UserAgent   string `json:"user_agent,omitempty"`
}

// Revocation says that a role's sessions from before an instant have no rights
// any more.
type Revocation struct {
	Account string    `json:"account"`
	Role    string    `json:"role"`
	Before  time.Time `json:"before"`
}

// OktaShard names the shard of an Okta org.
func OktaShard(org string) string { return "okta/" + org }

// ApprovalsShard names the shard of a feed of approvals. It has no coverage:
// nothing is inferred from an approval that is absent.
func ApprovalsShard(feed string) string { return "approvals/" + feed }

// AWSShard names the shard of one AWS account and region.
func AWSShard(account, region string) string { return "aws/" + account + "/" + region }
