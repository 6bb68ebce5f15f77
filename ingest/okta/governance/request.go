package governance

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"jitaudit/ingest/timestamp"
	"jitaudit/schemas"
)

// Record is a request for access as it stands in the log.
type Record struct {
	Org string `json:"org"`
	// At is the server's time of the answer.
	At time.Time `json:"at"`
	// Request is the request, byte for byte as Okta's API gave it.
	Request json.RawMessage `json:"request"`
}

// encode keeps the request's bytes, which encoding/json would compact.
func (r Record) encode() ([]byte, error) {
	request := r.Request
	r.Request = json.RawMessage("0")
	raw, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode a request for access: %w", err)
	}
	return append(append(raw[:len(raw)-len("0}")], request...), '}'), nil
}

// request is what is read of the full representation of a request (Okta Identity
// Governance API, requests v2: Retrieve a request). No real one is public, and
// Okta's own examples differ from its schema in places; both are read, and what is
// missing or of another type is left out.
type request struct {
	ID           string
	Created      string
	CreatedBy    string
	LastUpdated  string
	Status       string
	Resolved     string
	RequestedBy  principal
	RequestedFor principal
	Requested    struct {
		ResourceID, ResourceType, AccessScopeID, AccessScopeType string
	}
	AccessDuration       string
	RevocationScheduled  string
	RequesterFieldValues []struct{ Label, Value string }
	RequestApproval      struct {
		Decided   string
		Decisions []decision
	}
	Links struct {
		RequestCondition, ApprovalCondition struct{ Href string }
	} `json:"_links"`
}

type principal struct{ ExternalID, Type string }

type decision struct {
	DeciderID, DeciderName string // by the schema
	UserID, UserName       string // by the examples
	Decision, Decided      string
}

// DecodeRequest turns a Record as JSON into the step that the request had come to.
// An error is the reason of a dead letter.
func DecodeRequest(raw []byte) (schemas.Fact, error) {
	var r Record
	if err := json.Unmarshal(raw, &r); err != nil {
		return schemas.Fact{}, fmt.Errorf("not a request of Okta's governance API: %w; ask for it again", err)
	}
	if r.Org == "" || r.At.IsZero() {
		return schemas.Fact{}, errors.New("a request for access without an org or a time; ask for it again")
	}
	var q request
	var other *json.UnmarshalTypeError // of one field; the rest is read all the same
	if err := json.Unmarshal(r.Request, &q); err != nil && (!errors.As(err, &other) || other.Field == "") {
		return schemas.Fact{}, fmt.Errorf("the request for access is none as Okta writes it: %w; ask for it again", err)
	}
	who := q.RequestedFor.user()
	if who == "" {
		who = q.RequestedBy.user()
	}
	if q.ID == "" || who == "" {
		return schemas.Fact{}, errors.New("a request for access without an id, or that names no user; look it up in Okta")
	}
	step, at := q.step()
	// The same answer at another time is the same fact.
	bytes := []byte(r.Request)
	if at.IsZero() {
		bytes, at = raw, r.At
	}
	sum := sha256.Sum256(bytes)
	return schemas.Fact{
		ID: "sha256:" + hex.EncodeToString(sum[:]), Kind: schemas.Requested, Source: schemas.Okta,
		Shard: schemas.OktaShard(r.Org), At: at.UTC(), Hash: fmt.Sprintf("%016x", xxhash.Sum64(bytes)),
		Who:     schemas.Identity{Org: r.Org, OktaUserID: who},
		Request: q.fact(step),
	}, nil
}

// user is the id of an Okta user; empty for an app.
func (p principal) user() string {
	if p.Type != "" && p.Type != "OKTA_USER" {
		return ""
	}
	return p.ExternalID
}

func (q *request) fact(step schemas.RequestStep) *schemas.Request {
	out := &schemas.Request{
		ID: q.ID, Step: step, Origin: schemas.OriginGovernanceAPI, Until: moment(q.RevocationScheduled),
		Seconds: seconds(q.AccessDuration), Condition: q.condition(), Justification: q.justification(),
	}
	if q.RequestedBy.ExternalID != "" {
		out.Requester = schemas.Actor{ID: q.RequestedBy.ExternalID}
	} else {
		out.Requester = schemas.Actor{ID: q.CreatedBy}
	}
	switch {
	case strings.EqualFold(q.Requested.AccessScopeType, "GROUP"):
		out.GroupID = q.Requested.AccessScopeID
	case strings.EqualFold(q.Requested.ResourceType, "GROUP"):
		out.GroupID = q.Requested.ResourceID
	}
	if t := q.Requested.ResourceType; strings.EqualFold(t, "APPLICATION") || strings.EqualFold(t, "APP") {
		out.AppID = q.Requested.ResourceID
	}
	for _, d := range q.RequestApproval.Decisions {
		if d.approves() != (step == schemas.StepDenied) {
			out.Approvers = append(out.Approvers, d.decider())
		}
	}
	return out
}

// step is what the request has come to, and when; zero where Okta does not say.
func (q *request) step() (schemas.RequestStep, time.Time) {
	switch strings.ToUpper(q.Status) {
	case "SUBMITTED":
		return schemas.StepCreated, first(q.Created)
	case "APPROVED":
		return schemas.StepApproved, first(append([]string{q.RequestApproval.Decided, q.decided(true)}, q.Resolved, q.LastUpdated)...)
	case "DENIED", "REJECTED":
		return schemas.StepDenied, first(append([]string{q.RequestApproval.Decided, q.decided(false)}, q.Resolved, q.LastUpdated)...)
	case "CANCELED", "CANCELLED":
		return schemas.StepCancelled, first(q.Resolved, q.LastUpdated)
	case "EXPIRED":
		return schemas.StepExpired, first(q.Resolved, q.LastUpdated)
	}
	return schemas.StepUpdated, first(q.LastUpdated, q.Created)
}

// open reports whether nothing has been decided yet.
func (q *request) open() bool {
	step, _ := q.step()
	return step == schemas.StepCreated || step == schemas.StepUpdated
}

// decided is when the last decision of one kind was made.
func (q *request) decided(approves bool) (last string) {
	for _, d := range q.RequestApproval.Decisions {
		if d.approves() == approves && moment(d.Decided).After(moment(last)) {
			last = d.Decided
		}
	}
	return last
}

// approves: the schema has APPROVE, DENY and CANCEL, the examples APPROVED, DENIED.
func (d decision) approves() bool { return strings.HasPrefix(strings.ToUpper(d.Decision), "APPROVE") }

// decider is who decided, be it as somebody's delegate.
func (d decision) decider() schemas.Actor {
	a := schemas.Actor{ID: d.DeciderID, Type: "User", Name: d.DeciderName}
	if a.ID == "" {
		a.ID, a.Name = d.UserID, d.UserName
	}
	return a
}

// condition is the id of the condition that matched, to which there is a link.
func (q *request) condition() string {
	href := q.Links.RequestCondition.Href
	if href == "" {
		href = q.Links.ApprovalCondition.Href
	}
	href, _, _ = strings.Cut(href, "?")
	return href[strings.LastIndexByte(href, '/')+1:]
}

// justification is what was filled in where the form asks for one.
func (q *request) justification() string {
	for _, f := range q.RequesterFieldValues {
		if l := strings.ToLower(f.Label); strings.Contains(l, "justification") || strings.Contains(l, "reason") {
			return f.Value
		}
	}
	return ""
}

func first(times ...string) time.Time {
	for _, s := range times {
		if t := moment(s); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// moment is zero for what is no time.
func moment(s string) time.Time {
	t, _ := timestamp.Parse([]byte(strings.TrimSpace(s)))
	return t
}

// seconds reads the durations that Okta supports: one unit, in days, hours or
// minutes, such as P40D (Okta API, accessDuration). 0 for any other.
func seconds(iso string) int64 {
	m := regexp.MustCompile(`^P(?:(\d{1,6})D|T(\d{1,6})H|T(\d{1,8})M)$`).FindStringSubmatch(iso)
	for i, unit := range []int64{24 * 60 * 60, 60 * 60, 60} {
		if m == nil {
			break
		}
		if n, err := strconv.ParseInt(m[i+1], 10, 64); err == nil {
			return n * unit
		}
	}
	return 0
}

// requestOf is the id of the request that an event of the System Log is about, and
// whether it ends it; empty for any other event.
func requestOf(raw []byte) (id string, ends bool) {
	if !bytes.Contains(raw, []byte(`access.request.`)) {
		return "", false
	}
	var e struct {
		EventType    string
		Target       []struct{ ID, Type string }
		DebugContext struct {
			DebugData struct {
				ID    string `json:"access_request_id"`
				Camel string `json:"accessRequestId"`
			}
		}
	}
	if err := json.Unmarshal(raw, &e); err != nil {
		return "", false // whoever decodes the event makes a dead letter of it
	}
	switch strings.TrimPrefix(e.EventType, "access.request.") {
	case "create", "update":
	case "resolve", "reject", "cancel", "expire":
		ends = true
	default:
		return "", false
	}
	debug := e.DebugContext.DebugData
	if id = debug.ID; id == "" {
		id = debug.Camel
	}
	for _, t := range e.Target {
		if id == "" && t.Type == "ACCESS_REQUEST" {
			id = t.ID
		}
	}
	if id == "" || len(id) > 64 || strings.ContainsFunc(id, foreign) {
		return "", false
	}
	return id, ends
}

// foreign reports whether a character can be in no id: the id becomes part of a
// path.
func foreign(r rune) bool {
	return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}
