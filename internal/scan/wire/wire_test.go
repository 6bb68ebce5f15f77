package wire

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/ingest/cloudtrail"
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
	case reflect.Slice:
		if n := r.IntN(3); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				fill(r, v.Index(i))
			}
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(r.Int64N(1000))
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
		record := string(Append(nil, want))
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

func TestBriefsAndFactsOfOneEventAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, workers := range []int{1, 3} {
		tables := NewTables(workers)
		type written struct {
			record string
			call   cloudtrail.Bare
			at     int64
		}
		var all []written
		var credentials []string
		for i := range 1000 {
			c := cloudtrail.Bare{
				Hash: r.Uint64(), Addendum: r.IntN(2) == 0, Console: r.IntN(2) == 0, Denied: r.IntN(2) == 0,
				Credential: &cloudtrail.Credential{PrincipalID: fmt.Sprint("p", r.IntN(9)), AccessKeyID: fmt.Sprint("k", r.IntN(3)), CreatedAt: time.Unix(r.Int64N(9), 0)},
				Service:    &cloudtrail.Service{Name: fmt.Sprint("s", r.IntN(20))},
			}
			if r.IntN(3) == 0 { // not all events name the role
				c.Credential.RoleARN = "role of " + c.Credential.PrincipalID
			}
			binary.NativeEndian.PutUint64(c.ID[:], r.Uint64())
			at := r.Int64N(1<<34) - 1<<33
			defined, ok := tables[i%workers].AppendCredential(nil, c.Credential)
			if !ok {
				t.Fatal("no number")
			}
			credentials = append(credentials, string(defined))
			b, ok := tables[i%workers].AppendBrief(nil, at, &c)
			if !ok {
				t.Fatal("no room")
			}
			all = append(all, written{string(b), c, at})
		}
		shared := tables.Unite()
		for _, record := range credentials {
			n, c, err := ReadCredential(record)
			if err == nil {
				err = shared.Add(n, c)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, w := range all {
			var got Brief
			id, ok := shared.ReadBrief(w.record, &got)
			if !ok || id != string(w.call.ID[:]) || got.At != w.at {
				t.Fatalf("%+v, %t, want %+v", got, ok, w)
			}
			cred := &shared.Credentials[got.Credential]
			if want := (Credential{w.call.Credential.PrincipalID, w.call.Credential.AccessKeyID, w.call.Credential.RoleARN, w.call.Credential.CreatedAt}); !cred.equal(&want) {
				t.Fatalf("%+v, want %+v", cred, want)
			}
			if shared.Services[got.Service] != w.call.Service.Name || got.Flags.Has(Console) != w.call.Console || got.Flags.Has(Denied) != w.call.Denied {
				t.Fatalf("%+v, want %+v", got, w.call)
			}
			f := schemas.Fact{ID: UUIDText(id), Hash: fmt.Sprintf("%016x", w.call.Hash), Addendum: w.call.Addendum, Call: &schemas.Call{}}
			record := Append(nil, &f)
			brief, err := ReadHead(w.record)
			if err != nil {
				t.Fatal(err)
			}
			fact, err := ReadHead(string(record))
			if err != nil {
				t.Fatal(err)
			}
			if brief.Key != fact.Key || brief.Hash != fact.Hash || brief.Addendum != fact.Addendum || KeyHash(w.record) != KeyHash(record) {
				t.Fatalf("%+v and %+v", brief, fact)
			}
		}
		if len(shared.Credentials) > 2*9*3*9 || !slices.IsSorted(shared.Services) {
			t.Errorf("%d credentials, services %q", len(shared.Credentials), shared.Services)
		}
	}
}

func TestWithoutNumberThereIsNoBrief(t *testing.T) {
	full := NewTables(1)[0]
	full.credentials = noNumber
	begun := &cloudtrail.Credential{PrincipalID: "p", CreatedAt: time.Unix(1, 0)}
	for _, tc := range []struct {
		name  string
		table *Table
		cred  *cloudtrail.Credential
	}{
		{"no numbers left", full, begun},
		{"no beginning", NewTables(1)[0], &cloudtrail.Credential{PrincipalID: "p"}},
	} {
		if _, ok := tc.table.AppendCredential(nil, tc.cred); ok {
			t.Errorf("%s: the credential got a number", tc.name)
		}
		if _, ok := tc.table.AppendBrief(nil, 0, &cloudtrail.Bare{Credential: tc.cred, Service: &cloudtrail.Service{}}); ok {
			t.Errorf("%s: a brief was written", tc.name)
		}
	}
}

func TestCredentialsThatWereNotAddedAreNobodys(t *testing.T) {
	tables := NewTables(1)
	cred := &cloudtrail.Credential{PrincipalID: "p", CreatedAt: time.Unix(1, 0)}
	tables[0].AppendCredential(nil, cred)
	b, ok := tables[0].AppendBrief(nil, 0, &cloudtrail.Bare{Credential: cred, Service: &cloudtrail.Service{}})
	var got Brief
	if _, read := tables.Unite().ReadBrief(string(b), &got); !ok || !read || got.Credential != Nobody {
		t.Errorf("%t, %t, %+v", ok, read, got)
	}
}

func TestSpellsComeBackWhole(t *testing.T) {
	shared := &Shared{Credentials: make([]Credential, 4), Services: make([]string, 5)}
	want := Spell{
		Credential: 3, Slot: -900, First: -1, Last: 1 << 40, FirstID: [16]byte{1}, LastID: [16]byte{2},
		Calls: 9, Writes: 8, Denied: 7, ServiceDriven: 6, Services: []uint32{4, 0},
	}
	record := string(AppendSpell(nil, &want))
	var got Spell
	if ok, err := shared.ReadSpell(record, &got); !ok || err != nil || !cmp.Equal(want, got) {
		t.Errorf("%t, %v, %s", ok, err, cmp.Diff(want, got))
	}
	if ok, _ := shared.ReadSpell(string(Append(nil, &schemas.Fact{})), &got); ok {
		t.Error("a fact was taken for a spell")
	}
	for _, damaged := range []string{record[:len(record)-1], record[:3]} {
		if _, err := shared.ReadSpell(damaged, &got); err == nil {
			t.Error("damage was not noticed")
		}
	}
}

func TestKeysTellEventsApart(t *testing.T) {
	ids := []string{"", "a", "0d1f9f1e-6a0e-4a0e-9c36-000000000001", "0D1F9F1E-6A0E-4A0E-9C36-000000000001", "\x0d\x1f\x9f\x1e\x6a\x0e\x4a\x0e\x9c\x36\x00\x00\x00\x00\x00", "\x00\x0d\x1f\x9f\x1e\x6a\x0e\x4a\x0e\x9c\x36\x00\x00\x00\x00\x00\x01"}
	seen := map[string]string{}
	for _, id := range ids {
		for _, source := range []schemas.Source{schemas.Okta, schemas.CloudTrail, schemas.Approvals} {
			h, err := ReadHead(string(Append(nil, &schemas.Fact{ID: id, Source: source})))
			if err != nil {
				t.Fatal(err)
			}
			if h.Source() != source {
				t.Errorf("%q of %s is of %s", id, source, h.Source())
			}
			key := fmt.Sprint(h.Source(), h.Key)
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
		f.Add(string(Append(nil, fact)))
	}
	f.Fuzz(func(t *testing.T, record string) {
		shared := NewTables(1).Unite()
		_, _ = shared.ReadSpell(record, &Spell{})
		_, _ = shared.ReadBrief(record, &Brief{})
		if n, c, err := ReadCredential(record); err == nil {
			_ = shared.Add(n, c)
		}
		KeyHash(record)
		h, err := ReadHead(record)
		if err != nil {
			return
		}
		_, _ = h.ReadFact()
	})
}
