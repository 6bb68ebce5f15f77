package partition

import (
	"slices"

	"jitaudit/schemas"
)

// Records are compared field by field: writing them down to compare what is
// written takes most of the time of a tick, and nearly all have not changed. A
// test sees to it that no field is left out.

func sameGrant(a, b *schemas.Grant) bool {
	return a.ID == b.ID && a.Person == b.Person && a.Account == b.Account && a.Role == b.Role && a.Source == b.Source &&
		a.GroupID == b.GroupID && a.Group == b.Group && a.Opened.Equal(b.Opened) && a.Removed.Equal(b.Removed) &&
		a.ApprovedUntil.Equal(b.ApprovedUntil) && a.FirstObserved.Equal(b.FirstObserved) &&
		slices.EqualFunc(a.Requests, b.Requests, sameRequest) && sameAt(a.GrantedBy, b.GrantedBy) && sameAt(a.RemovedBy, b.RemovedBy) &&
		a.Policy == b.Policy && slices.Equal(a.Evidence, b.Evidence)
}

func sameRequest(a, b schemas.RequestRef) bool {
	return a.ID == b.ID && a.Origin == b.Origin && a.Requester == b.Requester && slices.Equal(a.Approvers, b.Approvers) &&
		a.At.Equal(b.At) && a.DecidedAt.Equal(b.DecidedAt) && a.From.Equal(b.From) && a.Until.Equal(b.Until) &&
		a.Subject == b.Subject && a.Justification == b.Justification && slices.Equal(a.Evidence, b.Evidence)
}

// sameAt reports whether two pointers point at equal things, or at nothing.
func sameAt[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

func sameAssumption(a, b *schemas.Assumption) bool {
	return a.ID == b.ID && a.EventID == b.EventID && a.Person == b.Person && a.At.Equal(b.At) && a.Expires.Equal(b.Expires) &&
		a.Account == b.Account && a.Role == b.Role && a.RoleARN == b.RoleARN && a.SessionName == b.SessionName &&
		a.Federation == b.Federation && a.ProviderARN == b.ProviderARN && a.AssertionID == b.AssertionID && a.IP == b.IP &&
		a.UserAgent == b.UserAgent && a.Session == b.Session && a.SignOn == b.SignOn && a.JoinedBy == b.JoinedBy &&
		slices.Equal(a.Grants, b.Grants) && a.FirstUse.Equal(b.FirstUse) && a.LastUse.Equal(b.LastUse) && a.Policy == b.Policy
}

func sameSession(a, b *schemas.Session) bool {
	return a.ID == b.ID && a.Person == b.Person && a.Account == b.Account && a.Role == b.Role && a.SessionName == b.SessionName &&
		a.Federation == b.Federation && a.Start.Equal(b.Start) && a.End.Equal(b.End) && a.EndedBy == b.EndedBy && a.LastUse.Equal(b.LastUse) &&
		slices.Equal(a.Assumptions, b.Assumptions) && a.Grant == b.Grant && slices.Equal(a.Grants, b.Grants) &&
		sameSignOn(a.SignOn, b.SignOn) && a.MFA == b.MFA && sameFactor(a.Factor, b.Factor) && slices.Equal(a.Origins, b.Origins) &&
		slices.Equal(a.Services, b.Services) && slices.EqualFunc(a.Chained, b.Chained, sameChained) &&
		slices.EqualFunc(a.Requests, b.Requests, sameRequest) && a.Verdict == b.Verdict &&
		slices.EqualFunc(a.Unjudged, b.Unjudged, sameUnjudged) && a.Policy == b.Policy && slices.Equal(a.Evidence, b.Evidence)
}

func sameSignOn(a, b *schemas.SignOnRef) bool {
	return a == b || a != nil && b != nil && a.EventID == b.EventID && a.At.Equal(b.At) && a.JoinedBy == b.JoinedBy && a.IP == b.IP
}

func sameFactor(a, b *schemas.FactorRef) bool {
	return a == b || a != nil && b != nil && a.EventID == b.EventID && a.At.Equal(b.At) && a.Name == b.Name
}

func sameChained(a, b schemas.ChainedRole) bool {
	return a.EventID == b.EventID && a.At.Equal(b.At) && a.From == b.From && a.Account == b.Account && a.Role == b.Role &&
		a.RoleARN == b.RoleARN && a.PrincipalID == b.PrincipalID && a.Expires.Equal(b.Expires) && a.FirstUse.Equal(b.FirstUse) &&
		a.LastUse.Equal(b.LastUse) && slices.Equal(a.Services, b.Services) && a.SharedID == b.SharedID
}

func sameUnjudged(a, b schemas.Unjudged) bool {
	return a.Rule == b.Rule && a.Reason == b.Reason && a.Shard == b.Shard && a.From.Equal(b.From) && a.To.Equal(b.To)
}

func sameFinding(a, b *schemas.Finding) bool {
	return a.ID == b.ID && a.Rule == b.Rule && a.Severity == b.Severity && a.Status == b.Status && a.Person == b.Person &&
		a.Anchor == b.Anchor && a.At.Equal(b.At) && a.Account == b.Account && a.Role == b.Role && a.Session == b.Session &&
		a.Grant == b.Grant && a.Why == b.Why && slices.Equal(a.Evidence, b.Evidence) && sameSuppression(a.Suppressed, b.Suppressed) &&
		a.Policy == b.Policy
}

func sameSuppression(a, b *schemas.Suppression) bool {
	return a == b || a != nil && b != nil && a.Reason == b.Reason && a.Owner == b.Owner && a.Until.Equal(b.Until)
}

func sameUseRecord(a, b *schemas.Use) bool {
	return a.ID == b.ID && a.Key == b.Key && a.Person == b.Person && a.Assumption == b.Assumption && a.Session == b.Session &&
		a.Chained == b.Chained && a.PrincipalID == b.PrincipalID && a.AccessKeyID == b.AccessKeyID && a.CreatedAt.Equal(b.CreatedAt) &&
		a.First.Equal(b.First) && a.Last.Equal(b.Last) && a.FirstID == b.FirstID && a.LastID == b.LastID && slices.Equal(a.Services, b.Services)
}
