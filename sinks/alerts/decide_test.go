package alerts

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"jitaudit/schemas"
)

var (
	at    = time.Date(2026, 5, 4, 8, 15, 30, 0, time.UTC)
	fresh = at.Add(time.Minute)
	aged  = at.Add(48 * time.Hour)
)

// told is what was told of a record in version 10.
func told(c Change, with func(*Sent)) *Sent {
	s := &Sent{Version: 10, Change: c, Severity: schemas.Medium, Verdict: schemas.VerdictUnknown}
	if with != nil {
		with(s)
	}
	return s
}

func over(s *Sent)    { s.Over = true }
func nothing(*Sent)   {}
func refused(s *Sent) { s.Refused = true }

// version makes a record of version 11.
func findingOf(with func(*schemas.Finding)) *record {
	f := &schemas.Finding{ID: "fnd_1", Rule: "no_mfa", Severity: schemas.Medium, Status: schemas.Open, At: at, Meta: schemas.Meta{Version: 11}}
	with(f)
	return &record{finding: f}
}

func grantOf(with func(*schemas.Grant)) *record {
	g := &schemas.Grant{ID: "grt_1", Opened: at, Meta: schemas.Meta{Version: 11}}
	with(g)
	return &record{grant: g}
}

func sessionOf(with func(*schemas.Session)) *record {
	s := &schemas.Session{ID: "ses_1", Start: at, Verdict: schemas.VerdictUnknown, Meta: schemas.Meta{Version: 11}}
	with(s)
	return &record{session: s}
}

// Each line is what was told of a record, each column what it is now.
func TestDecide(t *testing.T) {
	type state struct {
		name string
		sent *Sent
	}
	type column struct {
		name   string
		record *record
	}
	tests := []struct {
		kind    Kind
		columns []column
		states  []state
		want    [][]string
	}{
		{
			Findings,
			[]column{
				{"lower", findingOf(func(f *schemas.Finding) { f.Severity = schemas.Low })},
				{"same", findingOf(func(*schemas.Finding) {})},
				{"higher", findingOf(func(f *schemas.Finding) { f.Severity = schemas.Critical })},
				{"higher, suppressed", findingOf(func(f *schemas.Finding) { f.Severity, f.Suppressed = schemas.High, &schemas.Suppression{} })},
				{"resolved", findingOf(func(f *schemas.Finding) { f.Status = schemas.Resolved })},
				{"resolved, suppressed", findingOf(func(f *schemas.Finding) { f.Status, f.Suppressed = schemas.Resolved, &schemas.Suppression{} })},
				{"retracted", findingOf(func(f *schemas.Finding) { f.Status = schemas.Retracted })},
				{"deleted", findingOf(func(f *schemas.Finding) { f.Deleted = true })},
			},
			[]state{
				{"not known", nil},
				{"refused", told("", refused)},
				{"opened", told(Opened, nil)},
				{"raised", told(Raised, nil)},
				{"reopened", told(Reopened, nil)},
				{"raised, refused", told(Opened, refused)},
				{"opened when it was over", told(Opened, over)},
				{"resolved", told(Resolved, over)},
				{"retracted", told(Retracted, over)},
			},
			[][]string{
				{"opened", "opened", "opened", "opened but suppressed", "opened", "opened but suppressed", "", ""},
				{"opened", "opened", "opened", "opened but suppressed", "opened", "opened but suppressed", "", ""},
				{"", "", "raised", "raised but suppressed", "resolved", "resolved", "retracted", "retracted"},
				{"", "", "raised", "raised but suppressed", "resolved", "resolved", "retracted", "retracted"},
				{"", "", "raised", "raised but suppressed", "resolved", "resolved", "retracted", "retracted"},
				{"", "", "raised", "raised but suppressed", "resolved", "resolved", "retracted", "retracted"},
				{"reopened", "reopened", "reopened", "reopened but suppressed", "", "", "retracted", "retracted"},
				{"reopened", "reopened", "reopened", "reopened but suppressed", "", "", "retracted", "retracted"},
				{"reopened", "reopened", "reopened", "reopened but suppressed", "resolved", "resolved", "", ""},
			},
		},
		{
			Grants,
			[]column{
				{"open", grantOf(func(*schemas.Grant) {})},
				{"closed", grantOf(func(g *schemas.Grant) { g.Removed = at.Add(time.Hour) })},
				{"open since before the log", grantOf(func(g *schemas.Grant) { g.Opened = time.Time{} })},
				{"closed, its opening not known", grantOf(func(g *schemas.Grant) { g.Opened, g.Removed = time.Time{}, at })},
				{"deleted", grantOf(func(g *schemas.Grant) { g.Deleted = true })},
				{"deleted, closed", grantOf(func(g *schemas.Grant) { g.Deleted, g.Removed = true, at })},
			},
			[]state{
				{"not known", nil},
				{"refused", told("", refused)},
				{"opened", told(Opened, nil)},
				{"opened when it was closed", told(Opened, over)},
				{"closed", told(Closed, over)},
				{"retracted", told(Retracted, over)},
			},
			[][]string{
				{"opened", "opened", "", "closed", "", ""},
				{"opened", "opened", "", "closed", "", ""},
				{"", "closed", "", "closed", "retracted", "retracted"},
				{"opened", "", "opened", "", "retracted", "retracted"},
				{"opened", "", "opened", "", "retracted", "retracted"},
				{"opened", "closed", "opened", "closed", "", ""},
			},
		},
		{
			Sessions,
			[]column{
				{"as it was", sessionOf(func(*schemas.Session) {})},
				{"judged", sessionOf(func(s *schemas.Session) { s.Verdict = schemas.VerdictFinding })},
				{"deleted", sessionOf(func(s *schemas.Session) { s.Deleted, s.SupersededBy = true, "ses_0" })},
			},
			[]state{
				{"not known", nil},
				{"refused", told("", refused)},
				{"opened", told(Opened, nil)},
				{"judged", told(Judged, nil)},
				{"retracted", told(Retracted, over)},
			},
			[][]string{
				{"opened", "opened", ""},
				{"opened", "opened", ""},
				{"", "judged", "retracted"},
				{"", "judged", "retracted"},
				{"opened", "opened", ""},
			},
		},
	}
	for _, tt := range tests {
		for i, s := range tt.states {
			for j, c := range tt.columns {
				t.Run(fmt.Sprintf("%s told %s is %s", tt.kind, s.name, c.name), func(t *testing.T) {
					d := decide(s.sent, c.record, nil, 24*time.Hour, fresh)
					if got := spell(d); got != tt.want[i][j] {
						t.Errorf("got %q, want %q", got, tt.want[i][j])
					}
					laws(t, s.sent, c.record, d)
				})
			}
		}
	}
}

// spell writes a decision as the table has it.
func spell(d decision) string {
	s := string(d.change)
	if d.digest != "" {
		s += " in a digest: " + string(d.digest)
	}
	if d.mute != "" {
		s += " but " + string(d.mute)
	}
	if d.stale {
		s = "stale"
	}
	return s
}

// laws hold whatever was told and is.
func laws(t *testing.T, sent *Sent, r *record, d decision) {
	t.Helper()
	again := func(sent *Sent, r *record, triage schemas.TriageStatus, now time.Time) decision {
		var decided *schemas.Triage
		if triage != "" {
			decided = &schemas.Triage{Status: triage}
		}
		return decide(sent, r, decided, 24*time.Hour, now)
	}
	tells := d.change != "" && d.mute == ""
	for _, status := range []schemas.TriageStatus{schemas.TriageAccepted, schemas.TriageFalsePositive} {
		want := d
		if tells {
			want.mute = triaged
		}
		if got := again(sent, r, status, fresh); got != want {
			t.Errorf("where people say %s: %q, want %q", status, spell(got), spell(want))
		}
	}
	for _, status := range []schemas.TriageStatus{schemas.TriageOpen, schemas.TriageInvestigating, schemas.TriageFixed} {
		if got := again(sent, r, status, fresh); got != d {
			t.Errorf("where people say %s: %q, want %q", status, spell(got), spell(d))
		}
	}

	caused := *r
	for _, caused.cause = range []schemas.Cause{schemas.ByPolicy, schemas.ByProgram} {
		want := d
		if tells {
			want.digest = Rejudged
		}
		if got := again(sent, &caused, "", fresh); got != want {
			t.Errorf("by another %s: %q, want %q", caused.cause, spell(got), spell(want))
		}
		if got := again(sent, &caused, "", aged); got != want {
			t.Errorf("by another %s, and old: %q, want %q", caused.cause, spell(got), spell(want))
		}
	}

	want := d
	if tells && !sent.told() && !r.happened(d.change).IsZero() {
		want.digest = TooOld
	}
	if got := again(sent, r, "", aged); got != want {
		t.Errorf("two days later: %q, want %q", spell(got), spell(want))
	}
	if sent.told() {
		summed := *sent
		summed.Digest = true
		want := d
		if tells && !r.happened(d.change).IsZero() {
			want.digest = TooOld
		}
		if got := again(&summed, r, "", aged); got != want {
			t.Errorf("two days after a digest: %q, want %q", spell(got), spell(want))
		}
	}
	if at := r.happened(d.change); tells && !sent.told() && !at.IsZero() {
		if got := again(sent, r, "", at.Add(24*time.Hour)); got.digest != "" {
			t.Errorf("exactly as old as may be: %q", spell(got))
		}
	}

	if sent != nil {
		for _, v := range []int64{9, 10} {
			known := *sent
			known.Version = r.version() + 10 - v
			if got := again(&known, r, "", fresh); spell(got) != "stale" {
				t.Errorf("with version %d known: %q", known.Version, spell(got))
			}
		}
	}
	if tells { // once told, it is told
		after := r.after(sent, d.change, false)
		if got := again(after, r, "", fresh); spell(got) != "stale" {
			t.Errorf("told twice: %q", spell(got))
		}
		later := *after
		later.Version--
		if got := again(&later, r, "", fresh); got.change != "" {
			t.Errorf("the same in another version: %q", spell(got))
		}
	}
}

func TestWhatTimeCannotBeToldIsNotOld(t *testing.T) {
	r := findingOf(func(f *schemas.Finding) { f.At = time.Time{} })
	if got := spell(decide(nil, r, nil, time.Hour, aged)); got != "opened" {
		t.Errorf("got %q", got)
	}
}

func TestWhatIsRememberedOfARecord(t *testing.T) {
	g := grantOf(func(g *schemas.Grant) {
		g.Source, g.ApprovedUntil = schemas.ByRequest, at.Add(time.Hour)
		g.Requests = []schemas.RequestRef{
			{Approvers: []string{"bob@example.com"}},
			{Requester: "ada@example.com", Approvers: []string{"bob@example.com", "eve@example.com", ""}},
			{Requester: "mal@example.com"},
		}
	})
	got := g.after(nil, Opened, true)
	if got.Requester != "ada@example.com" || !slices.Equal(got.Approvers, []string{"bob@example.com", "eve@example.com"}) || !got.Ends.Equal(at.Add(time.Hour)) || !got.Digest || got.Over {
		t.Errorf("of a grant: %+v", got)
	}
	if next := g.after(got, Closed, false); next.Digest {
		t.Error("what is told by itself counts as told in a digest")
	}
	if next := g.after(told(Opened, nil), Closed, true); next.Digest {
		t.Error("what was told by itself counts as never told but in a digest")
	}

	more := *g.grant
	more.Requests = append(slices.Clone(more.Requests), schemas.RequestRef{Approvers: []string{"zoe@example.com"}})
	more.Version++
	noted := (&record{grant: &more}).noted(got)
	if noted == nil || noted.Version != 12 || len(noted.Approvers) != 3 || noted.Change != Opened {
		t.Errorf("an approver that is learnt later: %+v", noted)
	}
	if again := (&record{grant: &more}).noted(noted); again != nil {
		t.Errorf("nothing new: %+v", again)
	}

	long := string(make([]byte, personLimit+1))
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprint(i))
	}
	hostile := grantOf(func(g *schemas.Grant) {
		g.Requests = []schemas.RequestRef{{Requester: long, Approvers: append(many, long)}}
	})
	if who, approvers := hostile.people(); who != "" || len(approvers) != approversLimit {
		t.Errorf("a requester of %d bytes, %d approvers", len(who), len(approvers))
	}
}

func TestForgettable(t *testing.T) {
	month := 30 * 24 * time.Hour
	now := at.Add(2 * month)
	with := func(f func(*Sent)) *Sent {
		return told(Opened, func(s *Sent) { s.Observed = at; f(s) })
	}
	tests := []struct {
		name string
		sent *Sent
		want bool
	}{
		{"open", with(nothing), false},
		{"over", with(over), true},
		{"over, lately", with(func(s *Sent) { s.Over, s.Observed = true, now.Add(-month+time.Second) }), false},
		{"refused", &Sent{Version: 1, Refused: true, Observed: at}, true},
		{"ended by itself", with(func(s *Sent) { s.Ends = at.Add(time.Hour) }), true},
		{"ended by itself, lately", with(func(s *Sent) { s.Ends = now.Add(-time.Hour) }), false},
		{"held back, open", with(func(s *Sent) { s.Held = &schemas.Finding{Status: schemas.Open} }), false},
		{"held back, over", with(func(s *Sent) { s.Held = &schemas.Finding{Status: schemas.Resolved} }), true},
		{"held back, never told", &Sent{Observed: at, Held: &schemas.Finding{Status: schemas.Open}}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.sent.forgettable(now, month); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
