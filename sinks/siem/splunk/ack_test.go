package splunk

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/sinks/alerts"
)

func newAckHEC(t *testing.T) *hec {
	h := newHEC(t)
	h.useACK = true
	return h
}

func TestSendWaitsUntilAllIsIndexed(t *testing.T) {
	h := newAckHEC(t)
	h.held = true
	r := receiver(t, h, func(c *Config) { c.MaxBytes = minMaxBytes })
	n := notice(100) // several bodies
	done := make(chan error, 1)
	go func() {
		_, err := r.Send(t.Context(), n)
		done <- err
	}()
	for range 3 {
		select {
		case <-h.polled:
		case err := <-done:
			t.Fatalf("Send returned %v before anything was indexed", err)
		}
	}
	h.release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids(n), h.ids()); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
	if len(h.bodies) < 2 {
		t.Errorf("%d bodies; the test wants several", len(h.bodies))
	}
}

func TestOneChannelAsLongAsAllGoesWell(t *testing.T) {
	h := newAckHEC(t)
	r := receiver(t, h)
	for range 3 {
		deliver(t, r, notice(2))
	}
	if len(h.channels) != 1 {
		t.Errorf("%d channels", len(h.channels))
	}
}

func TestWhatIsNotAcknowledgedInTimeIsSentAgain(t *testing.T) {
	h := newAckHEC(t)
	h.held = true
	r := receiver(t, h)
	r.cfg.AckTimeout = 50 * time.Millisecond
	fails(t, r, notice(2), true, "not acknowledged them within 50ms")
	h.restart() // and what was accepted is lost
	r.cfg.AckTimeout = defaultAckTimeout
	deliver(t, r, notice(2))
	if diff := cmp.Diff(ids(notice(2)), h.ids()); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

func TestALateAcknowledgementSparesTheRepeat(t *testing.T) {
	h := newAckHEC(t)
	h.held = true
	r := receiver(t, h)
	r.cfg.AckTimeout = 50 * time.Millisecond
	for range 2 {
		fails(t, r, notice(2), true, "not acknowledged")
	}
	sent := len(h.bodies)
	h.release()
	r.cfg.AckTimeout = defaultAckTimeout
	deliver(t, r, notice(2))
	if len(h.bodies) != sent {
		t.Errorf("%d bodies more", len(h.bodies)-sent)
	}
}

func TestALateAcknowledgementIsOfItsOwnNotice(t *testing.T) {
	h := newAckHEC(t)
	h.held = true
	r := receiver(t, h)
	r.cfg.AckTimeout = 50 * time.Millisecond
	fails(t, r, notice(2), true, "not acknowledged")
	h.release()
	r.cfg.AckTimeout = defaultAckTimeout
	other := &alerts.Notice{ID: "n2", Alerts: []alerts.Alert{finding(9, "another")}}
	deliver(t, r, other)
	if got := h.ids(); got[len(got)-1] != "fnd_9.7" {
		t.Errorf("the other notice was taken for this one: %v", got)
	}
}

// Splunk counts ackIds from 0 again after a restart: what it acknowledges of a
// later attempt must not pass for an earlier one.
func TestAckIdsOfTwoAttemptsAreNotMixed(t *testing.T) {
	h := newAckHEC(t)
	h.held = true
	r := receiver(t, h, func(c *Config) { c.MaxBytes = minMaxBytes })
	r.cfg.AckTimeout = 50 * time.Millisecond
	n := notice(70)
	fails(t, r, n, true, "not acknowledged") // two bodies, ackIds 0 and 1
	h.restart()
	r.cfg.AckTimeout = defaultAckTimeout
	for range 2 { // the first body gets through, the second does not
		h.next(eventPath, pass, says(503, 9, "Server is busy"))
		fails(t, r, n, true, "Server is busy")
	}
	deliver(t, r, n)
	if got := h.ids(); got[len(got)-1] != "fnd_69.7" {
		t.Errorf("the second body never arrived: the last is %s", got[len(got)-1])
	}
}

func TestARestartBetweenBodiesIsNoticed(t *testing.T) {
	h := newAckHEC(t)
	h.held = true
	r := receiver(t, h, func(c *Config) { c.MaxBytes = minMaxBytes })
	h.next(eventPath, pass, func(http.ResponseWriter, *http.Request) bool {
		h.restart() // the first body is lost, and the second has its ackId
		return false
	})
	n := notice(100)
	fails(t, r, n, true, "gave ackId 0 twice")
	h.set(func() { h.indexed = nil })
	deliver(t, r, n)
	if diff := cmp.Diff(ids(n), h.ids()); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

func TestARestartBetweenWriteAndAckLosesNothing(t *testing.T) {
	h := newAckHEC(t)
	h.held = true
	r := receiver(t, h)
	r.cfg.AckTimeout = 100 * time.Millisecond
	h.next(ackPath, func(http.ResponseWriter, *http.Request) bool {
		h.restart() // before it answers the first question
		return false
	})
	fails(t, r, notice(1), true, "not acknowledged")
	r.cfg.AckTimeout = defaultAckTimeout
	deliver(t, r, notice(1))
	if diff := cmp.Diff([]string{"fnd_0.7"}, h.ids()); diff != "" {
		t.Errorf("alerts (-want +got):\n%s", diff)
	}
}

func TestFaultsWhileAskingPass(t *testing.T) {
	h := newAckHEC(t)
	h.next(ackPath, reset, says(503, 19, "HEC is unhealthy, ack service unavailable"), says(200, 0, "Success"))
	deliver(t, receiver(t, h), notice(1))
	if len(h.bodies) != 1 {
		t.Errorf("%d bodies", len(h.bodies))
	}
}

func TestATokenThatNeverAcknowledgesIsNotFloodedWithRepeats(t *testing.T) {
	h := newHEC(t)
	r := receiver(t, h, func(c *Config) { c.Ack = true })
	fails(t, r, notice(1), true, "enable indexer acknowledgement for the token, or set ack: false")
	for range 3 {
		fails(t, r, notice(1), true, "nothing is sent until that is mended")
	}
	if len(h.bodies) != 1 {
		t.Errorf("%d bodies; want the first alone", len(h.bodies))
	}
	h.set(func() { h.useACK = true })
	deliver(t, r, notice(1))
}

func TestAcknowledgementSwitchedOffMeanwhileEndsTheWait(t *testing.T) {
	h := newAckHEC(t)
	h.held = true
	r := receiver(t, h)
	h.next(ackPath, says(400, 14, "ACK is disabled"))
	fails(t, r, notice(1), true, "enable indexer acknowledgement")
}

func TestRefusedAlertsAreRefusedThoughTheRestIsAcknowledged(t *testing.T) {
	h := newAckHEC(t)
	r := receiver(t, h, func(c *Config) { c.Encode = bodies(`{"a":1}`, `{}`, `{"a":3}`) })
	fails(t, r, notice(3), false, "Splunk refuses fnd_1.7")
	if got := h.ids(); got[len(got)-1] != "fnd_2.7" {
		t.Errorf("indexed %v", got)
	}
}

func pass(http.ResponseWriter, *http.Request) bool { return false }
