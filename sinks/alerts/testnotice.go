package alerts

import (
	"time"

	"jitaudit/schemas"
)

// TestNotice is a notice of a finding that is made up and says so, to see whether
// alerts arrive. Each instant has one of its own.
func TestNotice(now time.Time) *Notice {
	now = now.UTC().Truncate(time.Millisecond)
	event := "test-" + now.Format("20060102T150405.000Z")
	f := &schemas.Finding{
		ID: schemas.FindingID("test", "test", event), Rule: "test", Severity: schemas.Info, Status: schemas.Open,
		Person: schemas.Person{Key: "okta:example/test", Name: "test@example.com", Org: "example"},
		Anchor: event, At: now, Why: "This is a test of jitaudit's alerts: nothing has happened, and there is nothing to do.",
		Evidence: []string{event},
		Meta:     schemas.Meta{Version: 1, Observed: now},
	}
	n := &Notice{Alerts: []Alert{{Change: Opened, Finding: f}}, Test: true}
	n.ID = idOf(n.Alerts)
	return n
}
