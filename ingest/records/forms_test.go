package records_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"jitaudit/ingest"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/records"
	"jitaudit/schemas"
)

// readAll tells what a file holds: each record as "NUMBER@OFFSET RAW", each dead
// letter as "!NUMBER@OFFSET RAW: REASON".
func readAll(t *testing.T, r io.Reader) []string {
	t.Helper()
	got := []string{}
	err := records.Read(r, records.Options{Source: schemas.Okta, File: "f"},
		func(rec ingest.Record) error {
			if rec.Source != schemas.Okta || rec.File != "f" {
				t.Errorf("record of %s in %s", rec.Source, rec.File)
			}
			got = append(got, fmt.Sprintf("%d@%d %s", rec.Number, rec.Offset, rec.Raw))
			return nil
		},
		func(d schemas.DeadLetter) error {
			if d.Source != schemas.Okta || d.File != "f" || len(d.Raw) > schemas.RawLimit {
				t.Errorf("dead letter of %s in %s with %d bytes", d.Source, d.File, len(d.Raw))
			}
			got = append(got, fmt.Sprintf("!%d@%d %s: %s", d.Record, d.Offset, d.Raw, d.Reason))
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func zip(t testing.TB, members ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, m := range members {
		w := gzip.NewWriter(&b)
		if _, err := io.WriteString(w, m); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestForms(t *testing.T) {
	for _, tc := range []struct {
		name, in string
		want     []string
	}{
		{"CloudTrail file", `{"Records":[{"a":1},{"b":2}]}`, []string{`1@12 {"a":1}`, `2@20 {"b":2}`}},
		{"CloudTrail file, indented", "{\n  \"Records\" : [\n    {\"a\": 1} ,\n    {\"b\": 2}\n  ]\n}\n", []string{`1@22 {"a": 1}`, `2@37 {"b": 2}`}},
		{"CloudTrail file without records", `{"Records":[]}`, []string{}},
		{"members around the records", `{"v":1,"Records":[{"a":1}],"next":{"Records":[2]}}`, []string{`1@18 {"a":1}`}},
		{"two arrays of records", `{"Records":[{"a":1}],"Records":[{"b":2}]}`, []string{`1@12 {"a":1}`, `2@32 {"b":2}`}},
		{"CloudTrail files one after another", `{"Records":[{"a":1}]}` + "\n" + `{"Records":[{"b":2}]}`, []string{`1@12 {"a":1}`, `2@34 {"b":2}`}},
		{"Records that are no array", `{"Records":null}`, []string{`1@0 {"Records":null}`}},
		{"Records deeper down", `{"x":{"Records":[1]}}`, []string{`1@0 {"x":{"Records":[1]}}`}},
		{"array", `[{"a":1}, {"b":2}]`, []string{`1@1 {"a":1}`, `2@10 {"b":2}`}},
		{"empty array", ` [ ] `, []string{}},
		{"arrays one after another", "[{\"a\":1}]\n[{\"b\":2}]", []string{`1@1 {"a":1}`, `2@11 {"b":2}`}},
		{"NDJSON", "{\"a\":1}\n{\"b\":2}\n", []string{`1@0 {"a":1}`, `2@8 {"b":2}`}},
		{"NDJSON with CRLF, blank lines and no last line end", "{\"a\":1}\r\n\r\n{\"b\":2}", []string{`1@0 {"a":1}`, `2@11 {"b":2}`}},
		{"single record", "{\n \"a\": 1\n}\n", []string{"1@0 {\n \"a\": 1\n}"}},
		{"concatenated records", `{"a":1}{"b":2} {"c":3}`, []string{`1@0 {"a":1}`, `2@7 {"b":2}`, `3@15 {"c":3}`}},
		{"LookupEvents", `{"Events":[{"EventId":"x","CloudTrailEvent":"{\"a\":\"\\u00e9\"}"}],"NextToken":"t"}`, []string{`1@11 {"a":"\u00e9"}`}},
		{"events of LookupEvents by themselves", `[{"EventId":"x","CloudTrailEvent":"{\"a\":1}"}]`, []string{`1@1 {"a":1}`}},
		{"events of LookupEvents in lines", "{\"CloudTrailEvent\":\"{}\"}\n{\"CloudTrailEvent\":5}", []string{`1@0 {}`, `2@25 {"CloudTrailEvent":5}`}},
		{"UTF-8 byte order mark", "\ufeff{\"a\":1}", []string{`1@3 {"a":1}`}},
		{"byte order marks within", "\ufeff{\"a\":1}\n\ufeff{\"b\":2}", []string{`1@3 {"a":1}`, `2@14 {"b":2}`}},
		{"empty object", `{}`, []string{`1@0 {}`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			forms := map[string]io.Reader{
				"plain":        strings.NewReader(tc.in),
				"byte by byte": iotest.OneByteReader(strings.NewReader(tc.in)),
				"gzip":         bytes.NewReader(zip(t, tc.in)),
				"two members":  bytes.NewReader(zip(t, tc.in[:len(tc.in)/2], tc.in[len(tc.in)/2:])),
				"data and EOF": iotest.DataErrReader(strings.NewReader(tc.in)),
			}
			for name, r := range forms {
				if diff := cmp.Diff(tc.want, readAll(t, r)); diff != "" {
					t.Errorf("%s: (-want +got)\n%s", name, diff)
				}
			}
		})
	}
}

func TestRecordsAcrossBuffers(t *testing.T) {
	var in, want strings.Builder
	for i := range 3000 {
		line := fmt.Sprintf(`{"n":%d,"pad":"%s"}`, i, strings.Repeat("x\\n", i%700))
		fmt.Fprintf(&want, "%d@%d %s\n", i+1, in.Len(), line)
		in.WriteString(line + "\n")
	}
	if got := strings.Join(readAll(t, strings.NewReader(in.String())), "\n") + "\n"; got != want.String() {
		t.Error("records differ")
	}
}

func TestLargeRecordsAreRead(t *testing.T) {
	large := fmt.Sprintf(`{"pad":"%s"}`, strings.Repeat("x", records.MaxRecord-10))
	got := readAll(t, strings.NewReader(large+"\n{}"))
	if len(got) != 2 || len(got[0]) != len("1@0 ")+records.MaxRecord || got[1] != fmt.Sprintf("2@%d {}", records.MaxRecord+1) {
		t.Errorf("got %d records, the first of %d bytes", len(got), len(got[0]))
	}
}

func TestReaderIsReused(t *testing.T) {
	var r records.Reader
	for _, in := range []string{"{\"a\":1}\n{\"b\":", "{\n\"a\":1}", string(zip(t, `[{"a":1}]`)), string(zip(t, `[{"a":1}]`))[:20], ""} {
		var want, got []string
		collect := func(to *[]string) (func(ingest.Record) error, func(schemas.DeadLetter) error) {
			return func(rec ingest.Record) error {
					*to = append(*to, fmt.Sprint(rec.Number, rec.Offset, string(rec.Raw)))
					return nil
				},
				func(d schemas.DeadLetter) error {
					*to = append(*to, fmt.Sprint(d.Record, d.Offset, d.Reason))
					return nil
				}
		}
		fn, dead := collect(&want)
		if err := records.Read(strings.NewReader(in), records.Options{}, fn, dead); err != nil {
			t.Fatal(err)
		}
		fn, dead = collect(&got)
		if err := r.Read(strings.NewReader(in), records.Options{}, fn, dead); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: (-fresh +reused)\n%s", in, diff)
		}
	}
}

func TestFieldsAreFoundWhileSplitting(t *testing.T) {
	fields := jsonscan.NewFields("a", "b.c")
	for _, in := range []string{
		`{"Records":[{"a":"1","b":{"c":"x"}},{"b":{"c":"y"}}]}`,
		`{"Events":[{"CloudTrailEvent":"{\"a\":\"1\",\"b\":{\"c\":\"x\"}}"},{"CloudTrailEvent":"{\"b\":{\"c\":\"y\"}}"}]}`,
	} {
		var got []string
		err := records.Read(strings.NewReader(in), records.Options{Fields: fields}, func(rec ingest.Record) error {
			got = append(got, rec.Values.Text(0)+rec.Values.Text(1))
			return nil
		}, nil)
		if diff := cmp.Diff([]string{"1x", "y"}, got); diff != "" || err != nil {
			t.Errorf("%v %s", err, diff)
		}
	}
}

func TestErrorsOfTheCallerAndTheDiskEndTheReading(t *testing.T) {
	stop := errors.New("stop")
	none := func(schemas.DeadLetter) error { return nil }
	for _, in := range []string{`[{"a":1},{}]`, `{"a":1}`, `{"Records":[{"a":1}]}`} {
		if err := records.Read(strings.NewReader(in), records.Options{}, func(ingest.Record) error { return stop }, none); !errors.Is(err, stop) {
			t.Errorf("%s: got %v", in, err)
		}
	}
	for _, in := range []string{`[{"a":1},5]`, `nope`, `{"Records":[nope]}`, "", "\xff\xfe"} {
		err := records.Read(strings.NewReader(in), records.Options{}, func(ingest.Record) error { return nil },
			func(schemas.DeadLetter) error { return stop })
		if !errors.Is(err, stop) {
			t.Errorf("%s: got %v", in, err)
		}
	}
	broken := errors.New("input/output error")
	for _, in := range []string{"", `{"a":1}`, `[{"a":`, string(zip(t, `[{"a":1}]`))[:20]} {
		r := io.MultiReader(strings.NewReader(in), iotest.ErrReader(broken))
		err := records.Read(r, records.Options{File: "f"}, func(ingest.Record) error { return nil },
			func(d schemas.DeadLetter) error { t.Errorf("%q: dead letter %s", in, d.Reason); return nil })
		if !errors.Is(err, broken) {
			t.Errorf("%q: got %v", in, err)
		}
	}
}
