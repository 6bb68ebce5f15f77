package wire

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

// fill sets every field of v to a random value, so that a field that is added
// to the schemas and forgotten here is noticed.
func fill(r *rand.Rand, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(r, v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(someTime(r)))
			return
		}
		for i := range v.NumField() {
			fill(r, v.Field(i))
		}
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.String:
		v.SetString([]string{"", "ä", "a longer text", fmt.Sprint(r.Uint64())}[r.IntN(4)])
	default:
		panic("no rule for " + v.Type().String())
	}
}

func someTime(r *rand.Rand) time.Time {
	return []time.Time{
		{},
		time.Unix(0, 0).UTC(),
		time.Unix(-1, 5).UTC(),
		time.Unix(r.Int64N(1<<33), 0).UTC(),
		time.Unix(r.Int64N(1<<33), r.Int64N(1e9)).UTC(),
		time.Unix(0, 0).UTC().AddDate(-1969, 0, 0),
		time.Unix(0, 0).UTC().AddDate(8029, 0, 0),
	}[r.IntN(7)]
}

func TestFactsComeBackWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ids := []string{
		"", "x", "0d1f9f1e-6a0e-4a0e-9c36-000000000001", "0D1F9F1E-6A0E-4A0E-9C36-000000000001",
		"sha256:00", "0d1f9f1e-6a0e-4a0e-9c36-00000000000g", "0d1f9f1e-6a0e-4a0e-9c36-000000000001\n",
	}
	hashes := []string{"", "0123456789abcdef", "0123456789ABCDEF", "0123"}
	for range 2000 {
		want := &schemas.Fact{}
		fill(r, reflect.ValueOf(want).Elem())
		want.ID, want.Hash = ids[r.IntN(len(ids))], hashes[r.IntN(len(hashes))]
		record := string(Append(nil, nil, want))
		h, err := ReadHead(record)
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.ReadFact()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("want (-) got (+):\n%s", d)
		}
	}
}

func TestCallsKeepWhatIsCountedAndJoined(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, workers := range []int{1, 3} {
		tables := NewTables(workers)
		tables[0].credentials = make([]Credential, maxCredentials/workers) // this one is full
		for i := range 1000 {
			f := &schemas.Fact{
				ID: "0d1f9f1e-6a0e-4a0e-9c36-000000000001", Hash: "0123456789abcdef",
				Kind: schemas.Acted, Source: schemas.CloudTrail, At: someTime(r), Call: &schemas.Call{},
			}
			fill(r, reflect.ValueOf(f.Call).Elem())
			h, err := ReadHead(string(Append(nil, tables[i%workers], f)))
			if err != nil {
				t.Fatal(err)
			}
			got := Call{Call: schemas.Call{AccessKeyID: "of another"}}
			if err := tables.ReadCall(&h, &got); err != nil {
				t.Fatal(err)
			}
			want := Call{At: f.At, Call: *f.Call, Shared: got.Shared}
			want.Action = "" // is not needed after the first pass
			if want.Console || want.ServiceDriven {
				want.AccessKeyID = ""
			}
			if d := cmp.Diff(want, got); d != "" || !h.Call || h.ID() != f.ID {
				t.Fatalf("want (-) got (+):\n%s", d)
			}
			if got.Shared >= tables.Shared() {
				t.Fatalf("number %d is beyond %d", got.Shared, tables.Shared())
			}
		}
	}
}

func TestKeysTellEventsApart(t *testing.T) {
	ids := []string{"", "a", "0d1f9f1e-6a0e-4a0e-9c36-000000000001", "0D1F9F1E-6A0E-4A0E-9C36-000000000001", "\x0d\x1f\x9f\x1e\x6a\x0e\x4a\x0e\x9c\x36\x00\x00\x00\x00\x00", "\x00\x0d\x1f\x9f\x1e\x6a\x0e\x4a\x0e\x9c\x36\x00\x00\x00\x00\x00\x01"}
	seen := map[string]string{}
	for _, id := range ids {
		for _, source := range []schemas.Source{schemas.Okta, schemas.CloudTrail} {
			h, err := ReadHead(string(Append(nil, nil, &schemas.Fact{ID: id, Source: source})))
			if err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprint(h.Okta(), h.Key)
			if other, ok := seen[key]; ok {
				t.Errorf("%q and %q have one key", id, other)
			}
			seen[key] = id
		}
	}
}

func FuzzDamageIsNoPanic(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 10 {
		fact := &schemas.Fact{}
		fill(r, reflect.ValueOf(fact).Elem())
		f.Add(string(Append(nil, nil, fact)))
	}
	f.Fuzz(func(t *testing.T, record string) {
		h, err := ReadHead(record)
		if err != nil {
			return
		}
		var c Call
		_ = NewTables(1).ReadCall(&h, &c)
		_, _ = h.ReadFact()
	})
}
