package records_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// FuzzRead compares with encoding/json: a file that is one valid object within
// the limits is one record, unless it is an envelope. Whatever the file, the way
// in which it arrives changes nothing, and numbers and offsets grow.
func FuzzRead(f *testing.F) {
	for _, in := range []string{
		`{"Records":[{"a":1},{"b":2}],"x":1}`, `[{"a":1},5,{"b":]}]`, "{\"a\":1}\n{\"b\":\n{\"c\":3}\n", "{\n \"a\": 1\n}\n",
		`{"Events":[{"CloudTrailEvent":"{\"a\":1}"}]}`, "\ufeff{}", `[{"a":{"b":1},{"c":3}]`, `[{"a":[1,{"b":2]},{"c":3}]`, `[{"a":"x},{"b":1}]`,
		"{\x00", "\x1f\x8b\x08", "PK\x03\x04", string(zip(f, `{"a":1}`)), strings.Repeat("[", 60),
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got := readAll(t, bytes.NewReader(in))
		if slow := readAll(t, iotest.OneByteReader(bytes.NewReader(in))); !slices.Equal(got, slow) {
			t.Errorf("%q: in pieces %q, else %q", in, slow, got)
		}
		if len(got) == 0 && !json.Valid(bytes.TrimPrefix(in, []byte("\ufeff"))) && !bytes.Contains(in, []byte("]")) && !bytes.HasPrefix(in, []byte("\x1f\x8b")) {
			t.Errorf("%q: nothing was told", in)
		}
		number, offset := 0, 0
		for _, g := range got {
			var n, o int
			if _, err := fmt.Sscanf(strings.TrimPrefix(g, "!"), "%d@%d", &n, &o); err != nil {
				t.Fatal(err)
			}
			if n != number+1 && n != 0 || o < offset {
				t.Errorf("%q: %q", in, got)
			}
			number, offset = max(n, number), o
		}
		trimmed := bytes.Trim(in, " \t\r\n")
		if !json.Valid(in) || trimmed[0] != '{' || deep(trimmed) || bytes.Contains(in, []byte(`Records`)) || bytes.Contains(in, []byte(`Events`)) || bytes.IndexByte(in, '\\') >= 0 {
			return
		}
		if len(got) != 1 || !strings.HasSuffix(got[0], " "+string(trimmed)) || got[0][0] == '!' {
			t.Errorf("%q: got %q", in, got)
		}
	})
}

func deep(raw []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	depth := 0
	for {
		token, err := dec.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			if depth++; depth > 50 {
				return true
			}
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}
