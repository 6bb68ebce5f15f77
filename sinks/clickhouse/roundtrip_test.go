package clickhouse

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// kind is a record that is written under a topic and read back from a view.
type kind struct {
	topic, view string
	typ         reflect.Type
	read        func(context.Context, *DB) (any, error)
}

func kinds() []kind {
	return []kind{
		{topics.Grants, "grants", reflect.TypeFor[schemas.Grant](), func(ctx context.Context, db *DB) (any, error) { return db.Grants(ctx) }},
		{topics.Assumptions, "assumptions", reflect.TypeFor[schemas.Assumption](), func(ctx context.Context, db *DB) (any, error) { return db.Assumptions(ctx) }},
		{topics.Sessions, "sessions", reflect.TypeFor[schemas.Session](), func(ctx context.Context, db *DB) (any, error) { return db.Sessions(ctx) }},
		{topics.Findings, "findings_all", reflect.TypeFor[schemas.Finding](), func(ctx context.Context, db *DB) (any, error) { return db.AllFindings(ctx) }},
		{topics.Uses, "uses", reflect.TypeFor[schemas.Use](), func(ctx context.Context, db *DB) (any, error) { return db.Uses(ctx) }},
		{topics.Coverage, "coverage_partitions", reflect.TypeFor[schemas.Covered](), func(ctx context.Context, db *DB) (any, error) { return db.Covered(ctx) }},
		{topics.Activity, "activity", reflect.TypeFor[schemas.Activity](), func(ctx context.Context, db *DB) (any, error) {
			return readRows(ctx, db, activityView, activityColumns(), " ORDER BY event_id", (*activityRow).restore)
		}},
	}
}

// samples are the golden records of package schemas, compact.
func samples(t *testing.T, record string) [][]byte {
	t.Helper()
	files, err := filepath.Glob("../../schemas/testdata/" + record + "*.json")
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, f := range files {
		if name, _, _ := strings.Cut(filepath.Base(f), "."); name != record {
			continue
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := json.Compact(&b, raw); err != nil {
			t.Fatal(err)
		}
		out = append(out, b.Bytes())
	}
	if len(out) == 0 {
		t.Fatalf("no samples of %s", record)
	}
	return out
}

func TestGoldenSamplesAreReadBackByteForByteFromTheColumns(t *testing.T) {
	db := migrated(t)
	for _, k := range kinds() {
		t.Run(k.topic, func(t *testing.T) {
			ctx := deadline(t)
			name := strings.ToLower(k.typ.Name())
			values := samples(t, name)
			write(t, db, k.topic, values...)
			compare(t, k, db, values)
			if n := count(t, db, "SELECT count() FROM "+k.view+" WHERE exact != ''"); n != 0 {
				t.Errorf("%d rows needed the column exact", n)
			}
			_ = ctx
		})
	}
}

// compare reads a view back and holds it against what was published: what is
// not deleted, by id.
func compare(t *testing.T, k kind, db *DB, published [][]byte) {
	t.Helper()
	got, err := k.read(deadline(t), db)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, v := range published {
		var r struct {
			ID      string `json:"id"`
			EventID string `json:"event_id"`
			schemas.Meta
		}
		if err := json.Unmarshal(v, &r); err != nil {
			t.Fatal(err)
		}
		if k.topic == topics.Activity {
			r.ID = r.EventID
		}
		if !r.Deleted {
			want[r.ID] = canonical(t, k.typ, v)
		}
	}
	list := reflect.ValueOf(got)
	for i := range list.Len() {
		record := list.Index(i)
		id := record.FieldByName("ID")
		if k.topic == topics.Activity {
			id = record.FieldByName("EventID")
		}
		b, err := json.Marshal(record.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if want[id.String()] != string(b) {
			t.Errorf("read\n%s, published was\n%s", b, want[id.String()])
		}
		delete(want, id.String())
	}
	for id, v := range want {
		t.Errorf("%s was published and is not there: %s", id, v)
	}
}

// canonical is the JSON of a record as our types say it.
func canonical(t *testing.T, typ reflect.Type, value []byte) string {
	t.Helper()
	r := reflect.New(typ)
	if err := json.Unmarshal(value, r.Interface()); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(r.Interface())
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRandomRecordsAreReadBack(t *testing.T) {
	db := migrated(t)
	for _, k := range kinds() {
		t.Run(k.topic, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(7, 11))
			var values [][]byte
			for i := range 400 {
				r := reflect.New(k.typ).Elem()
				randomize(rnd, r, i%4 == 3)
				identify(r, i)
				b, err := json.Marshal(r.Interface())
				if err != nil {
					t.Fatal(err)
				}
				values = append(values, b)
			}
			write(t, db, k.topic, values...)
			compare(t, k, db, values)
		})
	}
}

// TestWhatColumnsCannotHoldIsKeptAsPublished has records that are no JSON that
// we would write: the view gives them back as they were read, and the bytes are
// there.
func TestWhatColumnsCannotHoldIsKeptAsPublished(t *testing.T) {
	db := migrated(t)
	const id = `"id":"fnd_1","rule":"no_grant","severity":"high","status":"open","person":{"key":"k","name":"n"},"anchor":"a",`
	tests := []struct{ name, value string }{
		{"finer than a millisecond", `{` + id + `"at":"2026-05-04T08:14:58.4120001Z","why":"w","evidence":["a"],"policy":"p"}`},
		{"another zone", `{` + id + `"at":"2026-05-04T08:14:58+02:00","why":"w","evidence":["a"],"policy":"p"}`},
		{"long ago", `{` + id + `"at":"0001-01-01T00:00:00Z","why":"w","evidence":["a"],"policy":"p"}`},
		{"far ahead", `{` + id + `"at":"9999-12-31T23:59:59Z","why":"w","evidence":["a"],"policy":"p"}`},
		{"null for a list", `{` + id + `"at":"2026-05-04T08:14:58Z","why":"w","evidence":null,"policy":"p"}`},
		{"a field of a newer program", `{` + id + `"at":"2026-05-04T08:14:58Z","why":"w","evidence":["a"],"policy":"p","colour":"red"}`},
		{"white space", `{ ` + id + `"at":"2026-05-04T08:14:58Z","why":"w","evidence":["a"],"policy":"p"}`},
		{"superseded, yet not deleted", `{` + id + `"at":"2026-05-04T08:14:58Z","why":"w","evidence":["a"],"policy":"p","superseded_by":"x"}`},
	}
	k := kinds()[3]
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value := strings.Replace(tt.value, "fnd_1", fmt.Sprint("fnd_", i), 1)
			write(t, db, k.topic, []byte(value))
			if got := ask(t, db, fmt.Sprintf("SELECT exact FROM findings_all WHERE id = 'fnd_%d'", i)); got != value {
				t.Errorf("kept %q, want %q", got, value)
			}
			all, err := db.AllFindings(deadline(t))
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(all, func(f schemas.Finding) bool { return f.ID == fmt.Sprint("fnd_", i) })
			if at < 0 {
				t.Fatal("it is not there")
			}
			if got, _ := json.Marshal(all[at]); string(got) != canonical(t, k.typ, []byte(value)) {
				t.Errorf("read %s, want %s", got, value)
			}
		})
	}
}

// randomize fills a record. Odd ones have what no record should: finer times,
// other zones, lists of null, texts beyond ASCII.
func randomize(rnd *rand.Rand, v reflect.Value, odd bool) {
	if v.Type() == reflect.TypeFor[time.Time]() {
		v.Set(reflect.ValueOf(randomTime(rnd, odd)))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			randomize(rnd, v.Field(i), odd)
		}
	case reflect.Pointer:
		if rnd.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			randomize(rnd, v.Elem(), odd)
		}
	case reflect.Slice:
		if n := rnd.IntN(4); n > 0 || !odd {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
			for i := range n {
				randomize(rnd, v.Index(i), odd)
			}
		}
	case reflect.String:
		v.SetString(randomText(rnd, odd))
	case reflect.Bool:
		v.SetBool(rnd.IntN(2) == 0)
	case reflect.Int, reflect.Int64:
		v.SetInt(rnd.Int64N(1 << 40))
	case reflect.Uint64:
		v.SetUint(rnd.Uint64())
	default:
		panic(v.Type())
	}
}

func randomTime(rnd *rand.Rand, odd bool) time.Time {
	if rnd.IntN(5) == 0 {
		return time.Time{}
	}
	t := time.UnixMilli(rnd.Int64N(4e12)).UTC()
	if odd && rnd.IntN(3) == 0 {
		t = t.Add(time.Duration(rnd.IntN(1e6)))
	}
	if odd && rnd.IntN(3) == 0 {
		t = t.In(time.FixedZone("", 3600*rnd.IntN(5)))
	}
	return t
}

func randomText(rnd *rand.Rand, odd bool) string {
	words := []string{"", "ada@example.com", "AWS-prod-Admin", "111111111111", "s3", "no_mfa"}
	if odd {
		words = append(words, "žluťoučký kůň", "<a&b>", "\"quoted\"\n\t", "木\u2028", "\\N", "'; DROP")
	}
	return words[rnd.IntN(len(words))] + words[rnd.IntN(len(words))]
}

// identify gives a random record what it cannot be without.
func identify(r reflect.Value, i int) {
	id := fmt.Sprintf("id_%05d", i)
	switch x := r.Addr().Interface().(type) {
	case *schemas.Activity:
		x.EventID, x.Use = id, fmt.Sprint("key_", i%7)
		return
	case *schemas.Covered:
		x.Partition, x.Partitions = i%5, 5
	case *schemas.Finding:
		x.Status = []schemas.Status{schemas.Open, schemas.Resolved, schemas.Retracted}[i%3]
	}
	r.FieldByName("ID").SetString(id)
	meta := r.FieldByName("Meta").Addr().Interface().(*schemas.Meta)
	meta.Deleted = i%10 == 9
}

// write puts records of one topic through the sink, and wants none refused.
func write(t testing.TB, db *DB, topic string, values ...[]byte) {
	t.Helper()
	if refused := offer(t, db, topic, values...); len(refused) > 0 {
		t.Fatalf("refused: %+v", refused)
	}
}

func offer(t testing.TB, db *DB, topic string, values ...[]byte) []sinks.Refusal {
	t.Helper()
	batch := make([]sinks.Record, len(values))
	for i, v := range values {
		batch[i] = sinks.Record{Topic: topic, Offset: int64(i), Value: v}
	}
	refused, err := NewSink(db).Write(deadline(t), batch)
	if err != nil {
		t.Fatal(err)
	}
	return refused
}

func encode(t testing.TB, record any) []byte {
	t.Helper()
	b, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ask returns the rows of an answer, fields separated by spaces.
func ask(t testing.TB, db *DB, sql string) string {
	t.Helper()
	return askIn(deadline(t), t, db, sql)
}

func askIn(ctx context.Context, t testing.TB, db *DB, sql string) string {
	t.Helper()
	var out []string
	err := db.query(ctx, db.cfg.Database, "ask", sql, func(rows driver.Rows) error {
		dest := make([]any, len(rows.ColumnTypes()))
		for i, c := range rows.ColumnTypes() {
			dest[i] = reflect.New(c.ScanType()).Interface()
		}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		fields := make([]string, len(dest))
		for i, d := range dest {
			v := reflect.ValueOf(d).Elem()
			if v.Kind() == reflect.Pointer && !v.IsNil() {
				v = v.Elem()
			}
			fields[i] = fmt.Sprint(v.Interface())
		}
		out = append(out, strings.Join(fields, " "))
		return nil
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return strings.Join(out, "\n")
}

func count(t testing.TB, db *DB, sql string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(ask(t, db, sql), &n); err != nil {
		t.Fatal(err)
	}
	return n
}
