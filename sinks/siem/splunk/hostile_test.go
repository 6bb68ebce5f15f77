package splunk

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"jitaudit/internal/hostile"
	"jitaudit/internal/visible"
	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
	"jitaudit/sinks/siem/ocsf"
)

// hostileAlerts have a text in every field that reaches an envelope.
func hostileAlerts(s string) []alerts.Alert {
	meta := schemas.Meta{Version: 7, Observed: time.Unix(1_772_600_000, 0)}
	return []alerts.Alert{
		{Change: alerts.Change(s), Finding: &schemas.Finding{ID: s, Rule: s, Severity: schemas.Severity(s), Why: s, Meta: meta}},
		{Change: alerts.Change(s), Grant: &schemas.Grant{ID: s, Meta: meta}},
		{Change: alerts.Change(s), Session: &schemas.Session{ID: s, Meta: meta}},
	}
}

func TestHostileTextsStayInTheirFields(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h, func(c *Config) {
		c.Encode = func(n *alerts.Notice) ([][]byte, error) {
			text := n.ID // as a careless encoder would
			if len(text) >= hostile.Long && n.Alerts[0].Finding == nil {
				text = "" // one that is too large is enough
			}
			body, err := json.Marshal(map[string]string{"why": text, text: "x"})
			return [][]byte{body}, err
		}
	})
	for name, text := range hostile.Texts() {
		t.Run(name, func(t *testing.T) {
			h.set(func() { h.indexed, h.headers = nil, nil })
			deliver(t, r, &alerts.Notice{ID: text, Alerts: hostileAlerts(text)})
			if len(h.indexed) != 3 {
				t.Fatalf("3 alerts became %d events", len(h.indexed))
			}
			for _, e := range h.indexed {
				checkEnvelope(t, e, text)
			}
			for _, header := range h.headers {
				if shown := fmt.Sprint(header); strings.Contains(shown, hostile.Mark) {
					t.Errorf("a header has text of a log: %s", shown)
				}
			}
		})
	}
}

func TestOCSFArrivesAsItWasMade(t *testing.T) {
	h := newHEC(t)
	m := ocsf.NewMapper("1.2.3")
	at := time.Unix(1_772_600_000, 0)
	r := receiver(t, h, func(c *Config) {
		c.Encode = func(n *alerts.Notice) ([][]byte, error) {
			var out [][]byte
			some, err := m.Events(n, at)
			for _, e := range some {
				out = append(out, e.JSON)
			}
			return out, err
		}
	})
	for name, text := range hostile.Texts() {
		t.Run(name, func(t *testing.T) {
			h.set(func() { h.indexed = nil })
			n := &alerts.Notice{ID: text, Alerts: hostileAlerts(text)}
			want, err := m.Events(n, at)
			if err != nil {
				t.Fatal(err)
			}
			deliver(t, r, n)
			if len(h.indexed) != len(want) {
				t.Fatalf("%d events, want %d", len(h.indexed), len(want))
			}
			for i, e := range h.indexed {
				if string(e.Event) != string(want[i].JSON) {
					t.Errorf("event %d: %.300s\nwant %.300s", i, e.Event, want[i].JSON)
				}
			}
		})
	}
}

func checkEnvelope(t *testing.T, e got, text string) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal([]byte(e.raw), &all); err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(all)), []string{"event", "fields", "source", "sourcetype", "time"}; !slices.Equal(got, want) {
		t.Errorf("keys %q, want %q", got, want)
	}
	for _, c := range e.raw {
		if c == utf8.RuneError && !utf8.ValidString(e.raw) || c != ' ' && visible.Hidden(c) {
			t.Fatalf("a character that hides or breaks the line: %q", c)
		}
	}
	known := []string{"alert_id", "part", "notice_id", "record_id", "version", "kind", "change", "rule", "severity"}
	for key, value := range e.Fields {
		if !slices.Contains(known, key) || len(value) > fieldLimit {
			t.Errorf("field %q of %d bytes", key, len(value))
		}
	}
	shown := visible.Clip(text, fieldLimit)
	if e.Fields["record_id"] != shown || e.Fields["change"] != shown || e.Fields["notice_id"] != shown ||
		e.Fields["alert_id"] != visible.Clip(text+".7", fieldLimit) {
		t.Errorf("fields %q, want %q in them", e.Fields, shown)
	}
	if e.Fields["kind"] == "finding" && (e.Fields["rule"] != shown || e.Fields["severity"] != shown) {
		t.Errorf("fields %q, want %q as rule and severity", e.Fields, shown)
	}
	var body map[string]any
	if err := json.Unmarshal(e.Event, &body); err != nil {
		t.Fatal(err)
	}
	if body["too_large_bytes"] != nil && len(text) < hostile.Long {
		t.Error("a short event was left out")
	}
	if clean := strings.ToValidUTF8(text, "\ufffd"); len(text) < hostile.Long && !sameText(fmt.Sprint(body["why"]), clean) {
		t.Errorf("the body has %q, want %q", body["why"], clean)
	}
}

// sameText leaves open how many replacements stand for bytes that are no UTF-8.
func sameText(a, b string) bool {
	squeeze := func(s string) string {
		for strings.Contains(s, "\ufffd\ufffd") {
			s = strings.ReplaceAll(s, "\ufffd\ufffd", "\ufffd")
		}
		return s
	}
	return squeeze(a) == squeeze(b)
}

func TestBodiesThatAreNoUTF8AreMended(t *testing.T) {
	h := newHEC(t)
	deliver(t, receiver(t, h, func(c *Config) { c.Encode = bodies("{\"a\":\"\xff\u2028\u202e\"}") }), notice(1))
	if want := `{"a":"` + "\ufffd" + `\u2028\u202e"}`; string(h.indexed[0].Event) != want {
		t.Errorf("got %s, want %s", h.indexed[0].Event, want)
	}
}
