package scan

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/internal/organisation"
)

// chaos makes events out of few names, so that keys, principals, ids and
// instants meet each other in every way, as no honest log has it.
type chaos struct{ *rand.Rand }

func (c chaos) of(choices ...string) string { return choices[c.IntN(len(choices))] }

func (c chaos) id() string {
	n := c.IntN(60)
	return c.of(
		fmt.Sprintf("00000000-0000-4000-8000-%012d", n), fmt.Sprintf("00000000-0000-4000-8000-%012d", n),
		fmt.Sprintf("ABCDEF00-0000-4000-8000-%012d", n), fmt.Sprintf("event-%d", n), "",
	)
}

func (c chaos) instant() string {
	t := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).Add(time.Duration(c.IntN(4*3600)) * time.Second)
	return t.Format("2006-01-02T15:04:05") + c.of("Z", "Z", "Z", ".250Z")
}

func (c chaos) trail() map[string]any {
	name := c.of("ada@example.com", "ADA@example.com", "ben", "eve")
	principal := c.of("AROAONE:", "AROATWO:") + name
	key := c.of("ASIA0000000000000001", "ASIA0000000000000002", "ASIA0000000000000003", "")
	ev := map[string]any{
		"eventID": c.id(), "eventTime": c.instant(), "awsRegion": c.of("eu-central-1", "us-east-1"),
		"recipientAccountId": c.of("111111111111", "222222222222"), "readOnly": c.IntN(2) == 0,
	}
	if c.IntN(4) == 0 {
		ev["eventName"], ev["eventSource"] = "AssumeRoleWithSAML", "sts.amazonaws.com"
		ev["userIdentity"] = map[string]any{"type": "SAMLUser", "userName": name}
		ev["requestParameters"] = map[string]any{
			"roleSessionName": name, "roleArn": "arn:aws:iam::111111111111:role/" + c.of("Admin", "Read"),
			"principalArn": "arn:aws:iam::111111111111:saml-provider/Okta", "sAMLAssertionID": c.of("id1", "id2", "id3", ""),
		}
		ev["responseElements"] = map[string]any{
			"credentials":     map[string]any{"accessKeyId": key, "expiration": "Mar 2, 2026 1:00:00 PM"},
			"assumedRoleUser": map[string]any{"assumedRoleId": principal, "arn": "arn:aws:sts::111111111111:assumed-role/Admin/" + name},
		}
	} else {
		ev["eventName"], ev["eventSource"] = c.of("Get", "Put"), c.of("s3", "ec2", "kms", "sqs", "sns", "iam", "sts", "logs")+".amazonaws.com"
		who := map[string]any{"type": "AssumedRole", "principalId": principal, "accessKeyId": key}
		if c.IntN(4) > 0 {
			who["sessionContext"] = map[string]any{"attributes": map[string]any{"creationDate": c.instant()}}
		}
		if c.IntN(5) == 0 {
			who["invokedBy"] = "athena.amazonaws.com"
		}
		if c.IntN(5) == 0 {
			ev["sessionCredentialFromConsole"] = "true"
		}
		if c.IntN(6) == 0 {
			ev["errorCode"] = "AccessDenied"
		}
		ev["userIdentity"] = who
	}
	if c.IntN(10) == 0 {
		ev["addendum"] = map[string]any{"reason": "UPDATED_DATA"}
	}
	return ev
}

func (c chaos) okta() map[string]any {
	login := c.of("ada@example.com", "ben@example.com")
	user := map[string]any{"id": "00u" + login[:3], "type": "User", "alternateId": login}
	ev := map[string]any{
		"uuid": c.id(), "published": c.instant(), "outcome": map[string]any{"result": c.of("SUCCESS", "SUCCESS", "FAILURE")}, "actor": user,
		"authenticationContext": map[string]any{"externalSessionId": c.of("s1", "s2", "unknown")},
	}
	switch c.IntN(3) {
	case 0:
		ev["eventType"] = c.of("group.user_membership.add", "group.user_membership.remove")
		ev["target"] = []any{user, map[string]any{"id": "00g1", "type": "UserGroup", "displayName": c.of("aws#prod#Admin#111111111111", "Everyone")}}
	case 1:
		ev["eventType"] = "user.authentication.sso"
		ev["target"] = []any{map[string]any{"id": "0oa1", "type": "AppInstance", "alternateId": "AWS"}}
		ev["debugContext"] = map[string]any{"debugData": map[string]any{"jti": c.of("id1", "id2", "id4")}}
	default:
		ev["eventType"] = c.of("user.authentication.auth_via_mfa", "user.session.start")
		ev["debugContext"] = map[string]any{"debugData": map[string]any{"factor": "OKTA_VERIFY_PUSH"}}
	}
	return ev
}

// lines writes n events, some of them again.
func (c chaos) lines(t *testing.T, n int, event func() map[string]any) []byte {
	t.Helper()
	var lines []string
	for range n {
		data, err := json.Marshal(event())
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(data))
		if c.IntN(5) == 0 {
			lines = append(lines, lines[c.IntN(len(lines))])
		}
	}
	return []byte(strings.Join(lines, "\n"))
}

// TestChaosIsJudgedAsInThePlainestWay covers what no made-up organisation has:
// ids that are none, instants between seconds, calls without a beginning,
// services in great number, people who share principals.
func TestChaosIsJudgedAsInThePlainestWay(t *testing.T) {
	history, err := organisation.Generate(organisation.Config{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	rounds := 150
	if testing.Short() {
		rounds = 25
	}
	sessions := 0
	for round := range rounds {
		c := chaos{rand.New(rand.NewPCG(uint64(round), 7))}
		opts := madeUp(t, history)
		opts.Complete, opts.Gaps, opts.Workers = nil, nil, 1+round%3
		if round%4 == 0 {
			opts.Memory, opts.TempDir = 1, t.TempDir()
		}
		files := inMemory(&organisation.History{})[:2]
		files[0].data = c.lines(t, 60, c.okta)
		files[1].data = c.lines(t, 200, c.trail)
		got := scanAll(t, files, opts)
		want := reference(t, files, opts, got.Coverage)
		sessions += len(got.Sessions())
		for _, d := range []string{
			cmp.Diff(want.Sessions(), got.Sessions()), cmp.Diff(want.Findings(), got.Findings()),
			cmp.Diff(want.Assumptions(), got.Assumptions()), cmp.Diff(want.Grants(), got.Grants()),
			cmp.Diff(want.activity(), got.activity()),
		} {
			if d != "" {
				t.Fatalf("round %d: want (-) got (+):\n%s", round, d)
			}
		}
	}
	if sessions < rounds {
		t.Errorf("only %d sessions in %d rounds", sessions, rounds)
	}
}
