package schemas

import "time"

// Person is who a record is about.
type Person struct {
	// Key is "okta:ORG/USERID" for a person known to Okta, else "aws:NAME",
	// the folded name under which AWS knows them.
	Key string `json:"key"`
	// Name is the login or, where there is none, the name AWS knows.
	Name string `json:"name"`
	// Org is the Okta org; empty when no Okta user was found.
	Org string `json:"org,omitempty"`
}

// Attributed reports whether the person is a known Okta user.
func (p Person) Attributed() bool { return p.Org != "" }

// Meta is what every result carries beside its content. In results of a scan
// Version is 0 and Observed the zero time.
type Meta struct {
	// Version grows with each change; it is the offset of the tick that
	// published the record.
	Version int64 `json:"version,omitempty"`
	// Observed is when the record was published.
	Observed time.Time `json:"observed,omitzero"`
	// Deleted marks the last version of a record that no longer exists;
	// SupersededBy names the one that took its place, if any.
	Deleted      bool   `json:"deleted,omitempty"`
	SupersededBy string `json:"superseded_by,omitempty"`
}

// Cause says why a version of a result was published, where it was not that events
// came: the header CauseHeader of its message.
type Cause string

// The causes.
const (
	ByPolicy  Cause = "policy"  // another policy judges, or judges otherwise
	ByProgram Cause = "program" // another version of the program does
)

// CauseHeader is the name of the header.
const CauseHeader = "cause"

// GrantSource is what a grant is known by.
type GrantSource string

// The sources of grants.
const (
	ByMembership GrantSource = "membership" // Okta logged a group membership
	BySnapshot   GrantSource = "snapshot"   // Okta listed the member; the log does not show the addition
	ByApp        GrantSource = "app"        // an assignment to an Okta application
	ByAssignment GrantSource = "assignment" // an account assignment in IAM Identity Center
	ByRequest    GrantSource = "request"    // an approved request names the role itself
)

// RequestRef is a request behind a grant.
type RequestRef struct {
	ID     string        `json:"id"`
	Origin RequestOrigin `json:"origin"`
	// Requester and Approvers are logins or, where those are not said, ids.
	// Without approvers it is unknown who approved.
	Requester string   `json:"requester,omitempty"`
	Approvers []string `json:"approvers,omitempty"`
	// At is when it was made, as far as seen; DecidedAt when it was approved.
	At            time.Time `json:"at,omitzero"`
	DecidedAt     time.Time `json:"decided_at,omitzero"`
	From          time.Time `json:"from,omitzero"`
	Until         time.Time `json:"until,omitzero"`
	Subject       string    `json:"subject,omitempty"`
	Justification string    `json:"justification,omitempty"`
	Evidence      []string  `json:"evidence"`
}

// Grant is the interval in which a person may assume a role in an account.
type Grant struct {
	ID      string `json:"id"`
	Person  Person `json:"person"`
	Account string `json:"account"`
	Role    string `json:"role"`
	// Source is what the grant is known by.
	Source GrantSource `json:"source"`
	// GroupID and Group are the Okta group, or by its source the application or
	// permission set; empty for a request that names the role itself.
	GroupID string `json:"group_id,omitempty"`
	Group   string `json:"group,omitempty"`
	// Opened is when the membership was added; zero where only its end was seen.
	Opened time.Time `json:"opened,omitzero"`
	// Removed is when the membership was taken away; zero while it lasts.
	Removed time.Time `json:"removed,omitzero"`
	// ApprovedUntil is the approved end; zero where Opened is not known or the
	// policy sets no duration.
	ApprovedUntil time.Time `json:"approved_until,omitzero"`
	// FirstObserved is the first time that Okta listed the member, where that is
	// known.
	FirstObserved time.Time `json:"first_observed,omitzero"`
	// Requests are those that the grant follows, the earliest first. Where there
	// are none, or none names an approver, the approver is unknown.
	Requests []RequestRef `json:"requests,omitempty"`
	// GrantedBy and RemovedBy did it.
	GrantedBy *Actor `json:"granted_by,omitempty"`
	RemovedBy *Actor `json:"removed_by,omitempty"`
	// Policy is the id of the policy that mapped the group: the first 16 hex
	// digits of its SHA-256, as in all results.
	Policy   string   `json:"policy"`
	Evidence []string `json:"evidence"`
	Meta
}

// JoinKey says how an assumption was tied to an Okta sign-on.
type JoinKey string

// The join keys, strongest first.
const (
	JoinAssertion JoinKey = "assertion_id" // jti = sAMLAssertionID
	JoinSubject   JoinKey = "subject"      // SAML NameID
	JoinEmail     JoinKey = "email"        // login or alias = role session name
	JoinPortal    JoinKey = "portal"       // Identity Center portal session
)

// Assumption is one successful AssumeRoleWithSAML, judged.
type Assumption struct {
	ID          string     `json:"id"`
	EventID     string     `json:"event_id"`
	Person      Person     `json:"person"`
	At          time.Time  `json:"at"`
	Expires     time.Time  `json:"expires,omitzero"`
	Account     string     `json:"account"`
	Role        string     `json:"role"`
	RoleARN     string     `json:"role_arn"`
	SessionName string     `json:"session_name"`
	Federation  Federation `json:"federation"`
	ProviderARN string     `json:"provider_arn,omitempty"`
	AssertionID string     `json:"assertion_id,omitempty"`
	IP          string     `json:"ip,omitempty"`
	UserAgent   string     `json:"user_agent,omitempty"`
	// Session is the id of the session that the assumption belongs to.
	Session string `json:"session"`
	// SignOn is the event id of the sign-on that explains it, JoinedBy the key.
	SignOn   string  `json:"sign_on,omitempty"`
	JoinedBy JoinKey `json:"joined_by,omitempty"`
	// Grants are the ids of all grants that cover it, the latest opened first.
	Grants []string `json:"grants,omitempty"`
	// FirstUse and LastUse bound the calls that were made with it.
	FirstUse time.Time `json:"first_use,omitzero"`
	LastUse  time.Time `json:"last_use,omitzero"`
	Policy   string    `json:"policy"`
	Meta
}

// MFA is the answer to "with a second factor?".
type MFA string

// The answers. MFAUnknown means that no sign-on is known, or that the Okta
// session cannot be told.
const (
	MFAYes     MFA = "yes"
	MFANo      MFA = "no"
	MFAUnknown MFA = "unknown"
)

// Verdict sums up a session.
type Verdict string

// The verdicts.
const (
	VerdictAllowed Verdict = "allowed" // every rule was judged, none broken
	VerdictFinding Verdict = "finding" // at least one rule is broken
	VerdictUnknown Verdict = "unknown" // nothing broken, but not every rule could be judged
)

// SignOnRef is the sign-on behind a session.
type SignOnRef struct {
	EventID  string    `json:"event_id"`
	At       time.Time `json:"at"`
	JoinedBy JoinKey   `json:"joined_by"`
	IP       string    `json:"ip,omitempty"`
}

// FactorRef is the second factor behind a session.
type FactorRef struct {
	EventID string    `json:"event_id"`
	At      time.Time `json:"at"`
	Name    string    `json:"name"`
}

// Origin is by what means a session was used.
type Origin string

// The origins, as far as the events tell.
const (
	FromConsole Origin = "console"
	FromCLI     Origin = "cli"
	FromSDK     Origin = "sdk"
)

// EndReason says why a session ended when it did.
type EndReason string

// The reasons.
const (
	EndedByExpiry     EndReason = "expiry"
	EndedByLastUse    EndReason = "last_use" // past the logged expiry: the credentials were renewed
	EndedByRevocation EndReason = "revocation"
)

// ChainedRole is a further role that a session assumed.
type ChainedRole struct {
	EventID string    `json:"event_id"`
	At      time.Time `json:"at"`
	// From is the event id of the chained role that assumed it; empty when the
	// session itself did.
	From        string    `json:"from,omitempty"`
	Account     string    `json:"account"`
	Role        string    `json:"role"`
	RoleARN     string    `json:"role_arn"`
	PrincipalID string    `json:"principal_id,omitempty"`
	Expires     time.Time `json:"expires,omitzero"`
	// FirstUse and LastUse bound the calls that were made with it; Services are
	// those that were called, sorted.
	FirstUse time.Time `json:"first_use,omitzero"`
	LastUse  time.Time `json:"last_use,omitzero"`
	Services []string  `json:"services,omitempty"`
	// SharedID ties the two accounts' records of one call together.
	SharedID string `json:"shared_id,omitempty"`
}

// Session is a JIT session: overlapping assumptions of one person in one
// account, role and role session name.
type Session struct {
	ID          string     `json:"id"`
	Person      Person     `json:"person"`
	Account     string     `json:"account"`
	Role        string     `json:"role"`
	SessionName string     `json:"session_name"`
	Federation  Federation `json:"federation"`
	Start       time.Time  `json:"start"`
	// End is the earliest of expiry (or last use, where that is later) and
	// revocation; EndedBy says which it was.
	End     time.Time `json:"end"`
	EndedBy EndReason `json:"ended_by"`
	// LastUse is the last call seen; zero where none was.
	LastUse time.Time `json:"last_use,omitzero"`
	// Assumptions are ids, earliest first.
	Assumptions []string `json:"assumptions"`
	// Grant is the primary grant (the latest opened that covers the first
	// covered assumption); Grants all that cover any.
	Grant  string     `json:"grant,omitempty"`
	Grants []string   `json:"grants,omitempty"`
	SignOn *SignOnRef `json:"sign_on,omitempty"`
	MFA    MFA        `json:"mfa"`
	Factor *FactorRef `json:"factor,omitempty"`
	// Origins are sorted; empty where nothing tells.
	Origins []Origin `json:"origins,omitempty"`
	// Services are those that were called, sorted.
	Services []string `json:"services,omitempty"`
	// Chained are the further roles that it led to, the earliest first.
	Chained []ChainedRole `json:"chained,omitempty"`
	// Requests are those behind its grants.
	Requests []RequestRef `json:"requests,omitempty"`
	Verdict  Verdict      `json:"verdict"`
	// Unjudged lists the rules that could not be judged, and why.
	Unjudged []Unjudged `json:"unjudged,omitempty"`
	Policy   string     `json:"policy"`
	Evidence []string   `json:"evidence"`
	Meta
}

// UnjudgedReason says why a rule was not judged.
type UnjudgedReason string

// The reasons.
const (
	BeforeCoverage UnjudgedReason = "before_coverage" // before the first covered instant
	InGap          UnjudgedReason = "gap"             // inside a hole, or the shard is stalled or unknown
	Pending        UnjudgedReason = "pending"         // coverage has not got there yet
	NoProvider     UnjudgedReason = "no_provider"     // the SAML provider is not in the policy
	NoOktaSession  UnjudgedReason = "no_okta_session" // the sign-on names no Okta session
)

// Unjudged is a rule that could not be judged, with the interval of the shard
// that would be needed.
type Unjudged struct {
	Rule   string         `json:"rule"`
	Reason UnjudgedReason `json:"reason"`
	Shard  string         `json:"shard,omitempty"`
	From   time.Time      `json:"from,omitzero"`
	To     time.Time      `json:"to,omitzero"`
}

// Severity of a finding.
type Severity string

// The severities, lowest first.
const (
	Info     Severity = "info"
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Status of a finding.
type Status string

// The statuses. Retracted is written only by what publishes results: a finding
// that was once published and is no longer derived.
const (
	Open      Status = "open"
	Resolved  Status = "resolved"
	Retracted Status = "retracted"
)

// Suppression is a policy's word that findings like this one are accepted. The
// finding is recorded all the same.
type Suppression struct {
	Reason string    `json:"reason"`
	Owner  string    `json:"owner"`
	Until  time.Time `json:"until"`
}

// Finding is a broken rule.
type Finding struct {
	ID       string   `json:"id"`
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Status   Status   `json:"status"`
	Person   Person   `json:"person"`
	// Anchor is the event on which the finding hangs, At its time.
	Anchor string    `json:"anchor"`
	At     time.Time `json:"at"`
	// Account and Role are where; Session and Grant what it is about.
	Account string `json:"account,omitempty"`
	Role    string `json:"role,omitempty"`
	Session string `json:"session,omitempty"`
	Grant   string `json:"grant,omitempty"`
	// Why is one sentence.
	Why string `json:"why"`
	// Evidence are event ids, the anchor first.
	Evidence   []string     `json:"evidence"`
	Suppressed *Suppression `json:"suppressed,omitempty"`
	Policy     string       `json:"policy"`
	Meta
}

// TriageStatus is what people have decided about a finding.
type TriageStatus string

// The statuses of triage.
const (
	TriageOpen          TriageStatus = "open"
	TriageInvestigating TriageStatus = "investigating"
	TriageAccepted      TriageStatus = "accepted"
	TriageFalsePositive TriageStatus = "false_positive"
	TriageFixed         TriageStatus = "fixed"
)

// Triage is a decision of somebody about a finding. It never alters the verdict;
// the latest one counts.
type Triage struct {
	ID      string       `json:"id"`
	Finding string       `json:"finding"`
	Status  TriageStatus `json:"status"`
	Owner   string       `json:"owner,omitempty"`
	Reason  string       `json:"reason"`
	By      string       `json:"by"`
	At      time.Time    `json:"at"`
}

// PublishedPolicy is a policy that judges, or has judged.
type PublishedPolicy struct {
	// ID is the first 16 hex digits of its SHA-256, as results name it; Name that of
	// its file.
	ID   string `json:"id"`
	Name string `json:"name"`
	// EffectiveFrom is from when on it judges, until another one does; zero where it
	// judges from the beginning. Published is when it was first published.
	EffectiveFrom time.Time `json:"effective_from,omitzero"`
	Published     time.Time `json:"published"`
	// Text is the file.
	Text string `json:"text"`
}

// Use is the calls that were made with one credential in one quarter of an
// hour, and the session that they belong to. Its activity carries its Key.
type Use struct {
	ID     string `json:"id"`
	Key    string `json:"key"`
	Person Person `json:"person"`
	// Assumption made the credentials; Session holds it. Chained is the event id
	// of the chained role by which the calls were made, if they were.
	Assumption string `json:"assumption"`
	Session    string `json:"session"`
	Chained    string `json:"chained,omitempty"`
	// PrincipalID, AccessKeyID and CreatedAt are by what the calls were made, as
	// in Call; the key is left out for calls by the console and by services.
	PrincipalID string    `json:"principal_id"`
	AccessKeyID string    `json:"access_key_id,omitempty"`
	CreatedAt   time.Time `json:"created_at,omitzero"`
	First       time.Time `json:"first"`
	Last        time.Time `json:"last"`
	FirstID     string    `json:"first_id"`
	LastID      string    `json:"last_id"`
	// Services are those that were called, sorted.
	Services []string `json:"services"`
	Meta
}

// Activity is one call by an assumed role. What it says follows from its event
// alone; whose it is, the Use of the same key says.
type Activity struct {
	EventID string    `json:"event_id"`
	Use     string    `json:"use"`
	Shard   string    `json:"shard"`
	At      time.Time `json:"at"`
	Call    Call      `json:"call"`
	// Rank tells copies of one event apart: the greatest counts, see CopyRank.
	Rank uint64 `json:"rank"`
}

// Covered is how far one partition of the results takes a shard into account.
// Results know of a shard what all partitions have covered.
type Covered struct {
	// ID is "PARTITION/SHARD".
	ID        string `json:"id"`
	Partition int    `json:"partition"`
	// Partitions is how many there are.
	Partitions int        `json:"partitions"`
	Shard      string     `json:"shard"`
	Intervals  []Interval `json:"intervals"`
	Meta
}

// Interval is [From, To) in event time.
type Interval struct {
	From  time.Time     `json:"from"`
	To    time.Time     `json:"to"`
	Basis CoverageBasis `json:"basis"`
}

// ActivityCounts counts the distinct calls of one session.
type ActivityCounts struct {
	Session       string `json:"session"`
	Calls         int    `json:"calls"`
	Writes        int    `json:"writes"`
	Denied        int    `json:"denied"`
	ServiceDriven int    `json:"service_driven"`
}
