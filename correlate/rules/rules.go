// Package rules holds the rules by which sessions and grants are judged, one
// file each: when it fires, what must be covered to be sure, how grave it is,
// which controls it serves. A rule says what it sees; whether its needs are
// covered is decided in one place, by package correlate.
package rules

//go:generate go test . -run TestTheGuideSaysWhatTheRulesSay -update

import (
	"slices"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// Rule is one rule. Exactly one of Assumption, Session, Grant and Life is set.
type Rule struct {
	Name     string
	Severity schemas.Severity
	// Title says in a few words what is wrong.
	Title string
	// AnyProvider rules are judged even where the SAML provider is not in the
	// policy.
	AnyProvider bool
	// NotKnowing rules say that something cannot be known, not that it is wrong.
	NotKnowing bool
	// Advisory rules point something out. They leave the verdict of a session
	// as it is.
	Advisory bool
	// Controls are those that the rule gives evidence for.
	Controls []string
	// Attack are MITRE ATT&CK technique ids.
	Attack []string
	// The rule as docs/rules.md explains it, in Markdown, one line each. Means says
	// what a finding means, Fires when there is one, Needs what must be covered,
	// Notes what it does not prove, Do what to do about it. Fires and Needs go on a
	// sentence that has begun.
	Means, Fires, Needs, Notes, Do string

	// Assumption judges each assumption of a session. The rule fires once per
	// session, on the earliest assumption that breaks it.
	Assumption func(*Assumption) *Breach
	// Session judges a session as a whole.
	Session func(*Session) *Breach
	// Grant judges one grant.
	Grant func(*Grant) *Breach
	// Life judges what a person did beside sessions and grants.
	Life func(*Life) []*Breach
}

// All returns the rules in the order in which they are judged. SourceGap comes
// last of the session's: it looks at what the others could not judge. The
// slice is shared and must not be changed.
func All() []Rule { return all }

var all = []Rule{
	noGrant(), outsideGrant(), outsideHours(), noSignOn(), assertionMismatch(), noMFA(),
	longSession(), outlivedGrant(), breakGlass(), unattributed(), unknownProvider(),
	sourceMismatch(), nameMismatch(), chainedRole(), credentialCreated(), sourceGap(),
	lateRevocation(), lingeringMembership(), manualGrant(), selfGranted(), selfApproved(), standingAccess(), unusedGrant(),
	unmappedGroup(), staticCredential(), webIdentity(), failedAssumptions(), trustChanged(), logTampered(), orphanActivity(),
}

// Names returns the names of all rules, sorted.
func Names() []string {
	var names []string
	for _, r := range all {
		names = append(names, r.Name)
	}
	slices.Sort(names)
	return names
}

// Assumption is what a rule sees of one assumption.
type Assumption struct {
	Fact     *schemas.Fact
	Person   schemas.Person
	Policy   *policy.Policy
	Provider *policy.Provider // nil: not in the policy
	Scope    policy.Scope
	// SignOn explains the assumption by the key JoinedBy; nil: none does.
	SignOn   *schemas.Fact
	JoinedBy schemas.JoinKey
	// MFA and Factor answer for the Okta session behind SignOn.
	MFA    schemas.MFA
	Factor *schemas.Fact
	// Containing are the grants that contain its time, the latest opened
	// first; Near, if there are none, those that are near it, the nearest first.
	Containing, Near []*Grant
	// Limit is the end of the chain of grants that contain it; zero: no end.
	Limit time.Time
	// Ends is when its credentials ended: at expiry, last use or revocation.
	Ends time.Time
	// LateUse is the earliest known call after Limit and inside no grant.
	LateUse *Use
	// Handles are the names of the person that are known, folded: logins, mail
	// addresses, SAML subjects, and aliases of the policy.
	Handles []string
	// Justified is the first approved request that covers its time, decided
	// before or after; nil: none is known.
	Justified *Request
}

// At is the assumption's time.
func (a *Assumption) At() time.Time { return a.Fact.At }

// Use is one known call with a session's credentials.
type Use struct {
	EventID string
	At      time.Time
}

// Grant is what a rule sees of one grant.
type Grant struct {
	Record *schemas.Grant
	Policy *policy.Policy
	// Org is the Okta org that the membership is in.
	Org string
	// Opener is nil where only the end was seen; Removal while it lasts. Renewal
	// is an addition after the approved end, without a removal before it.
	Opener, Removal, Renewal *schemas.Fact
	// Events are all of its events, by time.
	Events []*schemas.Fact
	// From is the earliest instant that the grant contains, Limit the latest
	// (zero: none).
	From, Limit time.Time
	// Requests are the approved requests behind it.
	Requests []*Request
	// Used reports whether any role that its opener opened was assumed while it
	// contained the assumption's time.
	Used bool
	// Accounts are those of all roles that its opener opened, sorted.
	Accounts []string
}

// Request is one approved request, with its steps put together.
type Request struct {
	schemas.RequestRef
	// Decision is the step that approved it.
	Decision *schemas.Fact
	// Requester and Approvers as the source names them; Requester is empty where
	// it does not.
	Requester schemas.Actor
	Approvers []schemas.Actor
	// Grantee is whom the access is for.
	Grantee schemas.Identity
}

// Life is what a rule sees of a person beside sessions and grants.
type Life struct {
	Person   schemas.Person
	Policies *policy.Set
	// Facts are all of the person's, one copy of each event, by time.
	Facts []*schemas.Fact
	// Unmapped are additions to groups whose names look like access to AWS, and
	// that open no role under the policy in force then.
	Unmapped []*schemas.Fact
	// Orphans are uses of watched roles whose credentials nothing explains.
	Orphans []Orphan
}

// Orphan is the earliest known use of a role session that nothing explains.
type Orphan struct {
	EventID       string
	At            time.Time
	PrincipalID   string
	Account, Role string
	// CreatedAt is when its credentials were made; zero where unknown.
	CreatedAt time.Time
	// Shard is where the event was recorded.
	Shard string
}

// Contains reports whether the grant contains t, both ends included.
func (g *Grant) Contains(t time.Time) bool {
	return !t.Before(g.From) && (g.Limit.IsZero() || !t.After(g.Limit))
}

// SeenFrom is how late an event can be and still be part of what is said about
// the assumption's grants.
func (a *Assumption) SeenFrom() time.Time {
	b := &a.Policy.Bounds
	return a.At().Add(b.GrantLookback + b.PropagationDelay)
}

// Evidence are the grant's events up to t. What came later has no part in what
// is said about t, and must not change it.
func (g *Grant) Evidence(t time.Time) []string {
	ids := make([]string, 0, len(g.Events))
	for _, f := range g.Events {
		if !f.At.After(t) {
			ids = append(ids, f.ID)
		}
	}
	return ids
}

// Session is what a rule sees of one session.
type Session struct {
	Record      *schemas.Session
	Person      schemas.Person
	Policy      *policy.Policy
	Scope       policy.Scope
	Assumptions []*Assumption
	// LastEvent is the event that makes the session end when it does.
	LastEvent string
	// Unjudged is what the rules before could not judge; Gapped are the events
	// of the assumptions for which a gap is to blame.
	Unjudged []schemas.Unjudged
	Gapped   []string
	// Chained are the calls by which it assumed further roles, at any depth;
	// Created those by which it made long-lived credentials. By time.
	Chained, Created []*schemas.Fact
}

// Breach is a rule's word that it is broken, if its needs are covered.
type Breach struct {
	// Anchor is the event on which the finding hangs.
	Anchor *schemas.Fact
	// Severity overrides the rule's own.
	Severity schemas.Severity
	// Resolved: was true and is over.
	Resolved bool
	Why      string
	// Evidence are further event ids.
	Evidence []string
	Grant    string
	// Needs must all be covered.
	Needs []Need
	// Cannot says that the rule cannot be judged whatever is covered.
	Cannot schemas.UnjudgedReason
	// Account and Role are where, for rules of a Life.
	Account, Role string
}

// Need is an interval of a shard, both ends included, that must be covered.
type Need struct {
	// Shard is a shard or, ending in "/*", all that are known of an account, of
	// which there must be one.
	Shard    string
	From, To time.Time
}

// aroundGrants is what must be covered to say that no other grant is near t.
func aroundGrants(a *Assumption) []Need {
	b := &a.Policy.Bounds
	return []Need{{
		Shard: schemas.OktaShard(a.Provider.OktaOrg),
		From:  a.At().Add(-b.GrantLookback),
		To:    a.At().Add(b.PropagationDelay),
	}}
}
