package alerts_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/sinks/alerts"
)

// BenchmarkAlerts decides on findings and tells them, all in Kafka before: by HTTP to
// a server on this machine, with the sent log written after each notice. An op is
// an alert.
func BenchmarkAlerts(b *testing.B) {
	for _, each := range []int{1, 100} {
		b.Run(fmt.Sprintf("%d a notice", each), func(b *testing.B) {
			c, s := start(b), serve(b)
			now := time.Now()
			all := make([]kafka.Message, 0, b.N)
			for i := range b.N {
				all = append(all, message(b, finding(fmt.Sprintf("fnd_%d", i), 1, now, func(f *schemas.Finding) { f.Session = fmt.Sprint(i / each) })))
			}
			c.publish(b, all...)
			told := 0
			s.answer(func(_ http.ResponseWriter, _ *http.Request, got *body) bool { told += len(got.Alerts); return false })
			b.ReportAllocs()
			b.ResetTimer()
			d := c.run(b, s, nil, alerts.Config{GroupBy: []alerts.Label{alerts.BySession}})
			s.await(b, "all", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return told >= b.N })
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "alerts/s")
			d.stop(b)
		})
	}
}
