package entry

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jitaudit/correlate/identity"
)

func someCalls(n int) *Entry {
	e := &Entry{To: HomeOfRole("AROA1EXAMPLE:ada@example.com"), Role: "arn:aws:iam::111122223333:role/Admin"}
	for i := range n {
		e.Calls = append(e.Calls, Call{
			ID: fmt.Sprintf("b1a5c9d3-0f1e-4d2c-8000-%012x", i*7919), Shard: "aws/111122223333/eu-west-1", Rank: uint64(i) << 40,
			At: 1_767_600_000_000_000 + int64(i)*1_000_000, Created: 1_767_600_000_000_000, Key: "ASIA1EXAMPLE",
			Service: "s3", Action: "ListBuckets", Flags: ReadOnly,
		})
	}
	return e
}

// Whatever an entry is, it is written as encoding/json writes it, and read as
// encoding/json reads it.
func TestCallsAreWhatEncodingJSONSays(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,40}`), rapid.StringMatching(`[A-Za-z0-9:@./-]{1,40}`))
	call := rapid.Custom(func(t *rapid.T) Call {
		return Call{
			ID: texts.Draw(t, "id"), Shard: texts.Draw(t, "shard"), Rank: rapid.Uint64().Draw(t, "rank"),
			At: rapid.Int64().Draw(t, "at"), Created: rapid.Int64().Draw(t, "created"), Key: texts.Draw(t, "key"),
			Service: texts.Draw(t, "service"), Action: texts.Draw(t, "action"), Flags: Flags(rapid.Uint8().Draw(t, "flags")),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		e := &Entry{To: roleHome + texts.Draw(t, "to"), Role: texts.Draw(t, "role"), Calls: rapid.SliceOfN(call, 0, 4).Draw(t, "calls")}
		if rapid.IntRange(0, 9).Draw(t, "more") == 0 {
			e.Claims = []identity.Claim{{Handle: "h"}}
		}
		got, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		want, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != string(want) {
			t.Fatalf("encoding/json writes\n%s\nwe write\n%s", want, got)
		}
		same(t, got)
	})
}

type fataler interface {
	Fatalf(string, ...any)
}

// same holds what we read against what encoding/json reads.
func same(t fataler, line []byte) {
	var want Entry
	wantErr := json.Unmarshal(line, &want)
	got, err := Decode(line)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%s: encoding/json says %v, we say %v", line, wantErr, err)
	}
	if err == nil && !cmp.Equal(&want, got) {
		t.Fatalf("%s:\n%s", line, cmp.Diff(&want, got))
	}
}

func TestNearlyPlainCallsAreLeftToEncodingJSON(t *testing.T) {
	good, err := someCalls(2).Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`"role":"arn:aws:iam::111122223333:role/Admin"`, `"role":""`}, {`"role":`, `"role" :`}, {`"r":0`, `"r":00`}, {`"r":0`, `"r":-1`}, {`"r":0`, `"r":1.5`}, {`"r":0`, `"r":99999999999999999999`},
		{`"f":8`, `"f":300`}, {`"f":8`, `"f":0`}, {`"t":1`, `"t":-1`}, {`"t":1`, `"t": 1`}, {`"k":"ASIA1EXAMPLE"`, `"k":""`},
		{`]}`, `]} `}, {`]}`, `],"sent":{"home":1,"version":2}}`}, {`]}`, `]`}, {`},{`, `},`}, {`"s":"s3"`, `"s":"s\u0033"`},
		{`"s":"s3",`, ``}, {`"i":`, `"x":1,"i":`}, {`ListBuckets`, "List\x01"}, {`ListBuckets`, "Löschen"}, {`ListBuckets`, "\xff"}, {`"calls"`, `"Calls"`},
	} {
		line := strings.Replace(string(good), change[0], change[1], 1)
		if line == string(good) {
			t.Errorf("nothing to change: %q", change[0])
		}
		same(t, []byte(line))
	}
}

func FuzzDecode(f *testing.F) {
	for n := range 3 {
		b, err := someCalls(n).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(fmt.Sprintf(`{"to":"role a","calls":[{"i":"","h":"","r":%d,"t":0,"s":"","a":""}]}`, uint64(math.MaxUint64))))
	f.Fuzz(func(t *testing.T, line []byte) { same(t, line) })
}

func BenchmarkCalls(b *testing.B) {
	e := someCalls(50)
	line, err := e.Encode()
	if err != nil {
		b.Fatal(err)
	}
	run := func(name string, do func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := do(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(e.Calls)), "ns/call")
		})
	}
	run("encode", func() error { _, err := e.Encode(); return err })
	run("encode/encoding-json", func() error { _, err := json.Marshal(e); return err })
	run("decode", func() error { _, err := Decode(line); return err })
	run("decode/encoding-json", func() error { return json.Unmarshal(line, new(Entry)) })
}
