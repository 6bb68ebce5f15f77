package ocsf_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"jitaudit/internal/hostile"
	"jitaudit/internal/visible"
	schema "jitaudit/schemas/ocsf"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/siem/ocsf"
)

// fill puts a text into every text of a record, and many of it into every list.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		fill(v.Elem(), text)
	case reflect.Slice:
		const many = 150
		v.Set(reflect.MakeSlice(v.Type(), many, many))
		for i := range many {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	}
}

// hostileNotice has a text wherever a record can have one.
func hostileNotice(text string) *alerts.Notice {
	n := &alerts.Notice{ID: "ntc_1"}
	for _, c := range []alerts.Change{alerts.Opened, alerts.Closed, alerts.Retracted, alerts.Judged} {
		all := []alerts.Alert{{Finding: &schemas.Finding{}}, {Grant: &schemas.Grant{}}, {Session: &schemas.Session{}}}
		for i := range all {
			a := &all[i]
			if a.Finding != nil {
				a.Triage = &schemas.Triage{}
				fill(reflect.ValueOf(a.Finding), text)
				fill(reflect.ValueOf(a.Triage), text)
			} else if a.Grant != nil {
				fill(reflect.ValueOf(a.Grant), text)
			} else {
				fill(reflect.ValueOf(a.Session), text)
			}
			a.Change, a.Requester, a.Link = c, text, text
			fill(reflect.ValueOf(&a.Approvers), text)
			n.Alerts = append(n.Alerts, *a)
		}
	}
	n.Digest = &alerts.Digest{}
	fill(reflect.ValueOf(n.Digest), text)
	return n
}

// shape is an event with the text of every value left out, so that two events are
// alike if no text of one has become more than a text.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any)
		for key, value := range v {
			if key != "factor_type_id" { // follows from what the text says
				out[key] = shape(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = shape(v[i])
		}
		return out
	case string:
		return "text"
	}
	return v
}

func TestNoTextLeavesItsField(t *testing.T) {
	checker := schema.NewChecker()
	plain := events(t, hostileNotice("plain text"))
	for name, text := range hostile.Texts() {
		if text == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := events(t, hostileNotice(text))
			if len(got) != len(plain) {
				t.Fatalf("%d events, want %d", len(got), len(plain))
			}
			for i, e := range got {
				line(t, e.JSON)
				if len(e.JSON) > ocsf.MaxEvent {
					t.Errorf("event %d has %d bytes", i, len(e.JSON))
				}
				f := fields(t, e)
				if want := shape(fields(t, plain[i])); !reflect.DeepEqual(shape(f), want) {
					t.Errorf("event %d has other fields than that of a plain text:\n%.2000v\nwant\n%.2000v", i, shape(f), want)
				}
				for _, err := range checker.Check(e.JSON) {
					t.Errorf("event %d: %v", i, err)
				}
			}
			if got, want := at(fields(t, got[0]), "finding_info.desc"), visible.Clip(text, 4096); got != want {
				t.Errorf("desc is %.200q, want %.200q", got, want)
			}
		})
	}
}

// line fails unless JSON is one line of plain text, whatever reads it.
func line(t *testing.T, b []byte) {
	t.Helper()
	if !utf8.Valid(b) || bytes.ContainsAny(b, "<>&\u2028\u2029\u0085") {
		t.Errorf("it is no UTF-8, or means something in HTML: %.200q", b)
	}
	for i, r := range string(b) {
		if visible.Hidden(r) {
			t.Errorf("%U stands at byte %d", r, i)
			return
		}
	}
	if !json.Valid(b) {
		t.Errorf("no JSON: %.200q", b)
	}
}

func TestAnEmptyRecordIsAnEvent(t *testing.T) {
	for _, change := range []alerts.Change{"", alerts.Opened, alerts.Closed, alerts.Retracted} {
		n := &alerts.Notice{ID: "ntc_1", Alerts: []alerts.Alert{
			{Change: change, Finding: &schemas.Finding{}}, {Change: change, Grant: &schemas.Grant{}},
			{Change: change, Session: &schemas.Session{SignOn: &schemas.SignOnRef{}, Factor: &schemas.FactorRef{}}},
		}, Digest: &alerts.Digest{}}
		for i, e := range events(t, n) {
			for _, err := range schema.Check(e.JSON) {
				t.Errorf("%q, event %d: %v", change, i, err)
			}
			if got := at(fields(t, e), "time"); got != float64(observed.UnixMilli()) {
				t.Errorf("%q, event %d: time is %v", change, i, got)
			}
		}
	}
}

func TestWhatIsLeftOutIsCounted(t *testing.T) {
	ids := make([]string, 260)
	for i := range ids {
		ids[i] = fmt.Sprintf("event-%d", i)
	}
	a := alerts.Alert{Change: alerts.Opened, Finding: finding(func(f *schemas.Finding) { f.Evidence = ids }), Approvers: ids}
	f := fields(t, events(t, one(a))[0])
	related, _ := at(f, "finding_info.related_events").([]any)
	if len(related) != 100 || at(f, "finding_info.related_events_count") != 260.0 || at(f, "unmapped.evidence_left_out") != 160.0 {
		t.Errorf("%d events of %v, %v left out", len(related), at(f, "finding_info.related_events_count"), at(f, "unmapped.evidence_left_out"))
	}
	if got := at(f, "unmapped.approvers_left_out"); got != 240.0 {
		t.Errorf("%v approvers left out", got)
	}
}

func FuzzEvents(f *testing.F) {
	for _, text := range hostile.Texts() {
		if len(text) < 1000 {
			f.Add(text)
		}
	}
	checker := schema.NewChecker()
	f.Fuzz(func(t *testing.T, text string) {
		for _, e := range events(t, hostileNotice(text)) {
			line(t, e.JSON)
			for _, err := range checker.Check(e.JSON) {
				t.Error(err)
			}
		}
	})
}

func BenchmarkEvents(b *testing.B) {
	m := ocsf.NewMapper("1.2.3")
	all := notices()
	for _, name := range []string{"finding.opened", "session.opened"} {
		b.Run(strings.ReplaceAll(name, ".", "_"), func(b *testing.B) {
			for b.Loop() {
				if _, err := m.Events(all[name], observed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestAddressesAreAddresses(t *testing.T) {
	for name, want := range map[string]bool{
		"ada@example.com": true, "ada+aws@mail.example.org": true, "ada": false, "ada@example": false, "a b@example.com": false,
		"ada@example.com\n": false, "ada@example.com@example.org": false, "<ada@example.com>": false,
	} {
		e := events(t, one(alerts.Alert{Change: alerts.Opened, Grant: grant(func(g *schemas.Grant) { g.Person.Name = name })}))[0]
		if got := at(fields(t, e), "user.email_addr"); (got == name) != want || got != nil != want {
			t.Errorf("%q: email_addr is %v", name, got)
		}
	}
	for ip, want := range map[string]any{
		"198.51.100.23": "198.51.100.23", "2001:db8::1": "2001:db8::1", "fe80::1%eth0": nil, "unknown": nil, "198.51.100.23:443": nil,
	} {
		got := events(t, one(alerts.Alert{Change: alerts.Opened, Session: session(func(s *schemas.Session) { s.SignOn.IP = ip })}))
		if !slices.ContainsFunc(got, func(e ocsf.Event) bool { return e.Class == schema.AuthorizeSession }) || at(fields(t, got[0]), "src_endpoint.ip") != want {
			t.Errorf("%s: ip is %v", ip, at(fields(t, got[0]), "src_endpoint.ip"))
		}
	}
}
