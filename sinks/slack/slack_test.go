package slack

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

const (
	general = "C0000GENERAL"
	urgent  = "C0000URGENT1"
)

// world is a workspace with a receiver, and what the engine would keep.
type world struct {
	*workspace
	t   *testing.T
	r   *Receiver
	log *bytes.Buffer
	now time.Time
	// kept is durable, pending what was kept since the last success.
	kept, pending map[string]string
}

func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{workspace: newWorkspace(t), t: t, log: &bytes.Buffer{}, kept: map[string]string{}}
	w.now = w.start.Add(time.Minute)
	w.restart(change)
	return w
}

// restart makes a new receiver, which knows nothing of what the last one did.
func (w *world) restart(change func(*Config)) {
	w.t.Helper()
	cfg := Config{
		Token: testToken, Channel: general, URL: w.server.URL + "/api", Timeout: 5 * time.Second,
		Channels: map[schemas.Severity]string{schemas.Critical: urgent},
		Now:      func() time.Time { return w.now },
		Log:      slog.New(slog.NewTextHandler(w.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	r, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = r.Close() })
	for channel := range r.pace {
		r.pace[channel] = rate.NewLimiter(rate.Inf, 1)
	}
	w.r = r
}

func (w *world) Of(key string) string    { return w.kept[key] }
func (w *world) Keep(key, thread string) { w.pending[key] = thread }
func (w *world) notice(a ...alerts.Alert) *alerts.Notice {
	return &alerts.Notice{ID: "ntc_" + a[0].ID(), Alerts: a, Threads: w}
}

func (w *world) send(n *alerts.Notice) (bool, error) {
	w.pending = map[string]string{}
	retry, err := w.r.Send(context.Background(), n)
	if err == nil {
		maps.Copy(w.kept, w.pending)
	}
	return retry, err
}

func (w *world) mustSend(a ...alerts.Alert) {
	w.t.Helper()
	if _, err := w.send(w.notice(a...)); err != nil {
		w.t.Fatal(err)
	}
}

// fails sends what has to be sent again later.
func (w *world) fails(n *alerts.Notice, want string) {
	w.t.Helper()
	retry, err := w.send(n)
	if err == nil || !retry || !strings.Contains(err.Error(), want) {
		w.t.Fatalf("Send: retry %v, err %v; want to be told to try again, by an error with %q", retry, err, want)
	}
}

var ann = schemas.Person{Key: "okta:example/00u1", Name: "ann@example.com", Org: "example"}

func at(minute int) time.Time { return time.Date(2026, 3, 1, 9, minute, 0, 0, time.UTC) }

func findingAlert(id string, version int64, change alerts.Change, severity schemas.Severity) alerts.Alert {
	return alerts.Alert{
		Change: change,
		Finding: &schemas.Finding{
			ID: id, Rule: "no_mfa", Severity: severity, Status: schemas.Open, Person: ann,
			Anchor: "evt-1", At: at(3), Account: "123456789012", Role: "Admin", Session: "ses_1", Grant: "grt_1",
			Why:      "ann@example.com assumed Admin in 123456789012 without a second factor.",
			Evidence: []string{"evt-1", "evt-2"}, Policy: "0123456789abcdef",
			Meta: schemas.Meta{Version: version, Observed: at(4)},
		},
		Requester: "ann@example.com", Approvers: []string{"bob@example.com"},
		Link: "https://grafana.example.com/d/jitaudit-finding?var-id=" + id,
	}
}

func grantAlert(version int64, change alerts.Change) alerts.Alert {
	g := &schemas.Grant{
		ID: "grt_1", Person: ann, Account: "123456789012", Role: "Admin", Source: schemas.ByMembership,
		Group: "aws#prod#Admin#123456789012", Opened: at(0), ApprovedUntil: at(30),
		Requests: []schemas.RequestRef{{ID: "req-1", Requester: "ann@example.com", Approvers: []string{"bob@example.com"}, Justification: "deploy 1.2"}},
		Policy:   "0123456789abcdef", Evidence: []string{"evt-0"}, Meta: schemas.Meta{Version: version, Observed: at(1)},
	}
	if change == alerts.Closed {
		g.Removed = at(31)
	}
	return alerts.Alert{Change: change, Grant: g, Link: "https://grafana.example.com/d/grant"}
}

func sessionAlert(id string, version int64, change alerts.Change) alerts.Alert {
	return alerts.Alert{
		Change: change,
		Session: &schemas.Session{
			ID: id, Person: ann, Account: "123456789012", Role: "Admin", SessionName: "ann@example.com",
			Start: at(2), End: at(20), MFA: schemas.MFANo, SignOn: &schemas.SignOnRef{EventID: "evt-s", IP: "192.0.2.7"},
			Verdict: schemas.VerdictUnknown, Unjudged: []schemas.Unjudged{{Rule: "no_sign_on", Reason: schemas.Pending}},
			Policy: "0123456789abcdef", Evidence: []string{"evt-1"}, Meta: schemas.Meta{Version: version, Observed: at(5)},
		},
		Requester: "ann@example.com", Approvers: []string{"bob@example.com", "carl@example.com", "dora@example.com", "emil@example.com"},
	}
}

func texts(m stored) string {
	var b strings.Builder
	b.WriteString(m.Text)
	b.Write(m.raw)
	return b.String()
}

func TestNewRefuses(t *testing.T) {
	good := Config{Token: testToken, Channel: general}
	for _, tt := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"no token", func(c *Config) { c.Token = "" }, "token: it is missing; see docs/receivers/slack.md for how to make one"},
		{"a user's token", func(c *Config) { c.Token = "xoxp-1-secret" }, "token: it is no bot token; those begin with xoxb- (in the app's settings: OAuth & Permissions, Bot User OAuth Token)"},
		{"a line end in the token", func(c *Config) { c.Token = "xoxb-1-secret\n" }, "token: it holds a space or a line end"},
		{"no channel", func(c *Config) { c.Channel = "" }, `channel: want the channel's id, such as C0123456789 (in Slack: the channel's details, at the bottom; got "")`},
		{"a channel's name", func(c *Config) { c.Channel = "#alerts" }, `channel: want the channel's id, such as C0123456789 (in Slack: the channel's details, at the bottom; got "#alerts")`},
		{"a name for a severity", func(c *Config) { c.Channels = map[schemas.Severity]string{"high": "alerts"} }, `channels.high: want the channel's id, such as C0123456789 (in Slack: the channel's details, at the bottom; got "alerts")`},
		{"an unknown severity", func(c *Config) { c.Channels = map[schemas.Severity]string{"severe": general} }, `channels: "severe" is no severity; there are info, low, medium, high and critical`},
		{"http to elsewhere", func(c *Config) { c.URL = "http://slack.example.com/api" }, "url: http to slack.example.com would show everything to the network: use https"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := good
			tt.change(&cfg)
			_, err := New(cfg)
			if err == nil || err.Error() != tt.want {
				t.Errorf("New: %v\nwant %s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
	if _, err := New(good); err != nil {
		t.Errorf("New: %v", err)
	}
}

func TestEachAlertIsOneMessageInOrder(t *testing.T) {
	w := newWorld(t, nil)
	w.mustSend(grantAlert(1, alerts.Opened), sessionAlert("ses_1", 2, alerts.Opened), findingAlert("fin_1", 3, alerts.Opened, schemas.Medium))
	got := w.in(general)
	if len(got) != 3 {
		t.Fatalf("%d messages, want 3", len(got))
	}
	for i, want := range []string{"grt_1.1", "ses_1.2", "fin_1.3"} {
		if got[i].Metadata.Type != "jitaudit_alert" || got[i].Metadata.Payload.ID != want {
			t.Errorf("message %d has metadata %+v, want id %s", i, got[i].Metadata, want)
		}
	}
}

func TestOneThreadPerSession(t *testing.T) {
	w := newWorld(t, nil)
	w.mustSend(sessionAlert("ses_1", 1, alerts.Opened))
	w.mustSend(findingAlert("fin_1", 2, alerts.Opened, schemas.Low))
	w.restart(nil) // what was kept is all that is known
	w.mustSend(findingAlert("fin_2", 3, alerts.Opened, schemas.High), sessionAlert("ses_1", 4, alerts.Judged))
	w.mustSend(findingAlert("fin_1", 5, alerts.Resolved, schemas.Low))
	w.mustSend(findingAlert("fin_2", 6, alerts.Retracted, schemas.High))
	w.mustSend(sessionAlert("ses_2", 7, alerts.Opened))
	got := w.in(general)
	root := got[0].TS
	for i, want := range []struct {
		thread    string
		broadcast bool
	}{
		{"", false},
		{root, false},
		{root, true}, // a high finding is not hidden in a thread
		{root, false},
		{root, false}, // fin_2 is still open
		{root, true},  // the last one is over
		{"", false},   // another session
	} {
		if got[i].Thread != want.thread || got[i].Broadcast != want.broadcast {
			t.Errorf("message %d: thread %q, shown to the channel %v; want %q, %v", i, got[i].Thread, got[i].Broadcast, want.thread, want.broadcast)
		}
	}
}

func TestLastFindingIsNotGuessedAmongTooMany(t *testing.T) {
	w := newWorld(t, nil)
	var open, over []alerts.Alert
	for i := range openLimit + 1 {
		id := fmt.Sprintf("fin_%d", i)
		open = append(open, findingAlert(id, int64(i), alerts.Opened, schemas.Low))
		over = append(over, findingAlert(id, int64(100+i), alerts.Resolved, schemas.Low))
	}
	w.mustSend(open...)
	w.mustSend(over...)
	for _, m := range w.in(general) {
		if m.Broadcast {
			t.Errorf("%s is taken for the last", m.Metadata.Payload.ID)
		}
	}
	if kept := w.kept["ses_1@"+general]; len(kept) > 200 {
		t.Errorf("kept: %s", kept)
	}
}

func TestThreadWithoutSession(t *testing.T) {
	w := newWorld(t, nil)
	about := findingAlert("fin_1", 2, alerts.Opened, schemas.Low)
	about.Finding.Session = ""
	w.mustSend(grantAlert(1, alerts.Opened))
	w.mustSend(about)
	alone := findingAlert("fin_2", 3, alerts.Opened, schemas.Low)
	alone.Finding.Session, alone.Finding.Grant = "", ""
	w.mustSend(alone)
	over := findingAlert("fin_2", 4, alerts.Resolved, schemas.Low)
	over.Finding.Session, over.Finding.Grant = "", ""
	w.mustSend(over)
	got := w.in(general)
	if got[1].Thread != got[0].TS {
		t.Error("a finding about a grant is not in the grant's thread")
	}
	if got[2].Thread != "" || got[3].Thread != got[2].TS || !got[3].Broadcast {
		t.Error("a finding about nothing else has no thread of its own")
	}
}

func TestRaisedFindingIsToldInBothChannels(t *testing.T) {
	w := newWorld(t, nil)
	w.mustSend(findingAlert("fin_1", 1, alerts.Opened, schemas.Medium))
	w.mustSend(findingAlert("fin_1", 2, alerts.Raised, schemas.Critical))
	w.mustSend(findingAlert("fin_1", 3, alerts.Resolved, schemas.Critical))
	if got := w.in(urgent); len(got) != 2 || got[0].Thread != "" || got[1].Thread != got[0].TS || !got[1].Broadcast {
		t.Errorf("the critical channel has %+v", got)
	}
	if got := w.in(general); len(got) != 3 || got[1].Thread != got[0].TS || !got[2].Broadcast {
		t.Errorf("the channel has %+v", got)
	}
}

func TestMergedSessionKeepsItsThread(t *testing.T) {
	w := newWorld(t, nil)
	w.mustSend(sessionAlert("ses_late", 1, alerts.Opened))
	gone := sessionAlert("ses_late", 2, alerts.Retracted)
	gone.Session.Deleted, gone.Session.SupersededBy = true, "ses_1"
	w.mustSend(gone)
	w.restart(nil)
	w.mustSend(sessionAlert("ses_1", 3, alerts.Opened))
	if got := w.in(general); got[2].Thread != got[0].TS {
		t.Errorf("the thread of the merged session is not gone on with: %+v", got[2])
	}
}

func TestDeletedThreadIsBegunAnew(t *testing.T) {
	w := newWorld(t, nil)
	w.mustSend(sessionAlert("ses_1", 1, alerts.Opened))
	w.mu.Lock()
	w.messages[0].Channel = "C_DELETED"
	w.mu.Unlock()
	w.mustSend(findingAlert("fin_1", 2, alerts.Opened, schemas.Low), findingAlert("fin_2", 3, alerts.Opened, schemas.Low))
	if got := w.in(general); len(got) != 2 || got[0].Thread != "" || got[1].Thread != got[0].TS {
		t.Errorf("got %+v", got)
	}
}

func TestTestIsMarkedAndLeavesNoThread(t *testing.T) {
	w := newWorld(t, nil)
	n := w.notice(findingAlert("fin_1", 1, alerts.Opened, schemas.High))
	n.Test = true
	for range 2 { // it may be repeated at will
		if _, err := w.send(n); err != nil {
			t.Fatal(err)
		}
	}
	got := w.in(general)
	if len(got) != 2 || len(w.kept) != 0 || w.called("conversations.history") != 0 {
		t.Fatalf("%d messages, kept %v", len(got), w.kept)
	}
	if !strings.HasPrefix(got[0].Text, "TEST · ") || !strings.HasPrefix(got[0].Blocks[0].Text.Text, "TEST · ") {
		t.Errorf("it is not marked as a test: %s", got[0].raw)
	}
}

func TestDigestIsOneMessage(t *testing.T) {
	w := newWorld(t, nil)
	n := &alerts.Notice{ID: "ntc_9", Threads: w, Digest: digest()}
	if _, err := w.send(n); err != nil {
		t.Fatal(err)
	}
	got := w.in(general)
	if len(got) != 1 || got[0].Metadata.Payload.ID != "ntc_9" || !strings.Contains(texts(got[0]), "12 × no_mfa") {
		t.Errorf("got %+v", got)
	}
}

func digest() *alerts.Digest {
	return &alerts.Digest{
		Reason: alerts.TooMany, Total: 15, From: at(0), To: at(59), Link: "https://grafana.example.com/d/findings",
		Counts: []alerts.Count{
			{Kind: "finding", Rule: "no_mfa", Severity: schemas.High, Change: alerts.Opened, N: 12},
			{Kind: "finding", Rule: "unused_grant", Severity: schemas.Low, Change: alerts.Resolved, N: 2},
			{Kind: "grant", Change: alerts.Closed, N: 1},
		},
	}
}
