package okta_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/ingest/okta"
	"jitaudit/schemas"
)

func TestDecodeMember(t *testing.T) {
	sample, err := os.ReadFile(filepath.Join("..", "..", "schemas", "testdata", "member.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, raw string
		who       schemas.Identity
		at        time.Time
	}{
		{"sample", string(sample), schemas.Identity{Org: "example", OktaUserID: "00u1ada00000000001", Login: "ada@example.com", Email: "ada@example.com"}, time.Date(2026, 5, 4, 8, 0, 1, 0, time.UTC)},
		{"first and last name, other zone", `{"org":"example","group":{"id":"00g1prodadmin","name":"AWS-prod-Admin"},"at":"2026-05-04T10:00:00+02:00","user":{"id":"00u1","profile":{"login":"Ada@example.com","firstName":"Ada","lastName":"Example"}}}`,
			schemas.Identity{Org: "example", OktaUserID: "00u1", Login: "Ada@example.com", Name: "Ada Example"}, time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)},
		{"email beside the login", `{"org":"example","group":{"id":"00g1prodadmin","name":"AWS-prod-Admin"},"at":"2026-05-04T08:00:00Z","user":{"id":"00u1","profile":{"login":"ada@example.com","email":"Ada.Example@example.org","displayName":null}}}`,
			schemas.Identity{Org: "example", OktaUserID: "00u1", Login: "ada@example.com", Email: "Ada.Example@example.org"}, time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)},
		{"display name, no login", `{"org":"example","group":{"id":"00g1prodadmin","name":"AWS-prod-Admin"},"at":"2026-05-04T08:00:00Z","user":{"id":"00u1","profile":{"displayName":"Ada E.","firstName":"Ada"}}}`,
			schemas.Identity{Org: "example", OktaUserID: "00u1", Name: "Ada E."}, time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)},
	} {
		got, err := okta.DecodeMember([]byte(tc.raw))
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		want := schemas.Fact{
			ID: got.ID, Hash: got.Hash, Kind: schemas.MemberObserved, Source: schemas.Okta, Shard: "okta/example", At: tc.at,
			Who: tc.who, Member: &schemas.Group{ID: "00g1prodadmin", Name: "AWS-prod-Admin"},
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got.ID) != len("sha256:")+64 || len(got.Hash) != 16 {
			t.Errorf("%s: id %s, hash %s (-want +got)\n%s", tc.name, got.ID, got.Hash, diff)
		}
		again, _ := okta.DecodeMember([]byte(tc.raw))
		other, _ := okta.DecodeMember([]byte(tc.raw + " "))
		if again.ID != got.ID || other.ID == got.ID || other.Hash == got.Hash {
			t.Errorf("%s: ids %s, %s, %s", tc.name, got.ID, again.ID, other.ID)
		}
	}
}

func TestDecodeSnapshot(t *testing.T) {
	raw := `{"org":"example","group":{"id":"00g1","name":"AWS-prod-Admin"},"from":"2026-05-04T08:00:00Z","to":"2026-05-04T08:00:02Z","members":3}`
	got, err := okta.DecodeSnapshot([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)
	want := schemas.Fact{
		ID: got.ID, Hash: got.Hash, Kind: schemas.SnapshotComplete, Source: schemas.Okta, Shard: "okta/example", At: from.Add(2 * time.Second),
		Snapshot: &schemas.Snapshot{Org: "example", Group: schemas.Group{ID: "00g1", Name: "AWS-prod-Admin"}, From: from, To: from.Add(2 * time.Second), Members: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got.ID) != len("sha256:")+64 || len(got.Hash) != 16 {
		t.Errorf("id %s, hash %s (-want +got)\n%s", got.ID, got.Hash, diff)
	}
}

func TestRefusedObservations(t *testing.T) {
	member := func(raw string) error { _, err := okta.DecodeMember([]byte(raw)); return err }
	snapshot := func(raw string) error { _, err := okta.DecodeSnapshot([]byte(raw)); return err }
	for _, tc := range []struct {
		name, raw, want string
		decode          func(string) error
	}{
		{"no JSON", `{"org":`, "not a member", member},
		{"no org", `{"group":{"id":"00g1"},"at":"2026-05-04T08:00:00Z","user":{"id":"00u1"}}`, "without an org", member},
		{"no group", `{"org":"example","at":"2026-05-04T08:00:00Z","user":{"id":"00u1"}}`, "without a group's id", member},
		{"no time", `{"org":"example","group":{"id":"00g1"},"user":{"id":"00u1"}}`, "without a time", member},
		{"no user", `{"org":"example","group":{"id":"00g1"},"at":"2026-05-04T08:00:00Z"}`, "without its user", member},
		{"null user", `{"org":"example","group":{"id":"00g1"},"at":"2026-05-04T08:00:00Z","user":null}`, "no id", member},
		{"text for a user", `{"org":"example","group":{"id":"00g1"},"at":"2026-05-04T08:00:00Z","user":"ada"}`, "none as Okta writes it", member},
		{"user without an id", `{"org":"example","group":{"id":"00g1"},"at":"2026-05-04T08:00:00Z","user":{"profile":{"login":"ada@example.com"}}}`, "no id", member},
		{"no JSON", `[]`, "not a snapshot", snapshot},
		{"no org", `{"group":{"id":"00g1"},"from":"2026-05-04T08:00:00Z","to":"2026-05-04T08:00:00Z"}`, "without an org", snapshot},
		{"no end", `{"org":"example","group":{"id":"00g1"},"from":"2026-05-04T08:00:00Z"}`, "without a time", snapshot},
		{"no beginning", `{"org":"example","group":{"id":"00g1"},"to":"2026-05-04T08:00:00Z"}`, "begins at", snapshot},
		{"backwards", `{"org":"example","group":{"id":"00g1"},"from":"2026-05-04T08:00:01Z","to":"2026-05-04T08:00:00Z"}`, "begins at", snapshot},
		{"negative count", `{"org":"example","group":{"id":"00g1"},"from":"2026-05-04T08:00:00Z","to":"2026-05-04T08:00:00Z","members":-1}`, "counts -1", snapshot},
	} {
		if err := tc.decode(tc.raw); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", tc.name, err, tc.want)
		}
	}
}

func FuzzDecodeMember(f *testing.F) {
	f.Add([]byte(`{"org":"example","group":{"id":"00g1"},"at":"2026-05-04T08:00:00Z","user":{"id":"00u1"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := okta.DecodeMember(raw)
		if err == nil && (got.ID == "" || got.Hash == "" || got.Member == nil || got.Who.OktaUserID == "" || got.At.IsZero()) {
			t.Errorf("%q: %+v", raw, got)
		}
	})
}
