package organisation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// trailRecord is as much of a CloudTrail record as tells what kind it is.
type trailRecord struct {
	EventName     string
	EventSource   string
	SharedEventID string
	ErrorCode     string
	UserIdentity  struct{ Type, PrincipalID string }
}

func TestEveryKindOfEventIsInTheLogs(t *testing.T) {
	h := generate(t, Config{Seed: 1})
	okta, trail := map[string]int{}, map[string]int{}
	for i := range h.Okta {
		var got struct{ EventType string }
		if err := json.Unmarshal(h.Okta[i].AppendJSON(nil), &got); err != nil {
			t.Fatal(err)
		}
		okta[got.EventType]++
	}
	shared := map[string][]string{}
	for i := range h.CloudTrail {
		var got trailRecord
		if err := json.Unmarshal(h.CloudTrail[i].AppendJSON(nil), &got); err != nil {
			t.Fatal(err)
		}
		trail[got.UserIdentity.Type+" "+got.EventName]++
		if id := h.CloudTrail[i].ID(); got.SharedEventID != "" && !slices.Contains(shared[got.SharedEventID], id) {
			shared[got.SharedEventID] = append(shared[got.SharedEventID], id)
		}
	}
	for _, want := range []string{
		"application.user_membership.add", "application.user_membership.remove", "application.user_membership.change_username",
		"user.account.update_primary_email", "user.lifecycle.deactivate", "access.request.create", "access.request.resolve",
		"app.access_request.request", "app.access_request.approver.approve", "app.access_request.grant",
		"application.lifecycle.update", "application.policy.sign_on.update", "app.keys.generate", "policy.rule.update",
		"system.log_stream.lifecycle.deactivate", "system.log_stream.lifecycle.delete", "system.log_stream.lifecycle.activate",
	} {
		if okta[want] == 0 {
			t.Errorf("no %s in the Okta log", want)
		}
	}
	if okta["access.request.condition.create"]+okta["access.request.condition.update"] == 0 {
		t.Error("no condition in the Okta log")
	}
	for _, want := range []string{
		"AssumedRole AssumeRole", "AWSAccount AssumeRole", "IAMUser AssumeRole", "WebIdentityUser AssumeRoleWithWebIdentity",
		"IAMUser ConsoleLogin", "Root ConsoleLogin", "IAMUser GetSessionToken", "AssumedRole CreateOAuth2Token",
		"AssumedRole CreateAccessKey", "AssumedRole CreateLoginProfile", "AssumedRole UpdateSAMLProvider", "AssumedRole CreateSAMLProvider",
		"AssumedRole UpdateAssumeRolePolicy", "AssumedRole StopLogging", "AssumedRole PutEventSelectors", "IAMUser DeleteTrail",
		"AssumedRole PutRolePolicy", "AssumedRole CreateAccountAssignment", "AssumedRole DeleteAccountAssignment", "SAMLUser AssumeRoleWithSAML",
	} {
		if trail[want] == 0 {
			t.Errorf("no %s in CloudTrail", want)
		}
	}
	if len(shared) == 0 {
		t.Error("no call across accounts")
	}
	for id, events := range shared {
		if len(events) != 2 {
			t.Errorf("%d records share the event %s", len(events), id)
		}
	}
}

func TestDecisionsAreInOrderAndCarryTheirIDs(t *testing.T) {
	h := generate(t, Config{Seed: 7})
	if len(h.Approvals) < 5 {
		t.Fatalf("%d decisions", len(h.Approvals))
	}
	for i := range h.Approvals {
		ev := &h.Approvals[i]
		var got struct {
			ID, Request, Grantee, Decision string
			DecidedAt                      time.Time `json:"decided_at"`
		}
		if err := json.Unmarshal(ev.AppendJSON(nil), &got); err != nil {
			t.Fatalf("%s: %v", ev.AppendJSON(nil), err)
		}
		if got.ID != ev.ID() || !got.DecidedAt.Equal(ev.At) || got.Request == "" || got.Grantee == "" || got.Decision == "" || ev.Shard != "approvals/tickets" {
			t.Errorf("%s at %v of %s", ev.AppendJSON(nil), ev.At, ev.Shard)
		}
		if i > 0 && ev.Seen.Before(h.Approvals[i-1].Seen) {
			t.Errorf("decision %d was seen before the one before it", i)
		}
	}
}

// A listing is complete: as many members stand before each snapshot as it says.
func TestListingsAreCompleteAndGoByTheHashOfTheirBytes(t *testing.T) {
	h := generate(t, Config{Seed: 7})
	members, snapshots := 0, 0
	for i := range h.Listings {
		ev := &h.Listings[i]
		raw := ev.AppendJSON(nil)
		var got struct {
			Org     string
			Group   struct{ ID, Name string }
			At, To  time.Time
			User    *struct{ ID string }
			Members *int
		}
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if sum := sha256.Sum256(raw); ev.ID() != "sha256:"+hex.EncodeToString(sum[:]) {
			t.Errorf("%s goes by %s", raw, ev.ID())
		}
		if got.Org != "example" || got.Group.ID == "" || got.Group.Name == "" || !got.At.Equal(ev.At) && !got.To.Equal(ev.At) {
			t.Errorf("%s at %v", raw, ev.At)
		}
		switch {
		case got.User != nil:
			members++
		case got.Members == nil || *got.Members != members:
			t.Errorf("%s after %d members", raw, members)
		default:
			snapshots, members = snapshots+1, 0
		}
	}
	if snapshots < 5 || members != 0 {
		t.Errorf("%d snapshots, %d members without", snapshots, members)
	}
}
