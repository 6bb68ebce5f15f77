package slack

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// three is a notice of three alerts in one thread.
func (w *world) three() *alerts.Notice {
	return w.notice(sessionAlert("ses_1", 1, alerts.Opened), findingAlert("fin_1", 2, alerts.Opened, schemas.Low), findingAlert("fin_2", 3, alerts.Opened, schemas.Low))
}

// oneOfEach looks that each of three's messages was posted once, in one thread.
func (w *world) oneOfEach() {
	w.t.Helper()
	got := w.in(general)
	if len(got) != 3 {
		w.t.Fatalf("%d messages, want 3: %v", len(got), got)
	}
	for i, id := range []string{"ses_1.1", "fin_1.2", "fin_2.3"} {
		if got[i].Metadata.Payload.ID != id || i > 0 && got[i].Thread != got[0].TS {
			w.t.Errorf("message %d is %s in thread %q; want %s in the first one's", i, got[i].Metadata.Payload.ID, got[i].Thread, id)
		}
	}
}

func TestRepeatedNoticePostsWhatIsMissing(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault fault
		want  string
	}{
		{"rate limit", fault{status: 429, retryAfter: "7"}, "429"},
		{"server error", fault{status: 503}, "503"},
		{"server error after posting", fault{status: 500, done: true}, "500"},
		{"reset", fault{reset: true}, "chat.postMessage"},
		{"reset after posting", fault{reset: true, done: true}, "chat.postMessage"},
		{"fatal error", fault{code: "fatal_error"}, "fatal_error"},
		{"fatal error after posting", fault{code: "fatal_error", done: true}, "fatal_error"},
		{"answer that is no JSON", fault{body: "<html>", done: true}, "no JSON"},
		{"answer of another kind", fault{body: `{"ok":true,"ts":5}`, done: true}, "no JSON"},
		{"answer without ts", fault{body: `{"ok":true}`, done: true}, "no ts"},
		{"neither", fault{body: `{}`}, "neither ok nor an error"},
		{"answer that is too long", fault{body: `{"ok":true,"ts":"1.2","x":"` + strings.Repeat("x", 100_000) + `"}`, done: true}, "too long"},
	} {
		for before := range 3 {
			t.Run(fmt.Sprintf("%s, message %d", tt.name, before+1), func(t *testing.T) {
				w := newWorld(t, nil)
				w.r.warm = true
				w.fail("chat.postMessage", make([]fault, before)...) // those go through
				w.fail("chat.postMessage", tt.fault)
				n := w.three()
				w.fails(n, tt.want)
				if _, err := w.send(n); err != nil {
					t.Fatal(err)
				}
				w.oneOfEach()
				if w.r.sent.Len() != 0 {
					t.Errorf("the notice is still remembered: %v", w.r.sent.Keys())
				}
			})
		}
	}
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	w := newWorld(t, nil)
	w.fail("chat.postMessage", fault{status: 429, retryAfter: "7"})
	_, err := w.send(w.three())
	if got := alerts.Delay(err); got != 7*time.Second {
		t.Errorf("Delay(%v) = %v, want 7s", err, got)
	}
	w.restart(nil)
	w.fail("conversations.history", fault{status: 429, retryAfter: "60"})
	_, err = w.send(w.three())
	if got := alerts.Delay(err); got != time.Minute || len(w.in(general)) != 0 {
		t.Errorf("Delay(%v) = %v, want 1m before anything is posted", err, got)
	}
}

// A crash between Slack's answer and the engine's commit: the same notice comes to
// a receiver that knows nothing of it.
func TestNoticeAfterACrashIsNotPostedAgain(t *testing.T) {
	w := newWorld(t, nil)
	n := w.three()
	w.pending = map[string]string{}
	if _, err := w.r.Send(context.Background(), n); err != nil {
		t.Fatal(err)
	}
	w.restart(nil)
	if _, err := w.send(n); err != nil {
		t.Fatal(err)
	}
	w.oneOfEach()
	before := w.called("conversations.history") + w.called("conversations.replies")
	w.mustSend(sessionAlert("ses_1", 4, alerts.Judged))
	if got := w.in(general); len(got) != 4 || got[3].Thread != got[0].TS {
		t.Errorf("the thread is lost: %+v", got)
	}
	if after := w.called("conversations.history") + w.called("conversations.replies"); after > before {
		t.Errorf("%d lookups although a notice has succeeded", after-before)
	}
}

func TestLookupGoesThroughPagesUpToABound(t *testing.T) {
	for _, tt := range []struct {
		name    string
		others  int
		padding int
		want    int
	}{
		{"a few", 10, 0, 1},
		{"on the fourth page", 55, 0, 1},
		{"beyond", 60, 0, 2},
		{"long ones", 10, 10_000, 1},
		{"too long ones", 2, 100_000, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.r.warm = true
			w.fail("chat.postMessage", fault{reset: true, done: true})
			n := w.notice(sessionAlert("ses_1", 1, alerts.Opened))
			w.fails(n, "chat.postMessage")
			w.mu.Lock()
			for i := range tt.others {
				w.messages = append(w.messages, stored{message: message{Channel: general}, TS: fmt.Sprintf("%d.%06d", w.start.Unix(), 1000+i)})
			}
			w.padding = tt.padding
			w.mu.Unlock()
			if _, err := w.send(n); err != nil {
				t.Fatal(err)
			}
			posted := 0
			for _, m := range w.in(general) {
				if m.Metadata.Payload.ID == "ses_1.1" {
					posted++
				}
			}
			if posted != tt.want {
				t.Errorf("posted %d times, want %d", posted, tt.want)
			}
			if calls := w.called("conversations.history"); calls > maxPages+2 {
				t.Errorf("%d lookups", calls)
			}
		})
	}
}

func TestWithoutTheScopeToReadMessagesAreRepeatedAndTheLogSaysSo(t *testing.T) {
	w := newWorld(t, nil)
	w.scopes = []string{"chat:write"}
	w.r.warm = true
	w.fail("chat.postMessage", fault{reset: true, done: true})
	n := w.notice(sessionAlert("ses_1", 1, alerts.Opened))
	w.fails(n, "chat.postMessage")
	if _, err := w.send(n); err != nil {
		t.Fatal(err)
	}
	if got := len(w.in(general)); got != 2 {
		t.Errorf("%d messages, want 2", got)
	}
	if log := w.log.String(); strings.Count(log, "they may come twice") != 1 || !strings.Contains(log, "needed: channels:history") {
		t.Errorf("log: %s", log)
	}
}

func TestMetadataOfOthersIsNoneOfOurs(t *testing.T) {
	for _, metadata := range []string{
		``, `"metadata":{},`, `"metadata":{"event_type":"jitaudit_alert","event_payload":{"id":7}},`,
		`"metadata":{"event_type":"jitaudit_alert","event_payload":[]},`,
		`"metadata":{"event_type":"other","event_payload":{"id":"ses_1.1"}},`,
		`"metadata":{"event_type":"jitaudit_alert","event_payload":null},`,
	} {
		w := newWorld(t, nil)
		w.fail("conversations.history", fault{body: `{"ok":true,"messages":[{` + metadata + `"ts":"1.2"}],"has_more":false}`})
		w.mustSend(sessionAlert("ses_1", 1, alerts.Opened))
		if len(w.in(general)) != 1 {
			t.Errorf("%s: taken for ours", metadata)
		}
	}
}

func TestErrorsOfSlack(t *testing.T) {
	for _, tt := range []struct {
		code  string
		retry bool
		want  string
	}{
		{"ratelimited", true, "answered ratelimited"},
		{"internal_error", true, "answered internal_error"},
		{"service_unavailable", true, "answered service_unavailable"},
		{"invalid_auth", true, "answered invalid_auth: the token is not valid, or no longer: install the app again and set the new token"},
		{"token_revoked", true, "answered token_revoked: the token is not valid, or no longer: install the app again and set the new token"},
		{"channel_not_found", true, "answered channel_not_found: there is no such channel, or it is private and the app is not in it: see whether the id is right, and /invite the app"},
		{"not_in_channel", true, "answered not_in_channel: the app is not in the channel: /invite it there"},
		{"is_archived", true, "answered is_archived: the channel is archived: restore it, or configure another"},
		{"missing_scope", true, "answered missing_scope: the app lacks a scope: add it as in examples/slack/manifest.yaml and install the app again"},
		{"restricted_action", true, "answered restricted_action: the workspace does not allow the app to do this: ask its administrators"},
		{"never_heard_of", true, "answered never_heard_of"},
		{"invalid_blocks", false, "answered invalid_blocks"},
		{"msg_blocks_too_long", false, "answered msg_blocks_too_long"},
		{"msg_too_long", false, "answered msg_too_long"},
		{"metadata_too_large", false, "answered metadata_too_large"},
		{"with " + testToken + "\x1b[31m", true, `answered with ***\x1b[31m`},
	} {
		t.Run(tt.code, func(t *testing.T) {
			w := newWorld(t, nil)
			w.fail("chat.postMessage", fault{code: tt.code})
			retry, err := w.send(w.notice(sessionAlert("ses_1", 1, alerts.Opened)))
			if err == nil || retry != tt.retry || !strings.HasSuffix(err.Error(), "alert ses_1.1: slack: chat.postMessage "+tt.want) {
				t.Errorf("retry %v, err %v; want %v, …%s", retry, err, tt.retry, tt.want)
			}
		})
	}
}

func TestWrongTokenAndChannelAreForAnOperator(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Token = "xoxb-wrong-token" })
	w.fails(w.three(), "invalid_auth")
	w.restart(func(c *Config) { c.Channel = "C00000OTHER1" })
	w.fails(w.three(), "not_in_channel")
	w.restart(func(c *Config) { c.Channel = "C000UNKNOWN1" })
	w.fails(w.three(), "channel_not_found")
	if strings.Contains(w.log.String(), "token") && strings.Contains(w.log.String(), "xoxb") {
		t.Errorf("the log shows a token: %s", w.log)
	}
}

func TestRefusedAlertHoldsUpNoOther(t *testing.T) {
	w := newWorld(t, nil)
	w.fail("chat.postMessage", fault{}, fault{code: "invalid_blocks"})
	retry, err := w.send(w.three())
	if err == nil || retry || !strings.Contains(err.Error(), "1 of 3 messages refused, the others are posted") || !strings.Contains(err.Error(), "fin_1.2") {
		t.Errorf("retry %v, err %v", retry, err)
	}
	if got := w.in(general); len(got) != 2 || got[1].Metadata.Payload.ID != "fin_2.3" {
		t.Errorf("posted %+v", got)
	}
	if w.r.sent.Len() != 0 {
		t.Errorf("a notice that ended is remembered: %v", w.r.sent.Keys())
	}
}

func TestSendEndsWithItsContext(t *testing.T) {
	w := newWorld(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	retry, err := w.r.Send(ctx, &alerts.Notice{ID: "ntc", Alerts: w.three().Alerts})
	if err == nil || !retry {
		t.Errorf("retry %v, err %v", retry, err)
	}
}

// Slack allows a message a second in a channel.
func TestChannelsArePaced(t *testing.T) {
	r, err := New(Config{Token: testToken, Channel: general, Channels: map[schemas.Severity]string{schemas.High: urgent}})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for _, channel := range []string{general, urgent} {
		pace := r.pace[channel]
		if pace == nil || !pace.AllowN(start, burst) || pace.AllowN(start, 1) || !pace.AllowN(start.Add(time.Second), 1) {
			t.Errorf("%s is not paced", channel)
		}
	}
}

func TestLookupsAreForUnclearFailuresAlone(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault fault
		want  int
	}{
		{"rate limit", fault{status: 429, retryAfter: "1"}, 0},
		{"wrong token", fault{code: "invalid_auth"}, 0},
		{"reset", fault{reset: true}, 1},
		{"server error", fault{status: 502}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.r.warm = true
			w.fail("chat.postMessage", tt.fault)
			n := w.notice(sessionAlert("ses_1", 1, alerts.Opened))
			w.fails(n, "")
			if _, err := w.send(n); err != nil {
				t.Fatal(err)
			}
			if got := w.called("conversations.history"); got != tt.want {
				t.Errorf("%d lookups, want %d", got, tt.want)
			}
		})
	}
}

func TestNobodyListensIsNoUnclearFailure(t *testing.T) {
	w := newWorld(t, nil)
	w.r.warm = true
	w.server.Close()
	w.fails(w.three(), "connection refused")
	if w.r.sent.Len() != 0 {
		t.Error("what was not sent is looked for")
	}
}

// An answer to a thread that was shown to the channel is found there, and goes on
// with its thread although what was kept of that is lost.
func TestFoundAnswerIsInItsThread(t *testing.T) {
	w := newWorld(t, nil)
	w.mustSend(sessionAlert("ses_1", 1, alerts.Opened), findingAlert("fin_1", 2, alerts.Opened, schemas.High))
	w.restart(nil)
	w.kept = map[string]string{}
	w.mustSend(findingAlert("fin_1", 2, alerts.Opened, schemas.High), findingAlert("fin_2", 3, alerts.Opened, schemas.Low))
	if got := w.in(general); len(got) != 3 || got[2].Thread != got[0].TS {
		t.Errorf("got %+v", got)
	}
}

func TestNewThreadIsGoneOnWithWhenTheNoticeIsRepeated(t *testing.T) {
	w := newWorld(t, nil)
	w.mustSend(sessionAlert("ses_1", 1, alerts.Opened))
	w.mu.Lock()
	w.messages[0].Channel = "C_DELETED"
	w.mu.Unlock()
	n := w.notice(findingAlert("fin_1", 2, alerts.Opened, schemas.Low), findingAlert("fin_2", 3, alerts.Opened, schemas.Low))
	w.fail("chat.postMessage", fault{}, fault{}, fault{status: 503})
	w.fails(n, "503")
	if _, err := w.send(n); err != nil {
		t.Fatal(err)
	}
	if got := w.in(general); len(got) != 2 || got[1].Thread != got[0].TS {
		t.Errorf("got %+v", got)
	}
}
