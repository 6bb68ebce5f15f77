package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"jitaudit/ingest"
	"jitaudit/internal/backtest"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
)

// answers is what APIs say that neither log does: that somebody approved a request
// of their own, and whose the id is that an account was assigned to by hand.
type answers struct{ request, login string }

const (
	ownerless  = "a0b1c2d3-4455-7066-8899-aabbccddeeff" // an Identity Center user
	byHandID   = "b7c9d1e0-1111-4222-8333-444455556666" // the event of the assignment
	assignment = "CreateAccountAssignment"
)

// answered puts such answers into a log, and the assignment.
func answered(t *testing.T, log ingest.Log, h *organisation.History) (a answers) {
	t.Helper()
	request, user, login := requested(t, h)
	event, account, region := assigned(t, h)
	to := h.Truth.Complete.To
	event["eventID"], event["eventTime"] = byHandID, to.Add(-2*time.Hour).Format(time.RFC3339)
	event["userIdentity"] = map[string]any{"type": "IAMUser", "userName": "admin", "principalId": "AIDAEXAMPLE0000000001", "accountId": account}
	event["requestParameters"].(map[string]any)["principalId"] = ownerless
	raw, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	org, store := schemas.OktaShard(reference.Org), schemas.AWSShard(account, region)
	add := func(shard string, m ingest.Message) {
		t.Helper()
		m.Time = to
		if err := log.Append(t.Context(), shard, []ingest.Message{m}); err != nil {
			t.Fatal(err)
		}
	}
	add(store, ingest.Message{Source: schemas.CloudTrail, Kind: schemas.RawEvent, ID: byHandID, Raw: raw})
	add(store, ingest.Message{Source: schemas.CloudTrail, Kind: schemas.RawUser, Raw: fmt.Appendf(nil,
		`{"store":"d-1234567890","account":%q,"region":%q,"at":%q,"user":{"UserId":%q,"UserName":%q}}`, account, region, to.Format(time.RFC3339), ownerless, login)})
	add(org, ingest.Message{Source: schemas.Okta, Kind: schemas.RawRequest, Raw: fmt.Appendf(nil,
		"{\"org\":%q,\"at\":%q,\"request\":{\n \"id\":%q, \"status\":\"APPROVED\", \"requestedFor\":{\"externalId\":%q},\n \"requestApproval\":{\"decided\":%q,\"decisions\":[{\"deciderId\":%q,\"decision\":\"APPROVE\"}]}\n}}",
		reference.Org, to.Format(time.RFC3339), request.id, user, request.at.Format(time.RFC3339Nano), user)})
	return answers{request.id, login}
}

// requested is the last request for access that somebody makes in the log of Okta, for
// themselves.
func requested(t *testing.T, h *organisation.History) (request struct {
	id string
	at time.Time
}, user, login string) {
	t.Helper()
	for i := range h.Okta {
		raw := h.Okta[i].AppendJSON(nil)
		if !bytes.Contains(raw, []byte(`"access.request.create"`)) {
			continue
		}
		var e struct {
			Published    time.Time
			Actor        struct{ ID, AlternateID string }
			DebugContext struct {
				DebugData struct {
					ID  string `json:"access_request_id"`
					For string `json:"requested_for_id"`
				}
			}
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		if d := e.DebugContext.DebugData; d.For == e.Actor.ID {
			request.id, request.at, user, login = d.ID, e.Published, e.Actor.ID, e.Actor.AlternateID
		}
	}
	if user == "" {
		t.Fatal("nobody asks for access")
	}
	return request, user, login
}

// assigned is an event by which an account was assigned, with where it is.
func assigned(t *testing.T, h *organisation.History) (event map[string]any, account, region string) {
	t.Helper()
	for i := range h.CloudTrail {
		raw := h.CloudTrail[i].AppendJSON(nil)
		if !bytes.Contains(raw, []byte(`"`+assignment+`"`)) {
			continue
		}
		if err := json.Unmarshal(raw, &event); err != nil {
			t.Fatal(err)
		}
		return event, event["recipientAccountId"].(string), event["awsRegion"].(string)
	}
	t.Fatal("no account is assigned")
	return nil, "", ""
}

// backtestsAnswers holds a backtest against what the pipeline found by them.
func (a *audited) backtestsAnswers(t *testing.T) {
	if n := a.sql("SELECT count() FROM DB.findings WHERE rule = 'self_approved' AND position(why, '%s') > 0", a.answers.request); n != "1" {
		t.Errorf("%s findings say that request %s was approved by who made it", n, a.answers.request)
	}
	if who := a.sql("SELECT person_name FROM DB.findings WHERE rule = 'manual_grant' AND anchor = '%s'", byHandID); who != a.answers.login {
		t.Errorf("the account was assigned to %q, want %s", who, a.answers.login)
	}
	a.write("answers.yaml", string(a.history.Policy)+"\nseverity: {self_approved: info, manual_grant: info}\n")
	since := a.history.Truth.Complete.From.Format(time.DateOnly)
	var r backtest.Report
	if err := json.Unmarshal([]byte(a.does(exitFine, "backtest", "--policy", filepath.Join(a.dir, "answers.yaml"), "--since", since, "--format", "json")), &r); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, d := range r.Differences {
		found[d.Finding().ID] = d.Old.Why
	}
	want := map[string]string{}
	for _, rule := range []string{"self_approved", "manual_grant"} {
		for _, f := range a.lines("SELECT id, why FROM DB.findings WHERE rule = '%s'", rule) {
			want[f[0]] = f[1]
		}
	}
	for id, why := range want {
		if found[id] != why {
			t.Errorf("%s: the backtest has %q, the pipeline %q", id, found[id], why)
		}
	}
	if len(found) != len(want) || r.Unread > 0 {
		t.Errorf("%d findings, the pipeline has %d; %d records are unread", len(found), len(want), r.Unread)
	}
}
