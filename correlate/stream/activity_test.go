package stream

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"jitaudit/schemas"
)

func TestActivityIsWhatEncodingJSONWrites(t *testing.T) {
	if a, c := reflect.TypeFor[schemas.Activity]().NumField(), reflect.TypeFor[schemas.Call]().NumField(); a != 6 || c != 10 {
		t.Fatalf("a call has other fields than appendActivity knows: %d and %d", a, c)
	}
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z0-9:@./-]{0,40}`))
	times := rapid.Custom(func(t *rapid.T) time.Time {
		at := time.UnixMicro(rapid.Int64Range(-80_000_000_000_000_000, 300_000_000_000_000_000).Draw(t, "at"))
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0:
			return time.Time{}
		case 1:
			return at.In(time.FixedZone("", 3600))
		case 2:
			return at.UTC().Truncate(time.Second)
		}
		return at.UTC()
	})
	rapid.Check(t, func(t *rapid.T) {
		a := schemas.Activity{
			EventID: texts.Draw(t, "id"), Use: texts.Draw(t, "use"), Shard: texts.Draw(t, "shard"), At: times.Draw(t, "at"),
			Call: schemas.Call{
				PrincipalID: texts.Draw(t, "principal"), AccessKeyID: texts.Draw(t, "key"), RoleARN: texts.Draw(t, "role"), CreatedAt: times.Draw(t, "created"),
				Console: rapid.Bool().Draw(t, "console"), ServiceDriven: rapid.Bool().Draw(t, "driven"), Service: texts.Draw(t, "service"),
				Action: texts.Draw(t, "action"), Denied: rapid.Bool().Draw(t, "denied"), ReadOnly: rapid.Bool().Draw(t, "read"),
			},
			Rank: rapid.Uint64().Draw(t, "rank"),
		}
		want, wantErr := json.Marshal(&a)
		got, err := appendActivity([]byte("before"), &a)
		if (err != nil) != (wantErr != nil) || string(got) != "before"+string(want) {
			t.Fatalf("want %s, %v\ngot %s, %v", want, wantErr, got, err)
		}
	})
}

func BenchmarkActivity(b *testing.B) {
	at := time.Date(2026, 3, 2, 10, 0, 0, 123_000_000, time.UTC)
	a := schemas.Activity{
		EventID: "b1a5c9d3-0f1e-4d2c-8000-0000000012ab", Use: "use_0123456789abcdef0123456789abcdef", Shard: "aws/111122223333/eu-west-1", At: at,
		Call: schemas.Call{PrincipalID: "AROA1EXAMPLE:ada@example.com", AccessKeyID: "ASIA1EXAMPLE", CreatedAt: at, Service: "s3", Action: "ListBuckets", ReadOnly: true},
		Rank: 1 << 60,
	}
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		var err error
		for b.Loop() {
			if buf, err = appendActivity(buf[:0], &a); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(&a); err != nil {
				b.Fatal(err)
			}
		}
	})
}
