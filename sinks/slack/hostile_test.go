package slack

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"jitaudit/internal/hostile"
	"jitaudit/internal/visible"
	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// everyField fills all fields of alerts of each kind with a text.
func everyField(s string) []alerts.Alert {
	var many []string
	for range 50 {
		many = append(many, s)
	}
	who := schemas.Person{Key: s, Name: s, Org: s}
	meta := schemas.Meta{Version: 1, Observed: at(1), SupersededBy: s}
	requests := []schemas.RequestRef{{ID: s, Requester: s, Approvers: many, Justification: s, Subject: s, Evidence: many}}
	all := []alerts.Alert{
		{Change: alerts.Change(s), Finding: &schemas.Finding{
			ID: s, Rule: s, Severity: schemas.Severity(s), Person: who, At: at(1), Account: s, Role: s,
			Session: s, Grant: s, Why: s, Evidence: many, Policy: s, Meta: meta,
			Suppressed: &schemas.Suppression{Reason: s, Owner: s, Until: at(2)},
		}, Triage: &schemas.Triage{Status: schemas.TriageStatus(s), By: s, Reason: s, Owner: s}},
		{Change: alerts.Closed, Grant: &schemas.Grant{
			ID: s, Person: who, Account: s, Role: s, Group: s, GroupID: s, Source: schemas.GrantSource(s),
			Opened: at(1), Removed: at(2), ApprovedUntil: at(3), Requests: requests, Policy: s, Evidence: many, Meta: meta,
		}},
		{Change: alerts.Judged, Session: &schemas.Session{
			ID: s, Person: who, Account: s, Role: s, SessionName: s, Start: at(1), End: at(2), MFA: schemas.MFA(s),
			SignOn: &schemas.SignOnRef{IP: s}, Unjudged: []schemas.Unjudged{{Rule: s}, {Rule: s}}, Verdict: schemas.Verdict(s),
			Policy: s, Evidence: many, Meta: meta,
		}},
	}
	for i := range all {
		all[i].Requester, all[i].Approvers = s, many
	}
	return all
}

// labels are what our texts begin with, by the kind of block.
var labels = regexp.MustCompile(`^(Who|Account|Role|When|Session|Requested by|Approved by|Decided|Suppressed by policy|Group|Opened|Approved until|Taken away|Justification|From|To|Second factor|Signed on from|Part of)\n`)

// stays looks that nothing in a message does more than be read.
func stays(t *testing.T, raw []byte) {
	t.Helper()
	if problems := checkBlocks(raw); len(problems) > 0 {
		t.Errorf("Slack would refuse it: %v", problems)
	}
	if len(raw) > 64_000 {
		t.Errorf("%d bytes", len(raw))
	}
	var m map[string]any
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	if err := dec.Decode(&m); err != nil {
		t.Fatal(err)
	}
	keys := []string{"blocks", "channel", "link_names", "metadata", "mrkdwn", "parse", "reply_broadcast", "text", "thread_ts", "unfurl_links", "unfurl_media"}
	for key := range m {
		if !slices.Contains(keys, key) {
			t.Errorf("the message has %q", key)
		}
	}
	for key, want := range map[string]any{"link_names": false, "mrkdwn": false, "parse": "none", "unfurl_links": false, "unfurl_media": false} {
		if m[key] != want {
			t.Errorf("%s is %v, want %v", key, m[key], want)
		}
	}
	// What Slack takes for markup is in angle brackets (formatting message text).
	fallback := m["text"].(string)
	if strings.ContainsAny(fallback, "<>") || regexp.MustCompile(`&(?:[^alg]|$)`).MatchString(fallback) || len(fallback) > 4000 {
		t.Errorf("text has markup, or is long: %.300q", fallback)
	}
	hidden(t, fallback)
	characters := 0
	for _, b := range m["blocks"].([]any) {
		walk(t, b, func(object map[string]any) {
			switch object["type"] {
			case "plain_text":
				s := object["text"].(string)
				characters += len([]rune(s))
				if object["emoji"] != false {
					t.Error("names of emoji become pictures")
				}
				if lines := strings.Count(s, "\n"); lines > 1 || lines == 1 && !labels.MatchString(s) {
					t.Errorf("a text has another line: %.200q", s)
				}
				hidden(t, strings.Replace(s, "\n", "", 1))
			case "header", "section", "context":
			default:
				t.Errorf("there is an object of type %v: %v", object["type"], object)
			}
		})
	}
	if characters > 12_000 {
		t.Errorf("%d characters in all; Slack refuses more than about 13,000", characters)
	}
}

func hidden(t *testing.T, s string) {
	t.Helper()
	if i := strings.IndexFunc(s, func(r rune) bool { return visible.Hidden(r) && !unicode.In(r, unicode.Mn, unicode.Me) }); i >= 0 {
		t.Errorf("there is a character that is not seen: %.100q", s[i:])
	}
}

func walk(t *testing.T, v any, visit func(map[string]any)) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, inner := range v {
			walk(t, inner, visit)
		}
	case []any:
		for _, inner := range v {
			walk(t, inner, visit)
		}
	}
}

func TestHostileTextsStayInTheirFields(t *testing.T) {
	for name, s := range hostile.Texts() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			for _, a := range everyField(s) {
				m := alertMessage(&a, false)
				m.Channel, m.Metadata = general, newMetadata("id.1")
				ts, err := w.r.api.postMessage(t.Context(), m)
				if err != nil || ts == "" {
					t.Fatal(err)
				}
			}
			d := digestMessage(&alerts.Digest{
				Reason: alerts.DigestReason(s), From: time.Time{}, Total: 1,
				Counts: []alerts.Count{{Kind: s, Rule: s, Severity: schemas.Severity(s), Change: alerts.Change(s), N: 1}, {Kind: "finding", Rule: s, N: 1}},
			}, false)
			d.Channel, d.Metadata = general, newMetadata("id.2")
			if _, err := w.r.api.postMessage(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			posted := w.in(general)
			if len(posted) != 4 {
				t.Fatalf("%d messages", len(posted))
			}
			for _, m := range posted[:3] {
				stays(t, m.raw)
			}
			digestStays(t, posted[3])
			seen := strings.Contains(string(posted[0].raw), hostile.Mark)
			if want := strings.Contains(s[:min(len(s), whyLimit/5)], hostile.Mark); want && !seen {
				t.Error("the text is not shown at all")
			}
		})
	}
}

// digestStays looks that the lines of a digest are as many as its kinds.
func digestStays(t *testing.T, m stored) {
	t.Helper()
	if lines := strings.Count(m.Blocks[1].Text.Text, "\n"); lines != 2 {
		t.Errorf("the digest of two kinds has %d lines more: %q", lines, m.Blocks[1].Text.Text)
	}
	for _, line := range strings.Split(m.Blocks[1].Text.Text, "\n") {
		hidden(t, line)
	}
	if m.Mrkdwn || m.LinkNames || m.UnfurlLinks || m.UnfurlMedia || m.Parse != "none" || strings.ContainsAny(m.Text, "<>") {
		t.Errorf("%+v", m.message)
	}
}

// Names of people come from logs, and go into requests of their own.
func TestHostileNamesAreNotLookedUpAsOthers(t *testing.T) {
	for name, s := range hostile.Texts() {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, direct)
			w.r.warm = true
			for _, login := range []string{s, s + "@example.com", "ann@example.com" + s} {
				if login == "" || login == "ann@example.com" {
					continue
				}
				a := findingAlert("fin_1", 1, alerts.Opened, schemas.Low)
				a.Requester, a.Approvers = login, nil
				w.mustSend(a)
			}
			if got := w.in(toAnn); len(got) != 0 {
				t.Errorf("ann is told: %s", got[0].raw)
			}
			if log := w.log.String(); strings.Count(log, "\n") > 3 || len(log) > 10_000 {
				t.Errorf("log: %.500q", log)
			}
		})
	}
}
