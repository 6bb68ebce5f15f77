package scenario_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"jitaudit/internal/scenario"
	"jitaudit/schemas"
)

func TestDiff(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 5, 10, 0, time.UTC)
	ada := schemas.Person{Key: "okta:example/00u1ada", Name: "ada@example.com", Org: "example"}
	grants := []schemas.Grant{{ID: "grt_1", Person: ada, Account: "1", Role: "Admin", Opened: at, Evidence: []string{"add-1", "remove-1"}}}
	assumptions := []schemas.Assumption{{ID: "asm_1", EventID: "assume-1", Person: ada, At: at, Session: "ses_1"}}
	sessions := []schemas.Session{{
		ID: "ses_1", Person: ada, Account: "1", Role: "Admin", Start: at,
		Assumptions: []string{"asm_1"}, Grant: "grt_1", Grants: []string{"grt_1"}, Services: []string{"ec2", "s3"},
	}}
	findings := []schemas.Finding{{Rule: "no_mfa", Status: schemas.Open, Anchor: "assume-1", Session: "ses_1", Evidence: []string{"assume-1", "sso-1"}}}

	session := `{"person": {"key": "okta:example/00u1ada"}, "role": "Admin", "start": "2026-03-02T09:05:10.000Z"`
	finding := `{"rule": "no_mfa", "status": "open", "anchor": "assume-1", "evidence": ["sso-1"]`
	tests := []struct {
		name, want string
		diff       string // part of the one difference; empty: none
	}{
		{"equal, ids by event", `{"sessions": [` + session + `, "grant": "add-1", "grants": ["remove-1"], "assumptions": ["assume-1"]}],
			"findings": [` + finding + `, "session": "assume-1"}],
			"grants": [{"opened": "2026-03-02T10:05:10+01:00", "removed": null}], "assumptions": [{"event_id": "assume-1", "session": "assume-1"}]}`, ""},
		{"lists without order", `{"sessions": [` + session + `, "services": ["s3", "ec2"]}], "findings": [` + finding + `}]}`, ""},
		{"list too short", `{"sessions": [` + session + `, "services": ["s3"]}], "findings": [` + finding + `}]}`, `services: not wanted: ["ec2"]`},
		{"list too long", `{"sessions": [` + session + `, "grants": ["add-1", "add-2"]}], "findings": [` + finding + `}]}`, `grants: lacks "add-2"`},
		{"missing finding", `{"sessions": [` + session + `}], "findings": [` + finding + `}, {"rule": "no_grant", "status": "open", "anchor": "assume-1", "evidence": []}]}`, "missing"},
		{"surplus finding", `{"sessions": [` + session + `}], "findings": []}`, "finding not wanted"},
		{"other anchor", `{"sessions": [` + session + `}], "findings": [` + strings.Replace(finding, "assume-1", "assume-2", 1) + `}]}`, "missing"},
		{"other status", `{"sessions": [` + session + `}], "findings": [` + strings.Replace(finding, "open", "resolved", 1) + `}]}`, `status: want "resolved", got "open"`},
		{"evidence lacks", `{"sessions": [` + session + `}], "findings": [` + strings.Replace(finding, "sso-1", "sso-2", 1) + `}]}`, `evidence: lacks "sso-2"`},
		{"wanted absent", `{"sessions": [` + session + `, "grant": null}], "findings": [` + finding + `}]}`, "grant: want none"},
		{"surplus grant", `{"sessions": [` + session + `}], "findings": [` + finding + `}], "grants": []}`, "grant not wanted"},
		{"later start", `{"sessions": [` + strings.Replace(session, ":10.000", ":11.000", 1) + `}], "findings": [` + finding + `}]}`, "session"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w scenario.Want
			if err := json.Unmarshal([]byte(tt.want), &w); err != nil {
				t.Fatal(err)
			}
			got := w.Diff(grants, assumptions, sessions, findings)
			if tt.diff == "" {
				if len(got) != 0 {
					t.Errorf("want no difference, got %q", got)
				}
				return
			}
			if len(got) == 0 || !strings.Contains(got[0], tt.diff) {
				t.Errorf("want a difference with %q, got %q", tt.diff, got)
			}
		})
	}
}
