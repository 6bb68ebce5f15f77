package policy

import (
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/prometheus/alertmanager/timeinterval"
	"pgregory.net/rapid"
)

// drawInclusive draws a range within [least, most].
func drawInclusive(t *rapid.T, least, most int) timeinterval.InclusiveRange {
	a := rapid.IntRange(least, most).Draw(t, "begin")
	return timeinterval.InclusiveRange{Begin: a, End: rapid.IntRange(a, most).Draw(t, "end")}
}

func TestClockAgreesWithAlertmanager(t *testing.T) {
	places := map[string]*time.Location{}
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"} {
		l, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		places[name] = l
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"}).Draw(t, "place")
		at := time.Unix(rapid.Int64Range(1_500_000_000, 2_500_000_000).Draw(t, "at"), 0)
		s := timeinterval.TimeInterval{Location: &timeinterval.Location{Location: places[name]}}
		if rapid.Bool().Draw(t, "times") {
			r := drawInclusive(t, 0, 1440)
			s.Times = []timeinterval.TimeRange{{StartMinute: r.Begin, EndMinute: r.End}}
		}
		if rapid.Bool().Draw(t, "weekdays") {
			s.Weekdays = []timeinterval.WeekdayRange{{InclusiveRange: drawInclusive(t, 0, 6)}}
		}
		if rapid.Bool().Draw(t, "months") {
			s.Months = []timeinterval.MonthRange{{InclusiveRange: drawInclusive(t, 1, 12)}}
		}
		if rapid.Bool().Draw(t, "years") {
			s.Years = []timeinterval.YearRange{{InclusiveRange: drawInclusive(t, 2017, 2050)}}
		}
		if name == "UTC" && rapid.Bool().Draw(t, "days") { // elsewhere Alertmanager's months may be a day short
			r := drawInclusive(t, 1, 31)
			if rapid.Bool().Draw(t, "from the end") {
				r.Begin, r.End = -r.End, -r.Begin
			}
			s.DaysOfMonth = []timeinterval.DayOfMonthRange{{InclusiveRange: r}}
		}
		c := clock{instant: at}
		if got, want := c.in(&s), s.ContainsTime(at); got != want {
			t.Fatalf("%s: got %t, Alertmanager says %t", at.In(places[name]), got, want)
		}
	})
}

func TestDurationsRoundTrip(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"2s": 2 * time.Second, "1h30m": 90 * time.Minute, "7d": 7 * day, "1d12h": 36 * time.Hour, "0s": 0, "1.5h": 90 * time.Minute,
	} {
		if got, err := parseDuration(in); err != nil || got != want {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	for _, in := range []string{"", "d", "-1d", "1.5d", "1d2d", "99999d", "10", "1w", "1d 2h", "1d-1h", "+1d"} {
		if got, err := parseDuration(in); err == nil {
			t.Errorf("%q is read as %s", in, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		v := time.Duration(rapid.Int64Range(0, int64(366*day)).Draw(t, "duration"))
		if rapid.Bool().Draw(t, "whole") {
			v = v.Truncate(time.Minute)
		}
		if got, err := parseDuration(formatDuration(v)); err != nil || got != v {
			t.Fatalf("%v is written %s and read %v, %v", v, formatDuration(v), got, err)
		}
	})
}

func TestWildcardMatchesAsTheStarSays(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"*", "", true}, {"a*", "a", true}, {"*a", "ba", true}, {"a*a", "a", false},
		{"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"ab*ba", "aba", false}, {"**", "x", true}, {"a**b", "ab", true},
		{"*b*b*", "abb", true}, {"*b*b*", "ab", false}, {"A*", "a", false},
	} {
		if got := newWildcard(tc.pattern).match(tc.s); got != tc.want {
			t.Errorf("%s on %s: %t", tc.pattern, tc.s, got)
		}
	}
	// Against the plain recursive meaning.
	var match func(p, s string) bool
	match = func(p, s string) bool {
		if p == "" {
			return s == ""
		}
		if p[0] == '*' {
			return match(p[1:], s) || s != "" && match(p, s[1:])
		}
		return s != "" && s[0] == p[0] && match(p[1:], s[1:])
	}
	rapid.Check(t, func(t *rapid.T) {
		p, s := rapid.StringMatching(`[ab*]{1,8}`).Draw(t, "pattern"), rapid.StringMatching(`[ab]{0,10}`).Draw(t, "text")
		if got := newWildcard(p).match(s); got != match(p, s) {
			t.Fatalf("got %t", got)
		}
	})
}

func TestMemoIsBoundedAndSafe(t *testing.T) {
	var m memo[int, int]
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range memoLimit / 16 {
				if v, ok := m.get(i); ok && v != i {
					t.Errorf("%d is remembered as %d", i, v)
				}
				m.put(i, i)
			}
		})
	}
	wg.Wait()
	for i := range memoLimit + 10 {
		m.put(i, i)
	}
	if len(m.dirty) != memoLimit {
		t.Errorf("holds %d entries", len(m.dirty))
	}
}

func TestSuggestionIsNear(t *testing.T) {
	known := []string{"clock_skew", "max_session", "id"}
	for word, want := range map[string]string{
		"clock_scew": "clock_skew", "maxsession": "max_session", "clock": "clock_skew", "ix": "id", "zz": "", "": "",
		strings.Repeat("x", 1000): "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("%.20s: got %q, want %q", word, got, want)
		}
	}
}
