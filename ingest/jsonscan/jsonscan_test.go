package jsonscan_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"jitaudit/ingest/jsonscan"
)

// depth is the deepest nesting of valid JSON.
func depth(raw []byte) int {
	deepest, open, inString, escaped := 0, 0, false, false
	for _, c := range raw {
		switch {
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			open++
			deepest = max(deepest, open)
		case c == '}' || c == ']':
			open--
		}
	}
	return deepest
}

var documents = []string{
	`{}`, `[]`, `{"a":1}`, ` { "a" : [ 1 , 2.5e-3 , -0 , true , false , null ] } `, `""`, `"a\u00e9\n\"\\"`, `"\ud800"`,
	`0`, `-1`, `1.5`, `1e9`, `1E+9`, `null`, `true`, `false`, `[[[]]]`, `{"a":{"b":{"c":"d"}}}`,
	``, ` `, `{`, `}`, `[`, `]`, `{]`, `[}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{a:1}`, `{'a':1}`,
	`01`, `-`, `1.`, `.5`, `1e`, `1e+`, `+1`, `0x1`, `NaN`, `tru`, `trues`, `nul`, `falsy`, `"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`,
	"\"a\nb\"", "\"a\tb\"", "\"\x00\"", "\x00", "{}\x00", `{} {}`, `{}x`, "\"\xff\"", `{"a":1 "b":2}`, `[1 2]`, "\ufeff{}",
	`{"aaaaaaaaaaaaaaaaaaaa":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}`, `"1234567"`, `"12345678"`, `"123456789"`,
}

func checkValid(t *testing.T, raw []byte) {
	t.Helper()
	var doc jsonscan.Document
	_, err := doc.Parse(raw, nil)
	// What was learnt from documents before changes nothing.
	for _, before := range [][]byte{[]byte(typical), raw[:len(raw)/2], raw} {
		_, _ = doc.Parse(before, nil)
		if _, again := doc.Parse(raw, nil); (again == nil) != (err == nil) {
			t.Errorf("%q: after %q %v, else %v", raw, before, again, err)
		}
	}
	want := json.Valid(raw)
	if want && depth(raw) > jsonscan.MaxDepth {
		want = false
	}
	if (err == nil) != want {
		t.Errorf("%q: accepted %t, want %t (%v)", raw, err == nil, want, err)
	}
}

func TestAcceptsWhatEncodingJSONAccepts(t *testing.T) {
	for _, raw := range documents {
		checkValid(t, []byte(raw))
		// Cut anywhere, it is judged the same way.
		for n := range raw {
			checkValid(t, []byte(raw[:n]))
		}
	}
}

func TestNestingIsLimited(t *testing.T) {
	for _, tc := range []struct {
		name, raw string
		ok        bool
	}{
		{"arrays at the limit", strings.Repeat("[", 50) + strings.Repeat("]", 50), true},
		{"arrays beyond", strings.Repeat("[", 51) + strings.Repeat("]", 51), false},
		{"objects at the limit", strings.Repeat(`{"a":`, 50) + "1" + strings.Repeat("}", 50), true},
		{"objects beyond", strings.Repeat(`{"a":`, 51) + "1" + strings.Repeat("}", 51), false},
		{"a million brackets", strings.Repeat("[", 1_000_000), false},
	} {
		var doc jsonscan.Document
		_, err := doc.Parse([]byte(tc.raw), nil)
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err != nil && !errors.Is(err, jsonscan.ErrNoJSON) {
			t.Errorf("%s: error %v does not wrap ErrNoJSON", tc.name, err)
		}
	}
}

var wanted = []string{"eventName", "a", "a.b", "user.id", "user.sessionContext.attributes.created", "é", "", "12345678", "1234567"}

// lookUp finds a path as encoding/json would.
func lookUp(doc any, path string) (any, bool) {
	for key := range strings.SplitSeq(path, ".") {
		m, ok := doc.(map[string]any)
		if !ok {
			return nil, false
		}
		if doc, ok = m[key]; !ok {
			return nil, false
		}
	}
	return doc, true
}

func checkFields(t *testing.T, raw []byte) {
	t.Helper()
	var scanned jsonscan.Document
	fields := jsonscan.NewFields(wanted...)
	for range 2 { // what is learnt from a document changes nothing
		if v, err := scanned.Parse(raw, fields); err == nil {
			checkValues(t, raw, v)
		}
		_, _ = scanned.Parse([]byte(typical), fields)
	}
}

const typical = `{"eventName":"x","user":{"id":"1","sessionContext":{"attributes":{"created":"now"}}},"sessionCredentialFromConsole":"true","a":2,"1234567":1}`

func checkValues(t *testing.T, raw []byte, v *jsonscan.Values) {
	t.Helper()
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		// Numbers out of the range of float64 are valid JSON.
		return
	}
	for slot, path := range wanted {
		want, ok := lookUp(doc, path)
		if ok != (v.Kind(slot) != jsonscan.Missing) {
			t.Errorf("%q: field %q found %t, want %t", raw, path, !ok, ok)
			continue
		}
		if !ok {
			continue
		}
		var got any
		if err := json.Unmarshal(v.Raw(slot), &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: field %q = %v, want %v (%v)", raw, path, got, want, err)
		}
		if s, isString := want.(string); isString && v.Text(slot) != s {
			t.Errorf("%q: field %q = %q, want %q", raw, path, v.Text(slot), s)
		}
	}
}

func TestFieldsAreThoseOfEncodingJSON(t *testing.T) {
	for _, raw := range []string{
		`{"eventName":"x","user":{"id":"1","sessionContext":{"attributes":{"created":"now"}}}}`,
		`{"a":{"b":1}}`, `{"a":{"b":1},"a":{}}`, `{"a":{"b":1},"a":2}`, `{"a":2,"a":{"b":1}}`, `{"a":{"b":1},"a":null}`,
		`{"a":{"b":1,"b":2}}`, `{"user":{"id":"1"},"user":{"x":"2"}}`, `{"user":{"id":"1"},"user":5}`,
		`{"event\u004eame":"x"}`, `{"eventName":"x","event\u004eame":"y"}`, `{"\u00e9":"x"}`, `{"é":"\u00e9"}`,
		"{\"eventName\":\"\xff\"}", "{\"eventName\":\"a\\n\xff\"}", `{"eventName":"\ud800"}`, `{"":"empty"}`,
		`{"eventNames":"x","eventNam":"y","EventName":"z"}`, `{"12345678":1,"1234567":2,"123456789":3}`,
		`{"x":{"eventName":"deep"},"y":[{"eventName":"deep"}]}`, `{"Records":[1],"Events":[2],"eventName":"x"}`,
	} {
		checkFields(t, []byte(raw))
	}
}

func TestElements(t *testing.T) {
	var got []string
	var doc jsonscan.Document
	fields := jsonscan.NewFields("type")
	collect := func(k jsonscan.Kind, v *jsonscan.Values) error {
		got = append(got, k.String()+":"+v.Text(0))
		return nil
	}
	if err := doc.Elements([]byte(`[ {"type":"User"} , {"x":1}, 5, null ]`), fields, collect); err != nil {
		t.Fatal(err)
	}
	want := []string{"an object:User", "an object:", "a number:", "null:"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, bad := range []string{``, `{}`, `[`, `[1`, `[1,`, `[1 2]`, `[,]`, `[1,]`} {
		if err := doc.Elements([]byte(bad), fields, collect); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func FuzzScan(f *testing.F) {
	for _, raw := range documents {
		f.Add([]byte(raw))
	}
	f.Add([]byte(`{"eventName":"x","user":{"id":"1"},"user":{"sessionContext":{"attributes":{"created":"now"}}},"a":{"b":1},"a":2,"é":"\u00e9"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		checkValid(t, raw)
		checkFields(t, raw)
	})
}
