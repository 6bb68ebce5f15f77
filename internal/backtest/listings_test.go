package backtest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
	"jitaudit/sinks/clickhouse"
)

// Somebody is added to a group and is assigned an account: of the one only what
// Okta's governance was asked says who approved it, of the other only what the
// Identity Store stored whose the id is.
const (
	listingsPolicy = `
providers:
  - {name: okta, arn: 'arn:aws:iam::*:saml-provider/Okta', federation: direct, okta_org: example, apps: [0oa1]}
groups:
  - match: '^aws#\S+#(?P<role>[\w-]+)#(?P<account>\d{12})$'
permission_sets:
  'arn:aws:sso:::permissionSet/ssoins-1/ps-1': Admin
trusted_grantors:
  - {id: bot}
`
	added    = `{"uuid":"add","eventType":"group.user_membership.add","published":"2026-03-02T09:00:00.000Z","outcome":{"result":"SUCCESS"},"actor":{"id":"bot","type":"PublicClientApp"},"target":[{"id":"00uada","type":"User","alternateId":"ada@example.com"},{"id":"00g1","type":"UserGroup","displayName":"aws#prod#Admin#111111111111"}]}`
	assigned = `{"eventID":"e1","eventTime":"2026-03-02T10:00:00Z","eventName":"CreateAccountAssignment","eventSource":"sso.amazonaws.com","awsRegion":"us-east-1","recipientAccountId":"111111111111","userIdentity":{"type":"IAMUser","userName":"admin","principalId":"AIDAADMIN","accountId":"111111111111"},"requestParameters":{"targetId":"111111111111","permissionSetArn":"arn:aws:sso:::permissionSet/ssoins-1/ps-1","principalType":"USER","principalId":"u-ada"}}`
	asked    = "{\"org\":\"example\",\"at\":\"2026-03-02T09:05:00Z\",\"request\":{\n  \"id\": \"req1\", \"status\": \"APPROVED\",\n  \"requestedFor\": {\"externalId\": \"00uada\"}, \"requested\": {\"resourceId\": \"00g1\", \"resourceType\": \"GROUP\"},\n  \"requestApproval\": {\"decisions\": [{\"deciderId\": \"00uada\", \"decision\": \"APPROVE\", \"decided\": \"2026-03-02T08:55:00.000Z\"}]}\n}}"
	stored   = `{"store":"d-1234567890","account":"333333333333","region":"eu-central-1","at":"2025-12-24T00:00:00Z","user":{"UserId":"u-ada","UserName":"ada@example.com"}}`
)

func listingsPolicies(t *testing.T, more string) *policy.Set {
	t.Helper()
	p, err := policy.Parse("policy.yaml", []byte(listingsPolicy+more))
	if err != nil {
		t.Fatal(err)
	}
	set, err := policy.NewSet(p)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// kept hands on raw events, in that order.
func kept(events []clickhouse.RawEvent) func(context.Context, time.Time, func(*clickhouse.RawEvent) error) error {
	return func(_ context.Context, _ time.Time, each func(*clickhouse.RawEvent) error) error {
		for i := range events {
			if err := each(&events[i]); err != nil {
				return err
			}
		}
		return nil
	}
}

func someListings() []clickhouse.RawEvent {
	const region = "aws/111111111111/us-east-1"
	return []clickhouse.RawEvent{
		{Source: schemas.CloudTrail, Shard: "aws/333333333333/eu-central-1", Kind: schemas.RawUser, Value: []byte(stored)},
		{Source: schemas.Okta, Shard: "okta/example", Kind: schemas.RawEvent, Value: []byte(added)},
		{Source: schemas.Okta, Shard: "okta/example", Kind: schemas.RawRequest, Value: []byte(asked)},
		{Source: schemas.CloudTrail, Shard: region, Kind: schemas.RawEvent, Value: []byte(assigned)},
	}
}

func TestWhatGovernanceAndTheIdentityStoreAnsweredIsJudgedAgain(t *testing.T) {
	want := map[string]string{"self_approved": "00uada approved the request req1", "manual_grant": "ada@example.com was given"}
	for _, order := range []string{"as they were collected", "the other way round"} {
		t.Run(order, func(t *testing.T) {
			events := someListings()
			if order != "as they were collected" {
				slices.Reverse(events)
			}
			o := Options{
				Events: kept(events), Old: listingsPolicies(t, ""), New: listingsPolicies(t, "# the same\n"),
				Since: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), TempDir: t.TempDir(),
			}
			if r := backtest(t, o); len(r.Differences) > 0 || r.Unread > 0 || r.Events != 4 || r.Same == 0 || len(r.Coverage) > 0 {
				t.Errorf("the same policy: %+v", r)
			}
			o.New = listingsPolicies(t, "severity: {self_approved: info, manual_grant: info}\n")
			r := backtest(t, o)
			if len(r.Differences) != len(want) {
				t.Errorf("%d differences, want %d: %+v", len(r.Differences), len(want), r.Differences)
			}
			for _, d := range r.Differences {
				f := d.Finding()
				if why := want[f.Rule]; d.Change != Changed || why == "" || !strings.HasPrefix(f.Why, why) || f.Person.Name != "ada@example.com" {
					t.Errorf("%s %s of %s: %s", d.Change, f.Rule, f.Person.Name, f.Why)
				}
			}
		})
	}
}

// TestAnAnswerOfAnotherOrgIsUnread: its shard says of which org it is.
func TestAnAnswerOfAnotherOrgIsUnread(t *testing.T) {
	events := someListings()
	events[2].Shard = "okta/labs"
	r := backtest(t, Options{
		Events: kept(events), Old: listingsPolicies(t, ""), New: listingsPolicies(t, "# the same\n"),
		Since: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), TempDir: t.TempDir(),
	})
	if r.Unread != 1 || r.Events != 4 {
		t.Errorf("%d of %d are unread, want one", r.Unread, r.Events)
	}
}
