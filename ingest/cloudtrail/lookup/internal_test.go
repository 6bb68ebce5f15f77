package lookup

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"jitaudit/ingest"
)

// shelf is a Log that keeps events in memory.
type shelf struct{ messages []ingest.Message }

func (s *shelf) Append(_ context.Context, _ string, m []ingest.Message) error {
	s.messages = append(s.messages, m...)
	return nil
}
func (s *shelf) Checkpoint(context.Context, string) ([]byte, error)  { return nil, nil }
func (s *shelf) SetCheckpoint(context.Context, string, []byte) error { return nil }

const auditor = "arn:aws:iam::111122223333:role/jitaudit"

func collector(t *testing.T) (*Collector, *shelf) {
	t.Helper()
	log := &shelf{}
	c, err := New(Config{Account: "111122223333", Region: "eu-west-1", AWS: aws.Config{Credentials: aws.AnonymousCredentials{}}, Log: log, ExcludeRoles: []string{auditor}})
	if err != nil {
		t.Fatal(err)
	}
	return c, log
}

func value(t *testing.T, c prometheus.Counter) int {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return int(m.GetCounter().GetValue())
}

func listing(id, raw string) types.Event {
	return types.Event{EventId: &id, EventTime: aws.Time(time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)), CloudTrailEvent: &raw}
}

func own(name, code string) string {
	return `{"eventSource":"cloudtrail.amazonaws.com","eventName":"` + name + `","errorCode":"` + code +
		`","userIdentity":{"sessionContext":{"sessionIssuer":{"arn":"` + auditor + `"}}}}`
}

func TestOnlyTheCollectorsOwnLookupsAreLeftOut(t *testing.T) {
	tests := []struct {
		name, raw string
		left      bool
	}{
		{"its own lookup", own("LookupEvents", ""), true},
		{"its own lookup, refused", own("LookupEvents", "AccessDenied"), false},
		{"something else that its role does", own("StopLogging", ""), false},
		{"another role's lookup", strings.ReplaceAll(own("LookupEvents", ""), "jitaudit", "admin"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, log := collector(t)
			page := []types.Event{listing("e1", tt.raw)}
			for range 2 {
				if err := c.take(t.Context(), page); err != nil {
					t.Fatal(err)
				}
			}
			left := value(t, c.cfg.Metrics.Records.WithLabelValues(c.shard, "excluded"))
			if (left == 1) != tt.left || len(log.messages) != 1-left {
				t.Errorf("%d left out and %d in the log, want left out: %t, and either once", left, len(log.messages), tt.left)
			}
		})
	}
}

func TestWhatIsNoRecordGoesIntoTheLogAndIsCounted(t *testing.T) {
	tests := []struct {
		name  string
		event types.Event
		want  string
	}{
		{"cut JSON", listing("e1", `{"eventName":`), `{"eventName":`},
		{"no record", types.Event{EventId: aws.String("e1"), EventName: aws.String("X")}, `{"EventId":"e1","EventName":"X"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, log := collector(t)
			for range 2 {
				if err := c.take(t.Context(), []types.Event{tt.event}); err != nil {
					t.Fatal(err)
				}
			}
			if len(log.messages) != 1 || string(log.messages[0].Raw) != tt.want {
				t.Errorf("in the log are %d messages, want one: %s", len(log.messages), tt.want)
			}
			if n := value(t, c.cfg.Metrics.Dead.WithLabelValues(c.shard)); n != 1 {
				t.Errorf("%d are counted, want 1", n)
			}
		})
	}
}

func TestMemoryIsBoundedAndForgettingBreaksNothing(t *testing.T) {
	c, log := collector(t)
	c.seen = newSeen(20)
	noon := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	c.from, c.known, c.covered, c.served = noon.Add(-time.Hour), noon.Add(-time.Hour), noon.Add(time.Minute), noon.Add(30*time.Minute)
	for i := range 100 {
		page := []types.Event{listing(fmt.Sprint("e", i), "{}")}
		c.covered = noon // nothing is late yet
		if err := c.take(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(c.seen.young) + len(c.seen.old); n > 2*20 {
		t.Errorf("%d marks are kept, want at most 40", n)
	}
	// The first have been forgotten: they are taken again, and not for late.
	c.covered = noon.Add(time.Minute)
	if err := c.take(t.Context(), []types.Event{listing("e0", "{}")}); err != nil {
		t.Fatal(err)
	}
	if n := value(t, c.cfg.Metrics.Broken.WithLabelValues(c.shard)); n != 0 || len(log.messages) != 101 {
		t.Errorf("%d are counted as late and %d in the log, want none and 101", n, len(log.messages))
	}
}

func TestPausesGrowUpToTheirBound(t *testing.T) {
	c, _ := collector(t)
	for failures, most := range map[int]time.Duration{0: 500 * time.Millisecond, 3: 4 * time.Second, 10: time.Minute, 1000: time.Minute} {
		for range 20 {
			if d := c.backoff(failures); d > most || d < most/2-time.Nanosecond {
				t.Errorf("after %d failures the pause is %v, want %v to %v", failures, d, most/2, most)
			}
		}
	}
}
