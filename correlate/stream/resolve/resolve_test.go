package resolve

import (
	"errors"
	"strings"
	"testing"
	"time"

	"jitaudit/correlate/stream/entry"
	"jitaudit/schemas"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// decoded lets a test say what each raw record decodes to.
func decoded(facts map[string]schemas.Fact) Decode {
	return func(r *Raw) (schemas.Fact, bool, error) {
		switch f, ok := facts[string(r.Value)]; {
		case ok:
			return f, true, nil
		case string(r.Value) == "irrelevant":
			return schemas.Fact{}, false, nil
		}
		return schemas.Fact{}, false, errors.New("it is no event")
	}
}

func signedOn(user, login, assertion string, after time.Duration) schemas.Fact {
	return schemas.Fact{
		ID: user + after.String(), Kind: schemas.SignedOn, Source: schemas.Okta, Shard: "okta/example", At: monday.Add(after), Hash: "00000000000000ff",
		Who: schemas.Identity{Org: "example", OktaUserID: user, Login: login, AssertionID: assertion}, SignOn: &schemas.SignOn{},
	}
}

func called(principal, id string, at time.Time) schemas.Fact {
	return schemas.Fact{
		ID: id, Kind: schemas.Acted, Source: schemas.CloudTrail, Shard: "aws/1/eu", At: at, Hash: "00000000000000ff",
		Call: &schemas.Call{PrincipalID: principal, AccessKeyID: "ASIA1", Service: "s3", Action: "GetObject", ReadOnly: true, CreatedAt: monday, RoleARN: "arn:aws:iam::1:role/Admin"},
	}
}

func event(value string) *Raw {
	return &Raw{Kind: schemas.RawEvent, Source: schemas.CloudTrail, Shard: "aws/1/eu", Value: []byte(value), Topic: "raw.cloudtrail", Partition: 2, Offset: 77}
}

func TestEveryEventIsAccountedFor(t *testing.T) {
	nobody := signedOn("", "", "", 0)
	nobody.Who = schemas.Identity{Org: "example"}
	r := New(decoded(map[string]schemas.Fact{"on": signedOn("1", "ada@example.com", "id1", 0), "nobody": nobody, "call": called("AROA:ada", "c1", monday)}))
	var b Batch
	for _, v := range []string{"on", "irrelevant", "nonsense", "nobody", "call", "on"} {
		r.Add(event(v), &b)
	}
	if b.Read != 6 || b.Used != 3 || b.Irrelevant != 2 || len(b.Dead) != 1 || b.Read != b.Used+b.Irrelevant+int64(len(b.Dead)) {
		t.Errorf("read %d, used %d, irrelevant %d, dead %d", b.Read, b.Used, b.Irrelevant, len(b.Dead))
	}
	if d := b.Dead[0]; d.File != "raw.cloudtrail/2" || d.Record != 77 || d.Reason != "it is no event" || string(d.Raw) != "nonsense" {
		t.Errorf("dead letter %+v", d)
	}
}

func TestFactsGoToTheirPersonOrToTheHomeOfTheirRoleSession(t *testing.T) {
	assumed := schemas.Fact{
		ID: "a", Kind: schemas.Assumed, Source: schemas.CloudTrail, At: monday, Hash: "0", Who: schemas.Identity{SessionName: "Ada"},
		Assume: &schemas.Assume{PrincipalID: "AROA:Ada"},
	}
	failed := schemas.Fact{
		ID: "f", Kind: schemas.AssumeFailed, Source: schemas.CloudTrail, At: monday, Hash: "0", Who: schemas.Identity{NameID: " ADA@example.com"},
		Assume: &schemas.Assume{ErrorCode: "AccessDenied"},
	}
	r := New(decoded(map[string]schemas.Fact{"on": signedOn("1", "ada@example.com", "id1", 0), "assumed": assumed, "failed": failed, "call": called("AROA:Ada", "c1", monday)}))
	var b Batch
	for _, v := range []string{"on", "assumed", "failed", "call", "call"} {
		r.Add(event(v), &b)
	}
	var to []string
	for _, e := range b.Entries {
		to = append(to, e.To)
	}
	if got, want := strings.Join(to, "|"), "okta:example/1|role AROA:Ada|name ada@example.com|role AROA:Ada"; got != want {
		t.Errorf("sent to %s, want %s", got, want)
	}
	if n := len(b.Entries[3].Calls); n != 2 {
		t.Errorf("%d calls in one record, want 2", n)
	}
	if got, want := b.Entries[3].Calls[0].Call("AROA:Ada", b.Entries[3].Role), *called("AROA:Ada", "c1", monday).Call; got != want {
		t.Errorf("a packed call comes back as %+v, want %+v", got, want)
	}
}

func TestManyCallsAreSeveralRecords(t *testing.T) {
	r := New(decoded(map[string]schemas.Fact{"call": called("AROA:ada", "c1", monday)}))
	var b Batch
	for range 2*packed + 1 {
		r.Add(event("call"), &b)
	}
	if len(b.Entries) != 3 || len(b.Entries[2].Calls) != 1 {
		t.Errorf("%d records", len(b.Entries))
	}
}

func TestClaimsAreSaidOnceUnlessTheyReachFurtherBack(t *testing.T) {
	r := New(decoded(map[string]schemas.Fact{
		"first": signedOn("1", "ada@example.com", "id1", 0), "later": signedOn("1", "ada@example.com", "id2", time.Hour),
		"earlier": signedOn("1", "ada@example.com", "", -time.Hour), "other": signedOn("2", "ada@example.com", "", time.Hour),
	}))
	for _, step := range []struct {
		value string
		want  int
	}{
		{"first", 2}, {"first", 1}, {"later", 1}, {"earlier", 1}, {"earlier", 0}, {"other", 1},
	} {
		var b Batch
		r.Add(event(step.value), &b)
		if got := len(b.Everywhere.Claims); got != step.want {
			t.Errorf("%s: %d claims, want %d", step.value, got, step.want)
		}
	}
}

func TestAddendaAreAnnounced(t *testing.T) {
	call := called("AROA:ada", "c1", monday)
	call.Addendum = true
	r := New(decoded(map[string]schemas.Fact{"corrected": call, "plain": called("AROA:ada", "c1", monday)}))
	var b Batch
	r.Add(event("corrected"), &b)
	r.Add(event("plain"), &b)
	if len(b.Everywhere.Corrections) != 1 || b.Everywhere.Corrections[0].ID != "c1" {
		t.Fatalf("corrections %+v", b.Everywhere.Corrections)
	}
	plain := called("AROA:ada", "c1", monday)
	if b.Everywhere.Corrections[0].Rank <= entry.Rank(&plain) {
		t.Error("the addendum does not win")
	}
}

func TestYearsThatCannotBeAreDeadLetters(t *testing.T) {
	created := called("AROA:ada", "c1", monday)
	created.Call.CreatedAt = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)
	expires := schemas.Fact{
		ID: "a", Kind: schemas.Assumed, Source: schemas.CloudTrail, At: monday, Assume: &schemas.Assume{Expires: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)},
	}
	r := New(decoded(map[string]schemas.Fact{
		"past": called("AROA:ada", "c1", time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)), "future": called("AROA:ada", "c1", time.Date(2201, 1, 1, 0, 0, 0, 0, time.UTC)),
		"created": created, "expires": expires,
	}))
	for _, v := range []string{"past", "future", "created", "expires"} {
		var b Batch
		r.Add(event(v), &b)
		if len(b.Dead) != 1 || len(b.Entries) != 0 || !strings.Contains(b.Dead[0].Reason, "which cannot be") {
			t.Errorf("%s: %+v", v, b)
		}
	}
}

func TestCoverageIsTakenOfItsOwnShardOnly(t *testing.T) {
	for name, c := range map[string]struct {
		value string
		ok    bool
	}{
		"empty":         {`{"shard":"aws/1/eu","from":"2026-03-02T09:00:00Z","to":"2026-03-02T10:00:00+01:00","basis":"assumed"}`, false},
		"an hour":       {`{"shard":"aws/1/eu","from":"2026-03-02T09:00:00Z","to":"2026-03-02T11:00:00+01:00","basis":"assumed"}`, true},
		"another shard": {`{"shard":"aws/2/eu","from":"2026-03-02T09:00:00Z","to":"2026-03-02T10:00:00Z","basis":"assumed"}`, false},
		"backwards":     {`{"shard":"aws/1/eu","from":"2026-03-02T10:00:00Z","to":"2026-03-02T09:00:00Z","basis":"assumed"}`, false},
		"nonsense":      {`}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			raw := event(c.value)
			raw.Kind = schemas.RawCoverage
			var b Batch
			New(nil).Add(raw, &b)
			if ok := len(b.Coverage) == 1; ok != c.ok || len(b.Dead) == 1 == ok || b.Read != 0 {
				t.Errorf("%+v", b)
			}
			if c.ok && b.Coverage[0].To.Location() != time.UTC {
				t.Error("it is not in UTC")
			}
		})
	}
}
