// Package policy reads a policy and answers what it allows: which SAML provider
// stands for which Okta org, which group opens which role, at which hours, for
// how long, and which roles are for emergencies. It is pure: a policy is a
// value of the bytes it was read from (and of the time zone database), and no
// answer depends on what was asked before. The format is explained, key by key,
// in examples/policy.yaml.
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// Policy is what is allowed from one instant on. It is never changed once
// parsed, and is safe for concurrent use.
type Policy struct {
	// Name is the file it was read from, as given to Parse.
	Name string
	// EffectiveFrom is when it comes into force, UTC; zero means always.
	EffectiveFrom time.Time
	// Hash is the SHA-256 of the file's bytes, 64 hex digits.
	Hash   string
	Bounds Bounds

	accounts   accounts
	providers  []provider
	groups     []group
	intervals  []interval
	hours      []hours
	limits     []limit
	breakGlass []breakGlass
	severity   map[string]schemas.Severity
	people     []PersonAliases
	named      map[string][]int // places in people
	orgs       []string

	grantors       []grantor
	patterns       []string // of awsGroups, as written
	awsGroups      []*regexp.Regexp
	watched        []scope
	networks       []network
	permissionSets map[string]string // name by ARN
	setOrder       []string
	assigned       time.Duration // approved length of an account assignment; 0: none
	suppressions   []suppression
	overrides      []severityOverride
	burst          int
	stripTags      bool
	domains        []string

	byARN   memo[string, *Provider]
	byGroup memo[groupKey, []Target]
	byRole  memo[roleKey, *entries]
}

// Parse reads a policy strictly: whatever it does not know is an error. Name is
// the file's name for messages. All errors are reported, joined, in the order
// of the file; each is an *Error and one line ("policy.yaml:12: unknown key
// \"provders\", did you mean \"providers\"?").
func Parse(name string, data []byte) (*Policy, error) {
	d := &decoder{file: name}
	root := d.root(data)
	if root == nil {
		return nil, joined(name, d.errs)
	}
	o := d.object(root, "", "effective_from", "accounts", "providers", "groups", "aws_groups", "permission_sets", "assignments",
		"trusted_grantors", "watched", "networks", "time_intervals", "holidays", "approved_hours", "max_session", "break_glass",
		"people", "identity", "suppressions", "severity", "severity_overrides", "refusals", "bounds")
	sum := sha256.Sum256(data)
	p := &Policy{Name: name, Hash: hex.EncodeToString(sum[:])}
	p.EffectiveFrom = d.instant(o, "effective_from")
	d.bounds(o, &p.Bounds)
	p.accounts = d.accounts(o)
	p.providers = d.providers(o)
	p.groups = d.groups(o, &p.accounts, p.Bounds.GrantDuration)
	p.awsGroups, p.patterns = d.awsGroups(o), d.patterns
	p.permissionSets, p.setOrder = d.permissionSets(o)
	assignments := d.object(o.values["assignments"], "assignments", "duration")
	p.assigned = d.duration(assignments, "duration", 0, approvedLength())
	p.Bounds.reachGrants(p.groups)
	if len(p.permissionSets) > 0 {
		p.Bounds.reach(p.assigned)
	}
	p.grantors = d.grantors(o)
	p.watched = d.watched(o, &p.accounts)
	p.networks = d.networks(o)
	p.intervals = d.intervals(o)
	p.intervals = append(p.intervals, d.holidays(o, p.intervals)...)
	p.hours = d.hours(o, &p.accounts, p.intervals)
	p.limits = d.limits(o, &p.accounts)
	p.breakGlass = d.breakGlass(o, &p.accounts)
	p.suppressions = d.suppressions(o, &p.accounts)
	p.severity = d.severity(o)
	p.overrides = d.overrides(o, &p.accounts)
	p.burst = d.refusals(o)
	p.people = d.people(o)
	p.named = byName(p.people)
	d.identity(o, p)
	for _, pr := range p.providers {
		p.orgs = append(p.orgs, pr.OktaOrg)
	}
	slices.Sort(p.orgs)
	p.orgs = slices.Compact(p.orgs)
	if len(d.errs) > 0 {
		return nil, joined(name, d.errs)
	}
	return p, nil
}

// ID is the part of the hash that records carry: its first 16 hex digits.
func (p *Policy) ID() string { return p.Hash[:16] }

// AccountName is the name that the policy gives to a 12-digit account id, the
// first one where it gives several; "" where it gives none.
func (p *Policy) AccountName(id string) string { return p.accounts.names[id] }

// Orgs are the Okta orgs of the providers, distinct and sorted. The slice is
// shared: do not change it.
func (p *Policy) Orgs() []string { return p.orgs }

// Rules are the names of the rules that a policy may speak of, in the order of
// docs/correlation.md.
func Rules() []string {
	return []string{
		"no_grant", "outside_grant", "outside_hours", "no_sign_on", "assertion_mismatch", "no_mfa",
		"long_session", "outlived_grant", "break_glass", "unattributed", "source_gap",
		"late_revocation", "lingering_membership",
		"manual_grant", "self_granted", "self_approved", "standing_access", "unused_grant", "unmapped_group",
		"source_mismatch", "name_mismatch", "chained_role", "credential_created",
		"static_credential", "web_identity", "unknown_provider", "failed_assumptions",
		"trust_changed", "log_tampered", "orphan_activity",
	}
}

func (d *decoder) instant(o object, key string) time.Time {
	s := d.string(o.values[key], o.key(key))
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d.errorf(o.at(key), "%s: %s is no time: write it as 2026-01-31T00:00:00Z", o.key(key), quote(s))
		return time.Time{}
	}
	if t = t.UTC(); t.Year() < 1970 || t.Year() > 9999 {
		d.errorf(o.at(key), "%s: %s is out of range: years 1970 to 9999; leave it out for always", o.key(key), quote(s))
	}
	return t
}

// fold makes handles comparable.
func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }
