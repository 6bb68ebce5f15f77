package ocsf

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sample is an event of testdata.
func sample(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func texts(errs []error) (out []string) {
	for _, err := range errs {
		out = append(out, err.Error())
	}
	return out
}

func TestSamplesAreCorrectAndOfAllClasses(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[int64]int)
	for _, f := range files {
		b := sample(t, strings.TrimSuffix(filepath.Base(f), ".json"))
		for _, err := range Check(b) {
			t.Errorf("%s: %v", f, err)
		}
		var e struct {
			Class int64 `json:"class_uid"`
		}
		if err := json.Unmarshal(b, &e); err != nil {
			t.Fatal(err)
		}
		seen[e.Class]++
	}
	for uid := range classes() {
		if seen[uid] == 0 {
			t.Errorf("no sample is of class %d", uid)
		}
	}
}

// set changes what stands under a path of keys and indexes; nil takes it away.
func set(v any, path []string, value any) {
	m, ok := v.(map[string]any)
	if !ok {
		v = v.([]any)[0]
		m = v.(map[string]any)
	}
	if len(path) > 1 {
		set(m[path[0]], path[1:], value)
		return
	}
	if value == nil {
		delete(m, path[0])
		return
	}
	m[path[0]] = value
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	const finding, signOn, session, group = "finding.opened", "session.opened.sign_on", "session.opened", "grant.opened"
	for _, c := range []struct {
		name, sample, path string
		value              any // nil takes it away
		want               string
	}{
		{"required of every class", finding, "activity_id", nil, "activity_id: required, and missing"},
		{"no time", session, "time", nil, "time: required, and missing"},
		{"no severity", group, "severity_id", nil, "severity_id: required, and missing"},
		{"no type", signOn, "type_uid", nil, "type_uid: required, and missing"},
		{"no metadata", finding, "metadata", nil, "metadata: required, and missing"},
		{"required of a class", finding, "finding_info", nil, "finding_info: required, and missing"},
		{"no user", signOn, "user", nil, "user: required, and missing"},
		{"no user of a session", session, "user", nil, "user: required, and missing"},
		{"no group", group, "group", nil, "group: required, and missing"},
		{"required of an object", finding, "finding_info.uid", nil, "finding_info.uid: required, and missing"},
		{"required deep within", finding, "finding_info.related_events.uid", nil, "finding_info.related_events[0].uid: required, and missing"},
		{"required of a factor", signOn, "auth_factors.factor_type_id", nil, "auth_factors[0].factor_type_id: required, and missing"},
		{"required of a profile", finding, "cloud", nil, "cloud: required, and missing"},
		{"without its profile", finding, "metadata.profiles", nil, `cloud: is of profile "cloud", which metadata.profiles does not name`},
		{"profile nobody knows", signOn, "metadata.profiles", []any{"host"}, `metadata.profiles: "host" is not known here`},
		{"none of several", finding, "finding_info.attacks", []any{map[string]any{}}, "finding_info.attacks[0]: needs at least one of tactic, technique, sub_technique"},
		{"none of several of a class", signOn, "service", nil, "the event: needs at least one of service, dst_endpoint"},
		{"not just one", session, "privileges", nil, "the event: needs exactly one of privileges, group, and has 0"},
		{"two instead of one", session, "group", map[string]any{"name": "a"}, "the event: needs exactly one of privileges, group, and has 2"},
		{"outside of an enumeration", finding, "status_id", 12, "status_id: 12 is not in the enumeration"},
		{"severity outside", finding, "severity_id", 7, "severity_id: 7 is not in the enumeration"},
		{"outside deep within", finding, "finding_info.analytic.type_id", 12, "finding_info.analytic.type_id: 12 is not in the enumeration"},
		{"a status of another class", group, "status_id", 4, "status_id: 4 is not in the enumeration"},
		{"a text for a number", finding, "time", "2026-05-04T08:14:58Z", `time: want timestamp_t (got the text "2026-05-04T08:14:58Z")`},
		{"a fraction", finding, "time", 1.5, "time: want timestamp_t (got the number 1.5)"},
		{"a number for a text", finding, "message", 5, "message: want string_t (got the number 5)"},
		{"null", finding, "message", json.RawMessage("null"), "message: want string_t (got null)"},
		{"a text for a truth", signOn, "is_mfa", "yes", `is_mfa: want boolean_t (got the text "yes")`},
		{"a text for a list", session, "privileges", "all", `privileges: want a list of string_t (got the text "all")`},
		{"a number in a list", session, "privileges", []any{"a", 5}, "privileges[1]: want string_t (got the number 5)"},
		{"a list for an object", finding, "finding_info", []any{}, "finding_info: want object (got a list)"},
		{"no address", signOn, "src_endpoint.ip", "unknown", `src_endpoint.ip: want ip_t (got the text "unknown")`},
		{"no email", signOn, "user.email_addr", "ada", `user.email_addr: want email_t (got the text "ada")`},
		{"unmapped is no object", finding, "unmapped", "a", `unmapped: want any object (got the text "a")`},
		{"an attribute nobody knows", finding, "colour", "red", "colour: is not known here"},
		{"an attribute of another object", finding, "finding_info.version", "1", "finding_info.version: is not known here"},
		{"an attribute of another class", session, "finding_info", map[string]any{"uid": "a"}, "finding_info: is not known here"},
		{"type of another activity", finding, "type_uid", 200402, "type_uid: is 200402, want 200401"},
		{"another category", finding, "category_uid", 3, "category_uid: is 3, want 2"},
		{"category by another name", finding, "category_name", "Finding", `category_name: is "Finding", want "Findings"`},
		{"class by another name", finding, "class_name", "Security Finding", `class_name: is "Security Finding", want "Detection Finding"`},
		{"type by another name", finding, "type_name", "Detection Finding: Update", `type_name: is "Detection Finding: Update", want "Detection Finding: Create"`},
		{"a caption that says otherwise", finding, "severity", "Low", `severity: is "Low", but severity_id 4 is "High"`},
		{"a caption deep within", signOn, "auth_factors.factor_type", "SMS", `auth_factors[0].factor_type: is "SMS", but factor_type_id 5 is "Push Notification"`},
		{"another version", finding, "metadata.version", "1.0.0", `metadata.version: is "1.0.0", want "1.5.0"`},
		{"no class", finding, "class_uid", nil, "class_uid: required, and missing or no whole number"},
		{"a class nobody knows", finding, "class_uid", 2001, "class_uid: 2001 is none of the classes that are known here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var e map[string]any
			if err := json.Unmarshal(sample(t, c.sample), &e); err != nil {
				t.Fatal(err)
			}
			set(e, strings.Split(c.path, "."), c.value)
			b, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			if got := texts(Check(b)); !slices.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCheckRefusesWhatIsNoEvent(t *testing.T) {
	for _, b := range []string{"", "null", "[]", `"a"`, "{", `{"class_uid":2004}{}`, `{"class_uid":2004} x`} {
		if len(Check([]byte(b))) == 0 {
			t.Errorf("%s is taken for an event", b)
		}
	}
}

// A class or object that names another must find it.
func TestEveryObjectIsThere(t *testing.T) {
	all := objects()
	used := make(map[string]bool)
	look := func(where string, s *structure) {
		for name, a := range s.attributes {
			if (a.kind == object) != (a.object != "") {
				t.Errorf("%s.%s is of kind %s and object %q", where, name, a.kind, a.object)
			}
			if a.object != "" && all[a.object] == nil {
				t.Errorf("%s.%s is of object %s, which is not there", where, name, a.object)
			}
			if a.caption != "" && s.attributes[a.caption].kind != text {
				t.Errorf("%s.%s has the caption %s, which is no text", where, name, a.caption)
			}
			used[a.object] = true
		}
	}
	for _, c := range classes() {
		look(c.name, &c.structure)
	}
	for name, o := range all {
		look(name, o)
	}
	for name := range all {
		if !used[name] {
			t.Errorf("nothing has an object %s", name)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add([]byte(`{"class_uid":2004,"metadata":{"profiles":["cloud",1]}}`))
	f.Add([]byte(`{"class_uid":3002,"user":[],"auth_factors":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(Check(b)) == 0 && !json.Valid(b) {
			t.Errorf("what is no JSON is correct: %q", b)
		}
	})
}
