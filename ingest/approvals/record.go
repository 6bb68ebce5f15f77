package approvals

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"jitaudit/schemas"
)

// The years that decisions can be of, as those of all events.
const (
	firstYear = 2000
	lastYear  = 2200
)

// parse reads and checks a record. The first thing that is wrong ends it.
func parse(raw []byte) (r schemas.ApprovalRecord, err error) {
	o, err := objectOf(raw, "the record", "id", "request", "org", "grantee", "requester", "approvers",
		"decision", "decided_at", "resource", "from", "until", "justification", "subject")
	if err != nil {
		return r, err
	}
	r.ID, r.Request, r.Org = o.text("id"), o.required("request", "write the id that the tool gives the request, a ticket for instance"), o.text("org")
	r.Grantee, r.Requester, r.Approvers = o.required("grantee", "write whom the access is for, by Okta login or email"), o.text("requester"), o.texts("approvers")
	r.Decision = decision(o)
	o.required("decided_at", "write when it was decided, in UTC, such as 2026-05-04T08:14:40Z")
	r.DecidedAt, r.From, r.Until = o.instant("decided_at"), o.instant("from"), o.instant("until")
	r.Justification, r.Subject = o.text("justification"), o.text("subject")
	r.Resource = resource(o)
	if o.err == nil && !r.From.IsZero() && !r.Until.IsZero() && !r.From.Before(r.Until) {
		o.fail("until is not after from (%s, %s): write when the access begins and when it ends", r.Until.Format(time.RFC3339), r.From.Format(time.RFC3339))
	}
	return r, o.err
}

// steps are what a decision may be.
func steps() []string {
	var out []string
	for _, s := range []schemas.RequestStep{
		schemas.StepCreated, schemas.StepUpdated, schemas.StepApproved, schemas.StepDenied,
		schemas.StepGranted, schemas.StepResolved, schemas.StepCancelled, schemas.StepExpired,
	} {
		out = append(out, string(s))
	}
	return out
}

func decision(o *object) schemas.RequestStep {
	known := strings.Join(steps(), ", ")
	s := o.required("decision", "write one of "+known)
	if s != "" && !slices.Contains(steps(), s) {
		o.fail("decision is %.64q: write one of %s", s, known)
	}
	return schemas.RequestStep(s)
}

// resource reads what was asked for, in exactly one of its four ways.
func resource(o *object) (r schemas.ApprovalResource) {
	const ways = "write one of group, group_id, app, or account with role"
	raw, ok := o.values["resource"]
	if !ok {
		o.fail("resource is missing: %s", ways)
		return r
	}
	in, err := objectOf(raw, "resource", "group", "group_id", "app", "account", "role")
	if err != nil {
		o.fail("%w", err)
		return r
	}
	r = schemas.ApprovalResource{
		Group: in.text("group"), GroupID: in.text("group_id"), App: in.text("app"),
		Account: in.text("account"), Role: in.text("role"),
	}
	named := 0
	for _, s := range []string{r.Group, r.GroupID, r.App, r.Account + r.Role} {
		if s != "" {
			named++
		}
	}
	switch {
	case in.err != nil:
	case named == 0:
		in.fail("resource names nothing: %s", ways)
	case named > 1:
		in.fail("resource names more than one thing: %s, and a record for each", ways)
	case (r.Account == "") != (r.Role == ""):
		in.fail("resource has only one of account and role: write both")
	case r.Account != "" && !regexp.MustCompile(`^\d{12}$`).MatchString(r.Account):
		in.fail("resource.account is %.64q: write the account's 12 digits, as a string", r.Account)
	case strings.ContainsAny(r.Role, "/:"):
		in.fail("resource.role is %.64q: write the role's name alone, without ARN and path", r.Role)
	}
	if in.err != nil {
		o.fail("%w", in.err)
	}
	return r
}

// instant reads a time in UTC; zero where there is none.
func (o *object) instant(key string) time.Time {
	s := o.text(key)
	if s == "" || o.err != nil {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	switch {
	case err != nil || !strings.HasSuffix(s, "Z"):
		o.fail("%s is %.64q: write a time in UTC, such as 2026-05-04T08:14:40Z", o.path(key), s)
	case t.Year() < firstYear || t.Year() > lastYear:
		o.fail("%s is of the year %d, which cannot be: decisions are of %d to %d", o.path(key), t.Year(), firstYear, lastYear)
	}
	return t.UTC()
}

// texts reads a list of texts.
func (o *object) texts(key string) (out []string) {
	raw, ok := o.values[key]
	if !ok {
		return nil
	}
	var list []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		o.fail("%s is %s: write a list, such as [\"bob@example.com\"]", o.path(key), kind(raw))
		return nil
	}
	for i, e := range list {
		one := object{name: o.name, values: map[string]json.RawMessage{fmt.Sprintf("%s[%d]", key, i): e}}
		for k := range one.values {
			out = append(out, one.text(k))
		}
		if one.err != nil {
			o.fail("%w", one.err)
		}
	}
	return out
}
