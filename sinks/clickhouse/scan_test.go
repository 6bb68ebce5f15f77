package clickhouse

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"jitaudit/schemas"
)

// agrees holds the quick decoder against encoding/json: what it accepts it must
// read alike, and it must be what we would write.
func agrees(t *testing.T, value []byte) (accepted bool) {
	t.Helper()
	quick, ok := scanActivity(string(value))
	if !ok {
		return false
	}
	var a schemas.Activity
	if err := json.Unmarshal(value, &a); err != nil {
		t.Errorf("%s was accepted; encoding/json says %v", value, err)
		return true
	}
	if slow := newActivityRow(&a); !reflect.DeepEqual(quick, slow) {
		t.Errorf("%s: read %+v, encoding/json reads %+v", value, quick, slow)
	}
	if again, err := json.Marshal(quick.activity()); err != nil || string(again) != string(value) {
		t.Errorf("%s is written again as %s (%v)", value, again, err)
	}
	return true
}

func TestUsualCallsAreReadQuickly(t *testing.T) {
	for _, v := range samples(t, "activity") {
		if !agrees(t, v) {
			t.Errorf("%s was not accepted", v)
		}
	}
	rnd := rand.New(rand.NewPCG(3, 5))
	for i := range 2000 {
		r := reflect.New(reflect.TypeFor[schemas.Activity]()).Elem()
		randomize(rnd, r, i%2 == 1)
		identify(r, i)
		agrees(t, encode(t, r.Interface()))
	}
}

func TestUnusualCallsAreLeftToEncodingJSON(t *testing.T) {
	usual := string(call("e", "key_1", day, 7, func(c *schemas.Call) { c.AccessKeyID, c.CreatedAt = "ASIA", day }))
	if !agrees(t, []byte(usual)) {
		t.Fatalf("%s was not accepted", usual)
	}
	tests := []struct{ name, old, new string }{
		{"white space", `{"event_id"`, `{ "event_id"`},
		{"an escape", `"e"`, `"\u0065"`},
		{"beyond ASCII", `"e"`, `"é"`},
		{"what json.Marshal escapes", `"e"`, `"a&b"`},
		{"a control character", `"e"`, "\"\x01\""},
		{"an empty key", `"access_key_id":"ASIA"`, `"access_key_id":""`},
		{"a false flag", `"read_only":true`, `"read_only":false`},
		{"no id", `"event_id":"e"`, `"event_id":""`},
		{"another field", `"rank":7`, `"rank":7,"colour":"red"`},
		{"a rank with a zero", `"rank":7`, `"rank":07`},
		{"a rank that is too large", `"rank":7`, `"rank":18446744073709551616`},
		{"a rank below 0", `"rank":7`, `"rank":-7`},
		{"a fraction", `"rank":7`, `"rank":7.0`},
		{"no rank", `"rank":7`, `"rank":`},
		{"something behind", `"rank":7}`, `"rank":7} `},
		{"a day that is none", `"at":"2026-03-31T`, `"at":"2026-02-31T`},
		{"an hour that is none", `T23:00:00Z","call"`, `T24:00:00Z","call"`},
		{"a zone", `T23:00:00Z","call"`, `T23:00:00+00:00","call"`},
		{"finer than a millisecond", `T23:00:00Z","call"`, `T23:00:00.0001Z","call"`},
		{"a fraction that ends in 0", `T23:00:00Z","call"`, `T23:00:00.10Z","call"`},
		{"an empty fraction", `T23:00:00Z","call"`, `T23:00:00.Z","call"`},
		{"before the columns begin", `"at":"2026`, `"at":"1899`},
		{"after they end", `"at":"2026`, `"at":"2262`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value := strings.Replace(usual, tt.old, tt.new, 1)
			if value == usual {
				t.Fatalf("%s is not in %s", tt.old, usual)
			}
			if agrees(t, []byte(value)) {
				t.Errorf("%s was accepted", value)
			}
		})
	}
	for i := range usual {
		if agrees(t, []byte(usual[:i])) {
			t.Errorf("%s was accepted", usual[:i])
		}
	}
}

func FuzzScanActivity(f *testing.F) {
	f.Add(call("e", "key_1", day, 7, nil))
	f.Add(call("e", "key_1", day.Add(1e6), 1<<63, func(c *schemas.Call) {
		*c = schemas.Call{AccessKeyID: "A", CreatedAt: day, Console: true, ServiceDriven: true, Denied: true}
	}))
	f.Fuzz(func(t *testing.T, value []byte) { agrees(t, value) })
}
