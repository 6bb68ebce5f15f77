package records_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"jitaudit/ingest"
	"jitaudit/ingest/records"
	"jitaudit/schemas"
)

func TestBadInput(t *testing.T) {
	deep := strings.Repeat(`{"d":`, 51) + "1" + strings.Repeat("}", 51)
	for _, tc := range []struct {
		name, in string
		// want are records and dead letters as readAll tells them; of a dead letter
		// only the beginning and what follows "…" within its reason.
		want []string
	}{
		{"empty file", "", []string{"!0@0 : …empty file"}},
		{"white space only", " \n\t\n", []string{"!0@4 : …empty file"}},
		{"byte order mark only", "\ufeff", []string{"!0@3 : …empty file"}},
		{"UTF-16 with a mark", "\xff\xfe{\x00}\x00", []string{"!0@0 …convert it to UTF-8"}},
		{"UTF-16 big-endian with a mark", "\xfe\xff\x00{\x00}", []string{"!0@0 …convert it to UTF-8"}},
		{"UTF-16 without a mark", "{\x00\"\x00a\x00", []string{"!0@0 …convert it to UTF-8"}},
		{"NUL bytes only", strings.Repeat("\x00", 1000), []string{"!0@0 …convert it to UTF-8"}},
		{"NUL bytes behind the records", "{\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}\n\x00\x00\x00\n{}",
			[]string{`1@0 {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":1}`, "!2@72 \x00\x00\x00: …convert it to UTF-8", "3@76 {}"}},
		{"packed otherwise", "PK\x03\x04....", []string{"!0@0 …unpack it"}},
		{"gzip twice", string(zip(t, string(zip(t, "{}")))), []string{"!0@0 …unpack it"}},

		{"malformed line", "{\"a\":1}\n{\"b\":}\n{\"c\":3}\n", []string{`1@0 {"a":1}`, `!2@8 {"b":}: …at byte 13`, `3@15 {"c":3}`}},
		{"malformed first line", "{\"b\":}\n{\"c\":3}\n", []string{`!1@0 {"b":}: …at byte 5`, `2@7 {"c":3}`}},
		{"lines that are no JSON", "nope\nneither\n{\"c\":3}\n", []string{`!1@0 nope: …`, `!2@5 neither: …`, `3@13 {"c":3}`}},
		{"line that is cut off", "{\"a\":1}\n{\"b\":\n{\"c\":3}\n", []string{`1@0 {"a":1}`, `!2@8 {"b":: …`, `3@14 {"c":3}`}},
		{"string that is cut off", "{\"a\":1}\n{\"b\":\"x\n{\"c\":3}\n", []string{`1@0 {"a":1}`, `!2@8 {"b":"x: …not closed`, `3@16 {"c":3}`}},
		{"last line is cut off", "{\"a\":1}\n{\"b\":", []string{`1@0 {"a":1}`, `!2@8 {"b":: …the file ends`}},
		{"single record is cut off", "{\n  \"b\":", []string{"!1@0 {\n  \"b\":: …the file ends"}},
		{"malformed among records of many lines", "{\n \"a\": 1\n}\n{\n \"b\": }\n}\n{\n \"c\": 3\n}\n",
			[]string{"1@0 {\n \"a\": 1\n}", "!2@12 {\n \"b\": }\n}: …", "3@24 {\n \"c\": 3\n}"}},
		{"values of other types", "5\n\"x\"\nnull\ntrue\n{}\n", []string{`!1@0 5: …a number`, `!2@2 "x": …a string`, `!3@6 null: …null`, `!4@11 true: …a boolean`, `5@16 {}`}},
		{"rest of a line", "{} x\n{}\n", []string{`1@0 {}`, `!2@3 x: …`, `3@5 {}`}},
		{"deep record in a line", deep + "\n{}", []string{"!1@0 " + deep + ": …deeper than 50", "2@308 {}"}},

		{"malformed element", `{"Records":[{"a":1},{"b":},{"c":3}]}`, []string{`1@12 {"a":1}`, `!2@20 {"b":}: …at byte 25`, `3@27 {"c":3}`}},
		{"malformed element with commas and brackets", `[{"b":[1,{"x":tru},"]"],"s":",}\""},{"c":3}]`, []string{`!1@1 {"b":[1,{"x":tru},"]"],"s":",}\""}: …`, `2@36 {"c":3}`}},
		{"element that is no JSON", `[nope,{"c":3}]`, []string{`!1@1 nope: …`, `2@6 {"c":3}`}},
		{"elements of other types", `[5,"x",null,[1],{"c":3}]`, []string{`!1@1 5: …`, `!2@3 "x": …`, `!3@7 null: …`, `!4@12 [1]: …an array`, `5@16 {"c":3}`}},
		{"missing element", `[{"a":1},,{"c":3}]`, []string{`1@1 {"a":1}`, `!2@9 : …`, `3@10 {"c":3}`}},
		{"comma behind the last element", `[{"a":1},]`, []string{`1@1 {"a":1}`, `!2@9 : …`}},
		{"missing comma", `[{"a":1}{"b":2},{"c":3}]`, []string{`1@1 {"a":1}`, `!2@8 {"b":2}: …comma`, `3@16 {"c":3}`}},
		{"missing brace", `[{"a":{"b":1},{"c":3},{"d":4}]`, []string{`!1@1 {"a":{"b":1}: …`, `2@14 {"c":3}`, `3@22 {"d":4}`}},
		{"missing brace of the last", `{"Records":[{"a":1},{"c":{"d":4}]}`, []string{`1@12 {"a":1}`, `!2@20 {"c":{"d":4}: …`}},
		{"wrong bracket", `[{"a":[1,{"b":2]},{"c":3}]`, []string{`!1@1 {"a":[1,{"b":2]}: …`, `2@18 {"c":3}`}},
		{"additional brace", `[{"a":1}},{"c":3}]`, []string{`1@1 {"a":1}`, `!2@8 }: …`, `3@10 {"c":3}`}},
		{"deep element", `[` + deep + `,{"c":3}]`, []string{"!1@1 " + deep + ": …deeper than 50", `2@309 {"c":3}`}},
		{"raw line end in a string", "[{\"a\":\"x\ny\"},{\"c\":3}]", []string{"!1@1 {\"a\":\"x\ny\"}: …", `2@13 {"c":3}`}},
		{"NUL in a string of a later element", `[{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":1},{"a":"` + "\x00" + `"},{"c":3}]`,
			[]string{`1@1 {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa":1}`, "!2@73 {\"a\":\"\x00\"}: …convert it to UTF-8", `3@83 {"c":3}`}},
		{"no way on", `[{"a":"x},{"b":1},{"c":3}]`, []string{`!1@1 {"a":"x},{"b":1},{"c":3}]: …no further record`}},
		{"array is cut off", `[{"a":1}`, []string{`1@1 {"a":1}`, `!2@8 : …the file ends`}},
		{"array is cut off behind a comma", `[{"a":1},`, []string{`1@1 {"a":1}`, `!2@9 : …the file ends`}},
		{"element is cut off", `{"Records":[{"a":1},{"b":`, []string{`1@12 {"a":1}`, `!2@20 {"b":: …the file ends`}},
		{"envelope is cut off", `{"Records":[{"a":1}]`, []string{`1@12 {"a":1}`, `!2@20 : …the file ends`}},
		{"envelope is malformed behind its records", `{"Records":[{"a":1}],x}`, []string{`1@12 {"a":1}`, `!2@21 x}: …`}},
		{"envelope is malformed before its records", "{\"v\":x,\"Records\":[{\"a\":1}]}\n{\"c\":3}", []string{`!1@0 {"v":x,"Records":[{"a":1}]}: …`, `2@28 {"c":3}`}},

		{"LookupEvents without a record", `{"Events":[{"EventId":"x"},5,{"CloudTrailEvent":"{\"a\":1}"}]}`, []string{`!1@11 {"EventId":"x"}: …CloudTrailEvent`, `!2@27 5: …CloudTrailEvent`, `3@29 {"a":1}`}},
		{"LookupEvents with a malformed record", `{"Events":[{"CloudTrailEvent":"{\"a\":}"},{"CloudTrailEvent":"5"},{"CloudTrailEvent":""}]}`,
			[]string{`!1@11 {"CloudTrailEvent":"{\"a\":}"}: …no valid JSON at byte 5`, `!2@42 5: …a number`, `!3@66 {"CloudTrailEvent":""}: …ends too early`}},

		{"gzip that ends in its header", "\x1f\x8b\x08", []string{"!0@0 : …gzip header"}},
		{"gzip header with a wrong method", "\x1f\x8b\x07\x00\x00\x00\x00\x00\x00\x00", []string{"!0@0 : …gzip header"}},
		{"text behind gzip", string(zip(t, `{"a":1}`)) + "trailing text", []string{`1@0 {"a":1}`, `!2@7 : …the gzip file is damaged`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, in := range []string{tc.in, string(zip(t, tc.in))} {
				got := readAll(t, strings.NewReader(in))
				if !alike(tc.want, got) {
					t.Errorf("want %q\n got %q", tc.want, got)
				}
				if strings.HasPrefix(tc.in, "\x1f\x8b") || tc.in == "" {
					break
				}
			}
		})
	}
}

func alike(want, got []string) bool {
	if len(want) != len(got) {
		return false
	}
	for i, w := range want {
		start, part, dead := strings.Cut(w, "…")
		if !dead && w != got[i] || !strings.HasPrefix(got[i], start) || !strings.Contains(got[i][len(start):], part) {
			return false
		}
	}
	return true
}

func TestTruncatedGzip(t *testing.T) {
	// Numbers that hardly repeat, so that the cut falls within a record.
	var in strings.Builder
	in.WriteString(`{"Records":[`)
	for i := range 2000 {
		fmt.Fprintf(&in, `{"n":%d,"x":"%x"},`, i, uint64(i)*0x9e3779b97f4a7c15)
	}
	in.WriteString(`{}]}`)
	whole := zip(t, in.String())
	for _, size := range []int{len(whole) / 2, len(whole) - 1, len(whole) - 9, 200} {
		got := readAll(t, bytes.NewReader(whole[:size]))
		last := got[len(got)-1]
		var number, offset int
		if _, err := fmt.Sscanf(last, "!%d@%d", &number, &offset); err != nil || !strings.Contains(last, "the gzip file is cut off here") {
			t.Fatalf("cut at %d: last is %q", size, last)
		}
		if number != len(got) {
			t.Errorf("cut at %d: dead letter is for record %d, want %d", size, number, len(got))
		}
		if raw := strings.SplitN(last, " ", 2)[1]; !strings.HasPrefix(in.String()[offset:], strings.SplitN(raw, ": the gzip", 2)[0]) {
			t.Errorf("cut at %d: %q is not at offset %d", size, raw, offset)
		}
		for _, rec := range got[:len(got)-1] {
			if strings.HasPrefix(rec, "!") {
				t.Errorf("cut at %d: a further dead letter %q", size, rec)
			}
		}
	}
}

// repeated gives head, then n bytes of pad, then tail.
func repeated(head, pad string, n int64, tail string) io.Reader {
	return io.MultiReader(strings.NewReader(head), io.LimitReader(&endless{pad: strings.Repeat(pad, 64<<10/len(pad))}, n), strings.NewReader(tail))
}

type endless struct {
	pad string
	at  int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		c := copy(p[n:], e.pad[e.at:])
		n += c
		e.at = (e.at + c) % len(e.pad)
	}
	return n, nil
}

// peak runs fn and returns by how much the memory of the process grew at most.
func peak(fn func()) uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	before := m.Sys
	fn()
	// Sys never shrinks, so it shows what was needed at any time.
	runtime.ReadMemStats(&m)
	return m.Sys - before
}

const bound = 100 << 20

func TestHugeRecordsAreSkippedInBoundedMemory(t *testing.T) {
	const size = 200 << 20
	line := int64(1 << 30)
	if testing.Short() || underRace {
		line = size
	}
	for _, tc := range []struct {
		name       string
		in         func() io.Reader
		want, next string
	}{
		{"line", func() io.Reader { return repeated("{\"a\":1}\n{\"x\":\"", "x", line, "\"}\n{\"c\":3}\n") }, "!2@8", "3@"},
		{"line that is never closed", func() io.Reader { return repeated("{\"a\":1}\n{\"x\":\"", "x", size/2, "\n{\"c\":3}\n") }, "!2@8", "3@"},
		{"line that is no JSON", func() io.Reader { return repeated("{\"a\":1}\n", "x", size/2, "\n{\"c\":3}\n") }, "!2@8", "3@"},
		{"number", func() io.Reader { return repeated("{\"a\":1}\n", "1", size/2, "\n{\"c\":3}\n") }, "!2@8", "3@"},
		{"element", func() io.Reader {
			return repeated(`{"Records":[{"a":1},{"x":[`, `{"y":"]"},`, size/20*10, `5]},{"c":3}]}`)
		}, "!2@20", "3@"},
		{"element without end", func() io.Reader { return repeated(`[{"a":1},{"x":[`, `[`, size/2, ``) }, "!2@9", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			grown := peak(func() { got = readAll(t, tc.in()) })
			if grown > bound {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
			want := 3
			if tc.next == "" {
				want = 2
			}
			if len(got) != want || !strings.HasPrefix(got[0], "1@") || !strings.HasPrefix(got[1], tc.want) || !strings.HasPrefix(got[want-1], tc.next) {
				for _, g := range got {
					t.Errorf("got %.80q", g)
				}
			}
		})
	}
}

func TestGzipBomb(t *testing.T) {
	if underRace {
		t.Skip("nothing runs at the same time here")
	}
	// 200 MiB of one letter is packed 1030-fold; made as it is read.
	pr, pw := io.Pipe()
	go func() {
		w, _ := gzip.NewWriterLevel(pw, gzip.BestCompression)
		_, err := io.Copy(w, repeated("{\"a\":1}\n{\"x\":\"", "x", 200<<20, "\"}\n{\"c\":3}\n"))
		if err == nil {
			err = w.Close()
		}
		pw.CloseWithError(err)
	}()
	var dead []schemas.DeadLetter
	n := 0
	var err error
	grown := peak(func() {
		err = records.Read(pr, records.Options{File: "bomb.gz"},
			func(ingest.Record) error { n++; return nil },
			func(d schemas.DeadLetter) error { dead = append(dead, d); return nil })
	})
	pr.Close()
	if err != nil {
		t.Fatal(err)
	}
	if grown > bound {
		t.Errorf("memory grew by %d MiB", grown>>20)
	}
	last := dead[len(dead)-1]
	if n != 1 || last.Record != 0 || !strings.Contains(last.Reason, "looks like a gzip bomb") {
		t.Errorf("%d records; dead letters %+v", n, diffable(dead))
	}
}

func diffable(dead []schemas.DeadLetter) string {
	for i := range dead {
		dead[i].Raw = dead[i].Raw[:min(len(dead[i].Raw), 40)]
	}
	return cmp.Diff(nil, dead)
}
