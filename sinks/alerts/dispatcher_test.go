package alerts_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/alerts"
)

func TestAFindingIsToldFromItsOpeningToItsEnd(t *testing.T) {
	c, s := start(t), serve(t)
	d := c.run(t, s, nil, alerts.Config{Link: "https://audit.example.com/findings"})
	now := time.Now()
	c.publish(t, message(t, finding("fnd_1", 1, now)))
	s.expect(t, "fnd_1.1 opened")
	c.publish(t, message(t, finding("fnd_1", 2, now)), message(t, finding("fnd_1", 3, now, severity(schemas.High))))
	s.expect(t, "fnd_1.1 opened", "fnd_1.3 raised")
	c.publish(t, message(t, finding("fnd_1", 4, now, status(schemas.Resolved))))
	s.expect(t, "fnd_1.1 opened", "fnd_1.3 raised", "fnd_1.4 resolved")
	d.stop(t)
	if got := s.taken()[0].Alerts[0].Link; got != "https://audit.example.com/findings/fnd_1" {
		t.Errorf("the link is %q", got)
	}
	sent, offsets, _ := c.sentLog(t, "soc")
	if got := sent["fnd_1"]; got.Version != 4 || got.Change != alerts.Resolved || !got.Over || got.Digest {
		t.Errorf("remembered: %+v", got)
	}
	p := kafka.PartitionOf([]byte("fnd_1"), partitions)
	if got := offsets[fmt.Sprintf("findings/%d", p)]; got != 4 {
		t.Errorf("the offset is %d, want 4", got)
	}
	for change, want := range map[string]float64{"opened": 1, "raised": 1, "resolved": 1} {
		if got := d.metric(t, "jitaudit_alerts_sent_total", change); got != want {
			t.Errorf("%v alerts are counted as %s", got, change)
		}
	}
	if got := d.metric(t, "jitaudit_alerts_delay_seconds"); got != 3 {
		t.Errorf("%v delays are measured", got)
	}

	// Whoever leads next goes on from there.
	next := c.run(t, s, nil, alerts.Config{})
	c.publish(t, message(t, finding("fnd_1", 5, now)), message(t, finding("fnd_1", 6, now, status(schemas.Retracted))))
	s.expect(t, "fnd_1.1 opened", "fnd_1.3 raised", "fnd_1.4 resolved", "fnd_1.5 reopened", "fnd_1.6 retracted")
	next.stop(t)
}

func TestOneLeadsAndAnotherTakesOver(t *testing.T) {
	c, s := start(t), serve(t)
	now := time.Now()
	one := c.run(t, s, nil, alerts.Config{})
	c.publish(t, message(t, finding("fnd_1", 1, now)))
	s.expect(t, "fnd_1.1 opened")
	two := c.run(t, s, nil, alerts.Config{})
	var want []string
	want = append(want, "fnd_1.1 opened")
	for i := range 20 { // while the lead is dealt out anew
		id := fmt.Sprintf("fnd_a%d", i)
		c.publish(t, message(t, finding(id, 1, now)))
		want = append(want, id+".1 opened")
		s.expect(t, want...)
	}
	if one.State().Leading == two.State().Leading {
		t.Errorf("they lead: %t, %t", one.State().Leading, two.State().Leading)
	}
	if two.State().Leading {
		one, two = two, one
	}
	one.stop(t)
	c.publish(t, message(t, finding("fnd_1", 2, now, status(schemas.Resolved))))
	s.expect(t, append(want, "fnd_1.2 resolved")...)
	two.stop(t)
}

func TestWhatIsNotRoutedIsNeitherToldNorRemembered(t *testing.T) {
	c, s := start(t), serve(t)
	d := c.run(t, s, nil, alerts.Config{Route: alerts.Route{Match: []alerts.Matcher{{Severity: schemas.High}}}})
	now := time.Now()
	publish := func(all ...kafka.Message) { // in order
		for i := range all {
			all[i].Pinned = true
		}
		c.publish(t, all...)
	}
	publish(
		message(t, finding("fnd_low", 1, now, severity(schemas.Low))),
		message(t, finding("fnd_high", 1, now, severity(schemas.High))),
	)
	s.expect(t, "fnd_high.1 opened")
	// Told once, it is told to the end; told never, it is not.
	publish(
		message(t, finding("fnd_low", 2, now, severity(schemas.Low), status(schemas.Resolved))),
		message(t, finding("fnd_high", 2, now, severity(schemas.Low), status(schemas.Resolved))),
	)
	s.expect(t, "fnd_high.1 opened", "fnd_high.2 resolved")
	d.stop(t)
	sent, offsets, _ := c.sentLog(t, "soc")
	if len(sent) != 1 {
		t.Errorf("remembered: %v", sorted(sent))
	}
	var read int64
	for _, next := range offsets {
		read += next
	}
	if read != 4 {
		t.Errorf("%d records are done with, want 4", read)
	}
}

func TestTriage(t *testing.T) {
	c, s := start(t), serve(t)
	now := time.Now()
	n := 0
	decide := func(finding string, status schemas.TriageStatus) kafka.Message {
		n++
		return message(t, &schemas.Triage{ID: fmt.Sprintf("tri_%d", n), Finding: finding, Status: status, At: now.Add(time.Duration(n) * time.Second)})
	}
	c.publish(t, decide("fnd_never", schemas.TriageFalsePositive))
	c.publish(t, message(t, finding("fnd_never", 1, now)), message(t, finding("fnd_1", 1, now)))
	d := c.run(t, s, nil, alerts.Config{})
	s.expect(t, "fnd_1.1 opened")

	c.publish(t, decide("fnd_1", schemas.TriageAccepted))
	c.publish(t, decide("fnd_2", schemas.TriageInvestigating))
	c.publish(t, message(t, finding("fnd_2", 1, now))) // tells that the decisions have been read
	s.expect(t, "fnd_1.1 opened", "fnd_2.1 opened")
	time.Sleep(300 * time.Millisecond) // they are in another topic
	c.publish(t, message(t, finding("fnd_1", 2, now, severity(schemas.Critical))))
	s.await(t, "what is not told", func() bool { return d.metric(t, "jitaudit_alerts_muted_total", "triaged") == 2 })
	d.stop(t)
	sent, _, _ := c.sentLog(t, "soc")
	if got := sent["fnd_1"]; got.Version != 2 || got.Change != alerts.Opened || got.Held == nil || got.Severity != schemas.Medium {
		t.Errorf("remembered of what is held back: %+v", got)
	}

	// A decision to look at it after all tells what was held back, after a restart too.
	d = c.run(t, s, nil, alerts.Config{})
	c.publish(t, decide("fnd_1", schemas.TriageOpen), decide("fnd_never", schemas.TriageOpen))
	s.expect(t, "fnd_1.1 opened", "fnd_2.1 opened", "fnd_1.2 raised", "fnd_never.1 opened")
	if got := s.taken()[len(s.taken())-1].Alerts; got[len(got)-1].Triage == "" {
		t.Error("the decision is not with the alert")
	}
	d.stop(t)

	// So does one that was made while nobody led.
	c.publish(t, decide("fnd_2", schemas.TriageAccepted))
	d = c.run(t, s, nil, alerts.Config{})
	c.publish(t, message(t, finding("fnd_2", 2, now, severity(schemas.High))))
	s.await(t, "what is not told", func() bool { return d.metric(t, "jitaudit_alerts_muted_total", "triaged") == 1 })
	d.stop(t)
	c.publish(t, decide("fnd_2", schemas.TriageFixed))
	d = c.run(t, s, nil, alerts.Config{})
	s.expect(t, "fnd_1.1 opened", "fnd_2.1 opened", "fnd_1.2 raised", "fnd_never.1 opened", "fnd_2.2 raised")
	d.stop(t)
}

// What waits is not told once somebody has accepted it.
func TestADecisionWithdrawsWhatWaits(t *testing.T) {
	c, s := start(t), serve(t)
	now := time.Now()
	d := c.run(t, s, nil, alerts.Config{GroupWait: 3 * time.Second})
	c.publish(t, message(t, finding("fnd_1", 1, now)), message(t, finding("fnd_1", 2, now, severity(schemas.High))), message(t, finding("fnd_2", 1, now)))
	s.await(t, "all to wait", func() bool { return d.State().Pending == 3 })
	c.publish(t, message(t, &schemas.Triage{ID: "tri_1", Finding: "fnd_1", Status: schemas.TriageAccepted, At: now}))
	s.expect(t, "fnd_2.1 opened")
	d.stop(t)
	sent, _, _ := c.sentLog(t, "soc")
	if got := sent["fnd_1"]; got.Version != 2 || got.Change != "" || got.Held == nil {
		t.Errorf("remembered: %+v", got)
	}
	// Nothing of it is told later, until somebody decides otherwise.
	d = c.run(t, s, nil, alerts.Config{})
	c.publish(t, message(t, &schemas.Triage{ID: "tri_2", Finding: "fnd_1", Status: schemas.TriageOpen, At: now.Add(time.Second)}))
	s.expect(t, "fnd_2.1 opened", "fnd_1.2 opened")
	d.stop(t)
}

func TestGrantsAndSessionsAndWhoApproved(t *testing.T) {
	c, s := start(t), serve(t)
	now := time.Now().UTC().Truncate(time.Millisecond)
	cfg := alerts.Config{Kinds: []alerts.Kind{alerts.Findings, alerts.Grants, alerts.Sessions}}
	grant := &schemas.Grant{
		ID: "grt_1", Opened: now, Source: schemas.ByMembership, Evidence: []string{"e"}, Meta: schemas.Meta{Version: 1, Observed: now},
		Requests: []schemas.RequestRef{{ID: "r", Requester: "ada@example.com", Approvers: []string{"bob@example.com"}}},
	}
	d := c.run(t, s, nil, cfg)
	c.publish(t, message(t, grant))
	s.expect(t, "grt_1.1 opened")
	d.stop(t)

	d = c.run(t, s, nil, cfg)
	of := func(f *schemas.Finding) { f.Grant = "grt_1" }
	c.publish(t, message(t, finding("fnd_1", 1, now, of)))
	s.expect(t, "grt_1.1 opened", "fnd_1.1 opened")
	if a := s.taken()[1].Alerts[0]; a.Requester != "ada@example.com" || len(a.Approvers) != 1 || a.Approvers[0] != "bob@example.com" {
		t.Errorf("of a finding about a grant that was told before the restart: %+v", a)
	}
	session := &schemas.Session{ID: "ses_1", Start: now, End: now.Add(time.Hour), Grant: "grt_1", Verdict: schemas.VerdictUnknown, Meta: schemas.Meta{Version: 1, Observed: now}}
	c.publish(t, message(t, session))
	s.expect(t, "grt_1.1 opened", "fnd_1.1 opened", "ses_1.1 opened")
	session.Verdict, session.Version = schemas.VerdictAllowed, 2
	c.publish(t, message(t, session))
	grant.Removed, grant.Version = now.Add(time.Minute), 2
	s.expect(t, "grt_1.1 opened", "fnd_1.1 opened", "ses_1.1 opened", "ses_1.2 judged")
	c.publish(t, message(t, grant))
	s.expect(t, "grt_1.1 opened", "fnd_1.1 opened", "ses_1.1 opened", "ses_1.2 judged", "grt_1.2 closed")
	d.stop(t)
}

// Alerts that are refused do not take others with them, and are not tried again.
func TestWhatIsRefusedIsADeadLetter(t *testing.T) {
	c, s := start(t), serve(t)
	now := time.Now()
	s.answer(func(w http.ResponseWriter, _ *http.Request, b *body) bool {
		for _, a := range b.Alerts {
			if strings.HasPrefix(a.Record, "fnd_bad") {
				http.Error(w, "it is bad", http.StatusBadRequest)
				return true
			}
		}
		return false
	})
	d := c.run(t, s, nil, alerts.Config{GroupWait: time.Second, GroupBy: []alerts.Label{alerts.ByAccount}})
	ids := []string{"fnd_1", "fnd_bad1", "fnd_2", "fnd_bad2", "fnd_3"}
	for _, id := range ids {
		c.publish(t, message(t, finding(id, 1, now)))
	}
	s.await(t, "all to be settled", func() bool {
		return len(s.alerts()) == 3 && d.metric(t, "jitaudit_alerts_dead_letters_total") == 2
	})
	d.stop(t)
	sent, _, _ := c.sentLog(t, "soc")
	for _, id := range ids {
		bad := strings.Contains(id, "bad")
		if got := sent[id]; got.Version != 1 || got.Refused != bad || (got.Change == "") != bad {
			t.Errorf("remembered of %s: %+v", id, got)
		}
	}
	var dead []schemas.DeadLetter
	read(t, c, topics.DeadLetters, 0, &dead)
	if len(dead) != 2 || !strings.HasPrefix(dead[0].Reason, "receiver soc refused it: ") || !strings.Contains(dead[0].Reason, "it is bad") || !strings.HasPrefix(dead[0].File, "findings/") || !strings.Contains(string(dead[0].Raw), `"id":"fnd_bad`) {
		t.Errorf("dead letters: %+v", dead)
	}

	// The next version is another alert.
	s.answer(nil)
	d = c.run(t, s, nil, alerts.Config{})
	c.publish(t, message(t, finding("fnd_bad1", 2, now, severity(schemas.High))))
	s.await(t, "the next version", func() bool { return len(s.alerts()) == 4 })
	if got := s.alerts()[3]; got != "fnd_bad1.2 opened" {
		t.Errorf("the next version of what was refused: %s", got)
	}
	d.stop(t)
}

func TestWhatCannotBeReadIsADeadLetter(t *testing.T) {
	c, s := start(t), serve(t)
	d := c.run(t, s, nil, alerts.Config{})
	pinned := func(value string) kafka.Message {
		return kafka.Message{Topic: topics.Findings, Pinned: true, Value: []byte(value)}
	}
	good := message(t, finding("fnd_1", 1, time.Now()))
	good.Pinned = true
	gone := kafka.Message{Topic: topics.Findings, Pinned: true, Key: []byte("fnd_0")}
	c.publish(t, pinned("no JSON"), pinned(`{"id":""}`), pinned(`{"id":7}`), gone, pinned(`{"id":"`+strings.Repeat("x", 200)+`"}`), good)
	s.expect(t, "fnd_1.1 opened")
	d.stop(t)
	var dead []schemas.DeadLetter
	read(t, c, topics.DeadLetters, 0, &dead)
	if len(dead) != 4 || dead[0].File != "findings/0" || dead[0].Record != 0 || string(dead[0].Raw) != "no JSON" || !strings.HasPrefix(dead[0].Reason, "alerts cannot read it: ") {
		t.Errorf("%d dead letters: %+v", len(dead), dead)
	}
	if _, offsets, _ := c.sentLog(t, "soc"); offsets["findings/0"] != 6 {
		t.Errorf("the offsets are %v", offsets)
	}
}
