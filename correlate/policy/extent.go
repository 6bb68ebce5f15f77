package policy

import (
	"time"

	"jitaudit/schemas"
)

// TrustsGrantor reports whether memberships may be given by an actor: by the
// trusted grantors; where the policy lists none, by everything but a User.
func (p *Policy) TrustsGrantor(a schemas.Actor) bool { return a.Type != "User" }

// LooksLikeAWS reports whether a group's name is one that stands for access to
// AWS, mapped or not.
func (p *Policy) LooksLikeAWS(group string) bool { return false }

// Watched reports whether entries into an account, and into a role of it, that
// do not come through SAML are findings. Role may be empty: the account as such.
func (p *Policy) Watched(account, role string) bool { return false }

// SameNetwork reports whether two addresses are within one of the networks that
// the policy takes for one place.
func (p *Policy) SameNetwork(a, b string) bool { return false }

// AppTargets are the roles that an assignment to an Okta application opens.
func (p *Policy) AppTargets(id string) []Target { return nil }

// AssignmentTargets are the roles that an account assignment opens: the
// permission set that the policy names for the ARN.
func (p *Policy) AssignmentTargets(account, permissionSet string) []Target { return nil }

// Suppressed is the suppression in force at now that fits a finding; nil for none.
func (p *Policy) Suppressed(f *schemas.Finding, s Scope) *schemas.Suppression { return nil }

// Burst is how many refusals, within Bounds.BurstWindow of each other, are one
// too many.
func (p *Policy) Burst() int { return 5 }

// JustifyWithin is how long after the use of a break-glass role its
// justification may come; 0: none is asked for.
func (b *BreakGlass) JustifyWithin() time.Duration { return 0 }
