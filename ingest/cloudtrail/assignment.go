package cloudtrail

import "jitaudit/schemas"

// assigned reads a change of a user's assignment to an account (IAM Identity
// Center API reference, CreateAccountAssignment and DeleteAccountAssignment). It
// concerns the user, not the caller. Those of groups, and those that were refused,
// are calls like any other.
func (d *Decoder) assigned(raw []byte, f *schemas.Fact, kind schemas.FactKind) bool {
	if !d.succeeded() {
		return false
	}
	d.readDetails(raw)
	a := &schemas.Assignment{Account: d.said(dTarget), PermissionSet: d.said(dPermissionSet)}
	user, target := d.said(dAssignee), d.said(dTargetType)
	if d.said(dPrincipalType) != "USER" || target != "" && target != "AWS_ACCOUNT" || user == "" || a.Account == "" || a.PermissionSet == "" {
		return false
	}
	d.maker(f) // whoever it was, the user has or has lost the account
	a.Actor = d.actor(f)
	f.Kind, f.Assignment, f.Who = kind, a, schemas.Identity{PortalUserID: user}
	return true
}
