package slack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

const (
	toAnn = "D0000000ANN"
	toBob = "D0000000BOB"
)

func direct(c *Config) { c.Direct = true }

func TestDirectMessagesAreOffUnlessConfigured(t *testing.T) {
	w := newWorld(t, nil)
	w.mustSend(grantAlert(1, alerts.Opened), findingAlert("fin_1", 2, alerts.Opened, schemas.Low))
	if w.called("users.lookupByEmail") != 0 || len(w.in(toAnn)) != 0 {
		t.Error("somebody was written to")
	}
}

func TestDirectMessages(t *testing.T) {
	w := newWorld(t, direct)
	w.mustSend(grantAlert(1, alerts.Opened), sessionAlert("ses_1", 2, alerts.Opened), findingAlert("fin_1", 3, alerts.Opened, schemas.Low), grantAlert(4, alerts.Closed))
	for _, tt := range []struct{ channel, why string }{
		{toAnn, "You are told because you asked for this access."},
		{toBob, "You are told because you approved this access."},
	} {
		got := w.in(tt.channel)
		if len(got) != 3 {
			t.Fatalf("%s has %d messages, want 3: approval, finding, revocation", tt.channel, len(got))
		}
		for i, id := range []string{"grt_1.1", "fin_1.3", "grt_1.4"} {
			if got[i].Metadata.Payload.ID != id || !strings.Contains(string(got[i].raw), tt.why) {
				t.Errorf("%s has %s", tt.channel, got[i].raw)
			}
		}
	}
	if n := w.called("users.lookupByEmail"); n != 2 {
		t.Errorf("%d lookups for two people", n)
	}
	if w.r.Skipped() != 0 {
		t.Errorf("%d skipped", w.r.Skipped())
	}
}

func TestWhoHasTheAccessIsToldWhereNobodyIsKnownToHaveAsked(t *testing.T) {
	w := newWorld(t, direct)
	a := findingAlert("fin_1", 1, alerts.Opened, schemas.Low)
	a.Requester, a.Approvers = "", []string{"ANN@example.com"}
	w.mustSend(a)
	got := w.in(toAnn)
	if len(got) != 1 || !strings.Contains(string(got[0].raw), "this is your access") {
		t.Errorf("got %+v, want one message", got)
	}
}

func TestUnknownPeopleAreSkippedAndCounted(t *testing.T) {
	for _, name := range []string{"nobody@example.com", "gone@example.com", "00u1abcd", "ann@localhost", "a b@example.com", "<!channel>@example.com", "\u212aate@example.com", "kate@example.com\n", strings.Repeat("a", 300) + "@example.com"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, direct)
			w.users["kate@example.com"] = user{ID: "U000000KATE"}
			first := findingAlert("fin_1", 1, alerts.Opened, schemas.Low)
			first.Requester = name
			second := findingAlert("fin_2", 2, alerts.Opened, schemas.Low)
			second.Requester = name
			w.mustSend(first, second)
			if got := w.r.Skipped(); got != 2 {
				t.Errorf("%d skipped, want 2", got)
			}
			if len(w.in(general)) != 2 || len(w.in(toBob)) != 2 {
				t.Error("others were not told")
			}
			if n := w.called("users.lookupByEmail"); n > 2 { // with the approver's
				t.Errorf("%d lookups", n)
			}
			for _, key := range w.r.people.Keys() {
				if len(key) > 300 {
					t.Errorf("a name of %d bytes is remembered", len(key))
				}
			}
			if n := strings.Count(w.log.String(), "is not known there"); n != 1 {
				t.Errorf("the log says it %d times", n)
			}
		})
	}
}

func TestPeopleAreLookedUpAgainAfterAWhile(t *testing.T) {
	w := newWorld(t, direct)
	w.users = map[string]user{}
	a := findingAlert("fin_1", 1, alerts.Opened, schemas.Low)
	a.Approvers = nil
	lookups := func(after time.Duration, want int) {
		t.Helper()
		w.now = w.now.Add(after)
		a.Finding.Version++
		w.mustSend(a)
		if got := w.called("users.lookupByEmail"); got != want {
			t.Errorf("%d lookups, want %d", got, want)
		}
	}
	lookups(0, 1)
	lookups(9*time.Minute, 1)
	w.mu.Lock()
	w.users["ann@example.com"] = user{ID: "U0000000ANN"}
	w.mu.Unlock()
	lookups(2*time.Minute, 2)
	lookups(59*time.Minute, 2)
	lookups(2*time.Minute, 3)
	if got := len(w.in(toAnn)); got != 3 {
		t.Errorf("%d direct messages, want 3", got)
	}
}

// Direct messages hold up a notice a few times at most, and never a message to a
// channel.
func TestDirectMessagesHoldNothingUp(t *testing.T) {
	for _, tt := range []struct {
		name, method string
		fault        fault
		repeats      int
		log          string
	}{
		{"lookup fails for a while", "users.lookupByEmail", fault{status: 503}, directTries, "503"},
		{"opening fails for a while", "conversations.open", fault{code: "internal_error"}, directTries, "internal_error"},
		{"lookup lacks its scope", "users.lookupByEmail", fault{code: "missing_scope"}, 0, "missing_scope: the app lacks a scope"},
		{"opening is not allowed", "conversations.open", fault{code: "restricted_action"}, 0, "restricted_action"},
		{"something new", "conversations.open", fault{code: "never_heard_of"}, 0, "never_heard_of"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, direct)
			a, b := findingAlert("fin_1", 1, alerts.Opened, schemas.Low), findingAlert("fin_2", 2, alerts.Opened, schemas.Low)
			a.Approvers, b.Approvers = nil, nil
			b.Requester = "bob@example.com"
			n := w.notice(a, b)
			for range tt.repeats + 1 {
				w.fail(tt.method, tt.fault)
			}
			for range tt.repeats {
				w.fails(n, "direct message about fin_1.1")
				if len(w.in(general)) != 2 {
					t.Fatal("the channel waits for a direct message")
				}
			}
			if _, err := w.send(n); err != nil {
				t.Fatal(err)
			}
			if len(w.in(general)) != 2 || len(w.in(toAnn)) != 0 || len(w.in(toBob)) != 1 || w.r.Skipped() != 1 {
				t.Errorf("posted %d, %d, %d; skipped %d", len(w.in(general)), len(w.in(toAnn)), len(w.in(toBob)), w.r.Skipped())
			}
			if !strings.Contains(w.log.String(), tt.log) {
				t.Errorf("log: %s", w.log)
			}
			if w.r.sent.Len() != 0 || w.r.failed.Len() != 0 {
				t.Errorf("the notice is still remembered: %v", w.r.sent.Keys())
			}
		})
	}
}

func TestDirectMessageAfterALostAnswerComesOnce(t *testing.T) {
	w := newWorld(t, direct)
	n := w.notice(grantAlert(1, alerts.Opened))
	w.fail("chat.postMessage", fault{}, fault{reset: true, done: true})
	w.fails(n, "direct message about grt_1.1")
	if _, err := w.send(n); err != nil {
		t.Fatal(err)
	}
	if len(w.in(general)) != 1 || len(w.in(toAnn)) != 1 || len(w.in(toBob)) != 1 {
		t.Errorf("posted %d, %d, %d; want one each", len(w.in(general)), len(w.in(toAnn)), len(w.in(toBob)))
	}
}

func TestOnlySoManyPeopleAreTold(t *testing.T) {
	w := newWorld(t, direct)
	a := findingAlert("fin_1", 1, alerts.Opened, schemas.Low)
	a.Approvers = nil
	for i := range 500 {
		email := fmt.Sprintf("p%d@example.com", i)
		a.Approvers = append(a.Approvers, email)
		w.users[email] = user{ID: fmt.Sprintf("U%010d", i)}
	}
	w.mustSend(a)
	if got := w.called("chat.postMessage"); got != 1+peopleTold {
		t.Errorf("%d messages", got)
	}
	if got := w.r.Skipped(); got != 501-peopleTold {
		t.Errorf("%d skipped", got)
	}
}
