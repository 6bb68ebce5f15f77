package slack

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

var update = flag.Bool("update", false, "write the golden messages anew")

func TestMessagesLookAsTheyDid(t *testing.T) {
	triaged := findingAlert("fin_1", 3, alerts.Raised, schemas.Critical)
	triaged.Triage = &schemas.Triage{Status: schemas.TriageInvestigating, By: "carl@example.com", Reason: "asked ann"}
	triaged.Finding.Suppressed = &schemas.Suppression{Reason: "on call", Owner: "secops@example.com", Until: at(59)}
	bare := alerts.Alert{Change: alerts.Opened, Finding: &schemas.Finding{ID: "fin_2", Rule: "source_gap", Severity: schemas.Info, Evidence: []string{}}}
	merged := sessionAlert("ses_2", 5, alerts.Retracted)
	merged.Session.Deleted, merged.Session.SupersededBy = true, "ses_1"
	allowed := sessionAlert("ses_1", 6, alerts.Judged)
	allowed.Session.Verdict, allowed.Session.Unjudged, allowed.Session.MFA = schemas.VerdictAllowed, nil, schemas.MFAYes
	many := findingAlert("fin_3", 7, alerts.Reopened, schemas.High)
	many.Finding.Evidence = strings.Split(strings.Repeat("0123456789abcdef0123456789abcdef ", 40), " ")
	for name, m := range map[string]*message{
		"finding_opened":    pointTo(findingAlert("fin_1", 1, alerts.Opened, schemas.Medium), false),
		"finding_raised":    pointTo(triaged, false),
		"finding_reopened":  pointTo(many, false),
		"finding_resolved":  pointTo(findingAlert("fin_1", 2, alerts.Resolved, schemas.Low), false),
		"finding_retracted": pointTo(findingAlert("fin_1", 2, alerts.Retracted, schemas.Low), false),
		"finding_bare":      pointTo(bare, false),
		"finding_test":      pointTo(findingAlert("fin_1", 1, alerts.Opened, schemas.High), true),
		"grant_opened":      pointTo(grantAlert(1, alerts.Opened), false),
		"grant_closed":      pointTo(grantAlert(2, alerts.Closed), false),
		"session_opened":    pointTo(sessionAlert("ses_1", 1, alerts.Opened), false),
		"session_judged":    pointTo(allowed, false),
		"session_merged":    pointTo(merged, false),
		"digest":            digestMessage(digest(), false),
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			enc := json.NewEncoder(&got)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			if err := enc.Encode(m); err != nil {
				t.Fatal(err)
			}
			if problems := checkBlocks(got.Bytes()); len(problems) > 0 {
				t.Errorf("Slack would refuse it: %v", problems)
			}
			file := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func pointTo(a alerts.Alert, test bool) *message { return alertMessage(&a, test) }

func TestFallbackHasNoMarkup(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain", "plain"},
		{"<!channel>", "&lt;!channel&gt;"},
		{"&lt;!here&gt;", "&amp;lt;!here&amp;gt;"},
		{"<@U1|a> & <https://a.example.org|b>", "&lt;@U1|a&gt; &amp; &lt;https://a.example.org|b&gt;"},
		{"a\n> b\u202e", `a\n&gt; b\u202e`},
	} {
		if got := fallback(tt.in); got != tt.want {
			t.Errorf("fallback(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestLinkIsAButtonOrNothing(t *testing.T) {
	for _, tt := range []struct {
		to   string
		want bool
	}{
		{"https://grafana.example.com/d/a?var=b", true},
		{"http://localhost:3000/d/a", true},
		{"", false},
		{"javascript:alert(1)", false},
		{"/d/a", false},
		{"https://", false},
		{"https://example.com/\n", false},
		{"https://example.com/" + strings.Repeat("a", urlLimit), false},
	} {
		if got := link("Open", tt.to); (got != nil) != tt.want {
			t.Errorf("link(%.50q) = %v, want one: %v", tt.to, got, tt.want)
		}
	}
}

func TestListShowsSome(t *testing.T) {
	for _, tt := range []struct {
		values []string
		want   string
	}{
		{nil, ""},
		{[]string{"a"}, "a"},
		{[]string{"a", "b", "c"}, "a, b, c"},
		{[]string{"a", "b", "c", "d"}, "a, b, c and 1 more"},
		{[]string{"a long one", "b"}, "a l…, b"},
	} {
		if got := list(tt.values, 3, 6); got != tt.want {
			t.Errorf("list(%q) = %q, want %q", tt.values, got, tt.want)
		}
	}
}

func TestDigestIsBounded(t *testing.T) {
	d := &alerts.Digest{Reason: alerts.TooOld, Total: 1 << 40}
	for range 1000 {
		d.Counts = append(d.Counts, alerts.Count{
			Kind: "finding", Rule: strings.Repeat("r", 5000), Severity: schemas.Severity(strings.Repeat("s", 5000)),
			Change: alerts.Change(strings.Repeat("c", 5000)), N: 1 << 62,
		})
	}
	m := digestMessage(d, true)
	m.Metadata = newMetadata("ntc")
	body, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if problems := checkBlocks(body); len(problems) > 0 {
		t.Error(problems)
	}
}

func TestMomentIsInUTC(t *testing.T) {
	zone := time.FixedZone("", 3600)
	if got := moment(time.Date(2026, 3, 1, 0, 30, 0, 0, zone)); got != "2026-02-28 23:30:00 UTC" {
		t.Error(got)
	}
}
