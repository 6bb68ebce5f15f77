package schemas

import "time"

// ApprovalRecord is one record of an approvals feed: what a tool that Okta does
// not log decided about a request for access. Whoever runs the tool writes it as
// one JSON object, in UTC. Records with one Request are steps of one request.
type ApprovalRecord struct {
	// ID is the decision's own; a record that comes again with it is a copy.
	// Without it only the same bytes are.
	ID string `json:"id,omitempty"`
	// Request is the tool's id of the request, a ticket for instance; it becomes
	// the fact's Request.ID.
	Request string `json:"request"`
	// Org is the name of the Okta org that Grantee is of. It is needed only where
	// one login is used in several.
	Org string `json:"org,omitempty"`
	// Grantee is whom the access is for, by Okta login or email.
	Grantee string `json:"grantee"`
	// Requester asked, Approvers decided: logins or emails. Without approvers it is
	// unknown who approved.
	Requester string   `json:"requester,omitempty"`
	Approvers []string `json:"approvers,omitempty"`
	// Decision is what happened to the request: approved, denied …
	Decision RequestStep `json:"decision"`
	// DecidedAt is when, by the tool's clock; it becomes the fact's At.
	DecidedAt time.Time        `json:"decided_at"`
	Resource  ApprovalResource `json:"resource"`
	// From and Until bound the access that was approved; zero where the tool sets
	// no bound.
	From          time.Time `json:"from,omitzero"`
	Until         time.Time `json:"until,omitzero"`
	Justification string    `json:"justification,omitempty"`
	Subject       string    `json:"subject,omitempty"`
}

// ApprovalResource is what was asked for, in one of four ways: an Okta group by
// name or by id, an Okta application by id, or a role in an account.
type ApprovalResource struct {
	Group   string `json:"group,omitempty"`    // name of the Okta group
	GroupID string `json:"group_id,omitempty"` // "00g…"
	App     string `json:"app,omitempty"`      // AppInstance id, "0oa…"
	// Account is 12 digits; Role the role's name without path or, for Identity
	// Center, the name of the permission set. They belong together.
	Account string `json:"account,omitempty"`
	Role    string `json:"role,omitempty"`
}
