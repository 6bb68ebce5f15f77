package clickhouse

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"jitaudit/schemas"
)

// sessionAgrees holds the quick decoder against encoding/json, as agrees does.
func sessionAgrees(t *testing.T, value []byte) (accepted bool) {
	t.Helper()
	quick, ok := scanSession(string(value))
	if !ok {
		return false
	}
	var s schemas.Session
	if err := json.Unmarshal(value, &s); err != nil {
		t.Errorf("%s was accepted; encoding/json says %v", value, err)
		return true
	}
	slow := newSessionRow(&s)
	options := cmp.Options{cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.EquateEmpty()}
	if diff := cmp.Diff(slow, quick, options); diff != "" {
		t.Errorf("%s: encoding/json reads otherwise:\n%s", value, diff)
	}
	if again, err := json.Marshal(quick.session()); err != nil || string(again) != string(value) {
		t.Errorf("%s is written again as %s (%v)", value, again, err)
	}
	return true
}

func dressed(i int, change func(*schemas.Session)) []byte {
	return session("ses_1", int64(i), func(s *schemas.Session) {
		dress(s, i)
		if change != nil {
			change(s)
		}
	})
}

func TestUsualSessionsAreReadQuickly(t *testing.T) {
	for _, v := range samples(t, "session") {
		sessionAgrees(t, v)
	}
	for i := range 200 {
		if v := dressed(i, nil); !sessionAgrees(t, v) {
			t.Errorf("%s was not accepted", v)
		}
	}
	for name, change := range map[string]func(*schemas.Session){
		"bare": func(s *schemas.Session) {
			*s = schemas.Session{ID: "a", Start: day, End: day, Assumptions: []string{}, Evidence: []string{}}
		},
		"deleted":    func(s *schemas.Session) { s.Deleted, s.SupersededBy = true, "ses_2" },
		"requests":   func(s *schemas.Session) { s.Requests = append(s.Requests, schemas.RequestRef{Evidence: []string{}}) },
		"a fraction": func(s *schemas.Session) { s.LastUse = s.LastUse.Add(120 * time.Millisecond) },
	} {
		if v := dressed(70, change); !sessionAgrees(t, v) {
			t.Errorf("%s: %s was not accepted", name, v)
		}
	}
	rnd := rand.New(rand.NewPCG(7, 5))
	for i := range 2000 {
		r := reflect.New(reflect.TypeFor[schemas.Session]()).Elem()
		randomize(rnd, r, i%2 == 1)
		identify(r, i)
		sessionAgrees(t, encode(t, r.Interface()))
	}
}

func TestUnusualSessionsAreLeftToEncodingJSON(t *testing.T) {
	usual := string(dressed(70, nil))
	if !sessionAgrees(t, []byte(usual)) {
		t.Fatalf("%s was not accepted", usual)
	}
	for _, tt := range []struct{ name, old, new string }{
		{"white space", `{"id"`, `{ "id"`},
		{"beyond ASCII", `incident 70`, `incidént 70`},
		{"an escape", `incident 70`, `incident \"70`},
		{"an empty list that is left out", `"origins":["cli"]`, `"origins":[]`},
		{"no list", `"grants":[`, `"grants":null,"x":[`},
		{"no evidence", `"evidence":["00000046-1111-4222-8333-0000000001ed"]`, `"evidence":null`},
		{"an empty sign-on", `"sign_on":{"event_id":"00000046-1111-4222-8333-0000000001eb"`, `"sign_on":{"event_id":""`},
		{"another field", `"verdict"`, `"colour":"red","verdict"`},
		{"another order", `"mfa":"yes"`, `"mfa":"yes","grant":"g"`},
		{"superseded and there", `,"observed"`, `,"superseded_by":"x","observed"`},
		{"version 0", `"version":70`, `"version":0`},
		{"a version below 0", `"version":70`, `"version":-70`},
		{"a version that is too large", `"version":70`, `"version":9223372036854775808`},
		{"not deleted", `,"observed"`, `,"deleted":false,"observed"`},
		{"a comma at the end", `"services":["ec2","s3","sts"]`, `"services":["ec2","s3","sts",]`},
	} {
		value := strings.Replace(usual, tt.old, tt.new, 1)
		if value == usual {
			t.Errorf("%s: %s is not in %s", tt.name, tt.old, usual)
		}
		if sessionAgrees(t, []byte(value)) {
			t.Errorf("%s: %s was accepted", tt.name, value)
		}
	}
	for i := range usual {
		if sessionAgrees(t, []byte(usual[:i])) {
			t.Errorf("%s was accepted", usual[:i])
		}
	}
	rnd := rand.New(rand.NewPCG(1, 9))
	for range 20_000 {
		value := []byte(usual)
		value[rnd.IntN(len(value))] = usual[rnd.IntN(len(usual))]
		sessionAgrees(t, value)
	}
}

func FuzzScanSession(f *testing.F) {
	f.Add(dressed(70, nil))
	f.Add(session("a", 1, nil))
	f.Fuzz(func(t *testing.T, value []byte) { sessionAgrees(t, value) })
}
