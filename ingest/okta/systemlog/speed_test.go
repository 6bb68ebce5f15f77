package systemlog_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"jitaudit/ingest/okta/api"
	"jitaudit/ingest/okta/systemlog"
	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/okta"
)

// BenchmarkCatchUp reads a log of 20,000 events over a loopback connection; the
// time includes the simulated org's.
func BenchmarkCatchUp(b *testing.B) {
	h, err := organisation.Generate(organisation.Config{People: 50, Days: 2, OktaEvents: 20_000})
	if err != nil {
		b.Fatal(err)
	}
	now := h.Okta[len(h.Okta)-1].Seen.Add(time.Hour)
	server, err := okta.New(okta.Config{Org: "example", Events: h.Okta, Clock: func() time.Time { return now }, Token: token, Raised: true})
	if err != nil {
		b.Fatal(err)
	}
	s := httptest.NewServer(server)
	defer s.Close()
	for b.Loop() {
		log := &recorder{}
		c, err := systemlog.New(systemlog.Config{Org: "example", URL: s.URL, Auth: api.Auth{Token: token}, Since: h.Okta[0].At.Add(-24 * time.Hour)}, log)
		if err != nil {
			b.Fatal(err)
		}
		if err := c.Once(b.Context()); err != nil || len(log.messages) != len(h.Okta)+1 {
			b.Fatalf("%d messages, %v", len(log.messages), err)
		}
	}
	b.ReportMetric(float64(len(h.Okta)*b.N)/b.Elapsed().Seconds(), "events/s")
}
