package syslog

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"jitaudit/internal/hostile"
	"jitaudit/internal/visible"
	"jitaudit/sinks/alerts"
)

// fill puts a text into every string of a value, whatever its depth.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Pointer:
		if v.Type().Elem() != reflect.TypeFor[time.Time]() {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), text)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i), text)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(observed))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), text)
		}
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	}
}

// hostileNotices have a text in every field, of findings, grants, sessions and
// digests.
func hostileNotices(text string) map[string]*alerts.Notice {
	all := make(map[string]*alerts.Notice)
	for kind, drop := range map[string]func(*alerts.Alert){
		"finding": func(a *alerts.Alert) { a.Grant, a.Session = nil, nil },
		"grant":   func(a *alerts.Alert) { a.Finding, a.Session = nil, nil },
		"session": func(a *alerts.Alert) { a.Finding, a.Grant = nil, nil },
	} {
		var a alerts.Alert
		fill(reflect.ValueOf(&a).Elem(), text)
		drop(&a)
		all[kind] = &alerts.Notice{ID: text, Alerts: []alerts.Alert{a}}
	}
	d := new(alerts.Digest)
	fill(reflect.ValueOf(d).Elem(), text)
	all["digest"] = &alerts.Notice{ID: text, Digest: d}
	return all
}

func TestHostileTextsStayInTheirFields(t *testing.T) {
	s := newServer(t)
	asCEF := receiver(t, s)
	small := receiver(t, s, func(c *Config) { c.MaxBytes = minMaxBytes })
	asLines := receiver(t, newServer(t), asJSON, func(c *Config) {
		c.MaxBytes, c.Encode = minMaxBytes, func(n *alerts.Notice) ([][]byte, error) {
			body, err := json.Marshal(map[string]string{"why": n.ID, "a": "b"})
			return [][]byte{body}, err
		}
	})
	for _, r := range []*Receiver{asCEF, small, asLines} {
		r.settle = time.Millisecond
	}
	for name, text := range hostile.Texts() {
		for kind, n := range hostileNotices(text) {
			t.Run(name+"/"+kind, func(t *testing.T) {
				deliver(t, asCEF, n)
				checkCEF(t, s.next(t), kind, text, n)
				s.nothing(t)
				checkLine(t, only(t, small, n))
				if kind == "finding" {
					checkJSON(t, only(t, asLines, n), text)
				}
			})
		}
	}
}

// only is the one message of a notice.
func only(t *testing.T, r *Receiver, n *alerts.Notice) string {
	t.Helper()
	some, err := r.messages(n)
	if err != nil || len(some) != 1 || len(some[0]) > minMaxBytes {
		t.Fatalf("%d messages, %v", len(some), err)
	}
	return string(some[0])
}

// checkLine looks that nothing of a message ends its line or hides, and that its
// header and structured data can be read.
func checkLine(t *testing.T, message string) parsed {
	t.Helper()
	if !utf8.ValidString(message) {
		t.Fatalf("no UTF-8: %.200q", message)
	}
	for _, c := range strings.Replace(message, bom, "", 1) {
		if visible.Hidden(c) && c != ' ' {
			t.Fatalf("a character that hides or breaks the line: %q", c)
		}
	}
	p, err := parse5424(message)
	if err != nil {
		t.Fatalf("%v in %.200q", err, message)
	}
	if !p.bom || p.facility != 16 || p.hostname != "audit.example.com" || p.appName != "jitaudit" || p.dataID != "jitaudit@32473" {
		t.Errorf("header %+v", p)
	}
	return p
}

// shownAs reports whether a field has a text as it is to be seen, shortened to one
// of the bounds.
func shownAs(got, text string, most int) bool {
	text = strings.Trim(text, " ")
	for _, limit := range caps() {
		if got == strings.Trim(visible.Clip(text, min(limit, most)), " ") {
			return true
		}
	}
	return false
}

func checkCEF(t *testing.T, p parsed, kind, text string, n *alerts.Notice) {
	t.Helper()
	wantID, wantParams := text+".3", []string{
		"account", "change", "id", "kind", "notice", "person", "record", "role", "rule", "severity", "status", "version",
	}
	wantKeys := map[string]int{ // with the dictionary's lengths
		"rt": 13, "start": 13, "end": 13, "externalId": 40, "cn1": 20, "cn1Label": 1023, "cat": 1023, "act": 63, "outcome": 63,
		"suser": 1023, "suid": 1023, "duser": 1023, "cs1": 4000, "cs1Label": 1023, "cs2": 4000, "cs2Label": 1023, "cs3": 4000, "cs3Label": 1023,
		"cs4": 4000, "cs4Label": 1023, "cs5": 4000, "cs5Label": 1023, "cs6": 4000, "cs6Label": 1023, "flexString1": 1023, "flexString1Label": 128,
		"flexString2": 1023, "flexString2Label": 128, "src": 15, "c6a2": 39, "c6a2Label": 1023, "cnt": 10, "dvchost": 100, "request": 1023, "msg": 1023,
	}
	for _, name := range slices.Sorted(maps.Keys(p.params)) {
		if !slices.Contains(wantParams, name) {
			t.Errorf("structured data has %s=%.100q", name, p.params[name])
		}
	}
	if kind != "digest" && !shownAs(p.params["id"], wantID, headLimit) && p.params["id"] != visible.Clip(wantID, headLimit) {
		t.Errorf("id %.100q, want %.100q", p.params["id"], wantID)
	}
	if p.params["kind"] != kind || kind == "finding" && text != "" && p.params["rule"] != visible.Clip(text, headLimit) && !shownAs(p.params["rule"], text, headLimit) {
		t.Errorf("kind %q, rule %.100q", p.params["kind"], p.params["rule"])
	}
	e, err := parseCEF(p.text)
	if err != nil {
		t.Fatalf("%v in %.300q", err, p.text)
	}
	if got := e.header[:4]; !slices.Equal(got, []string{"0", "jitaudit", "jitaudit", "1.2.3"}) || len(e.header[4]) > 1023 || len(e.header[5]) > 512 || e.header[6] != "1" {
		t.Errorf("header %.300q", e.header)
	}
	for key, value := range e.extension {
		if most, ok := wantKeys[key]; !ok || len(value) > most {
			t.Errorf("%s has %d bytes; want a known key of no more than %d", key, len(value), most)
		}
	}
	if kind == "digest" || strings.Trim(text, " ") == "" {
		return
	}
	for _, key := range []string{"externalId", "act", "suser", "suid", "cs1", "cs2", "cs3", "request", "flexString1"} {
		if kind == "finding" && key == "flexString1" { // which has none
			continue
		}
		if got := e.extension[key]; !shownAs(got, text, wantKeys[key]) {
			t.Errorf("%s=%.200q, want %.200q", key, got, text)
		}
	}
	if kind == "finding" && !shownAs(e.extension["msg"], n.Alerts[0].Finding.Why, 1023) {
		t.Errorf("msg=%.200q", e.extension["msg"])
	}
}

func checkJSON(t *testing.T, message, text string) {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(checkLine(t, message).text), &body); err != nil {
		t.Fatal(err)
	}
	keys := slices.Sorted(maps.Keys(body))
	if !slices.Equal(keys, []string{"a", "why"}) && !(len(text) > minMaxBytes/10 && slices.Equal(keys, []string{"message", "too_large_bytes"})) {
		t.Errorf("keys %q", keys)
	}
}

func FuzzMessage(f *testing.F) {
	for _, text := range hostile.Texts() {
		if len(text) < 1000 {
			f.Add(text)
		}
	}
	r, err := New(Config{Addr: "127.0.0.1:514", Hostname: "audit.example.com", Version: "1.2.3", MaxBytes: minMaxBytes})
	if err != nil {
		f.Fatal(err)
	}
	r.now = func() time.Time { return observed }
	f.Fuzz(func(t *testing.T, text string) {
		for kind, n := range hostileNotices(text) {
			checkCEF(t, checkLine(t, only(t, r, n)), kind, text, n)
		}
	})
}
