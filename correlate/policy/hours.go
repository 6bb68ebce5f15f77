package policy

import (
	"strings"
	"time"

	"github.com/prometheus/alertmanager/timeinterval"
)

// interval is a named set of times: any of its spans.
type interval struct {
	name  string
	spans []timeinterval.TimeInterval
	dates []string // of holidays, as written
}

// hours is an entry of approved_hours.
type hours struct {
	scope
	within, except []timeinterval.TimeInterval
	always         bool // no within: every hour
	names          string
	// withinNames and exceptNames are as written.
	withinNames, exceptNames []string
}

// WithinHours reports whether t is an approved hour for the person in that role:
// by the first entry of approved_hours that matches, inside any interval of
// within and inside none of except. Intervals are half-open and whole minutes
// of local time: 08:00–18:00 begins at 08:00:00.000 and has ended at
// 18:00:00.000. An hour that a clock change doubles counts both times, one that
// it skips does not exist. Hours names the intervals of that entry ("office
// except holidays"); without an entry ok is true and hours is "".
func (p *Policy) WithinHours(s Scope, t time.Time) (ok bool, names string) {
	for _, h := range p.entries(s.Account, s.Role).hours {
		if h.who(s) {
			return h.contains(t), h.names
		}
	}
	return true, ""
}

func (h *hours) contains(t time.Time) bool {
	c := clock{instant: t}
	return (h.always || c.inAny(h.within)) && !c.inAny(h.except)
}

// clock is an instant as a wall clock of one place shows it, kept while
// intervals of the same place follow each other.
type clock struct {
	instant          time.Time
	place            *time.Location
	year, day        int
	month            time.Month
	weekday          time.Weekday
	minute, monthLen int
}

func (c *clock) set(place *time.Location) {
	if c.place == place {
		return
	}
	// One look into the zone, then plain arithmetic: each method of a time in a
	// zone would look again.
	_, offset := c.instant.In(place).Zone()
	wall := c.instant.UTC().Add(time.Duration(offset) * time.Second)
	hour, minute, _ := wall.Clock()
	c.place = place
	c.year, c.month, c.day = wall.Date()
	c.weekday, c.minute = wall.Weekday(), hour*60+minute
	c.monthLen = daysIn(c.year, c.month)
}

func (c *clock) inAny(spans []timeinterval.TimeInterval) bool {
	for i := range spans {
		if c.in(&spans[i]) {
			return true
		}
	}
	return false
}

// in is Alertmanager's TimeInterval.ContainsTime, but for the length of a month:
// Alertmanager takes it from elapsed hours, so that a month in which clocks go
// forward is a day short and its last day never matches.
func (c *clock) in(s *timeinterval.TimeInterval) bool {
	c.set(s.Location.Location)
	return (s.Times == nil || c.inTimes(s.Times)) &&
		(s.Weekdays == nil || c.inWeekdays(s.Weekdays)) &&
		(s.DaysOfMonth == nil || c.inDays(s.DaysOfMonth)) &&
		(s.Months == nil || c.inMonths(s.Months)) &&
		(s.Years == nil || c.inYears(s.Years))
}

func (c *clock) inTimes(rs []timeinterval.TimeRange) bool {
	for _, r := range rs {
		if c.minute >= r.StartMinute && c.minute < r.EndMinute {
			return true
		}
	}
	return false
}

func (c *clock) inWeekdays(rs []timeinterval.WeekdayRange) bool {
	for _, r := range rs {
		if int(c.weekday) >= r.Begin && int(c.weekday) <= r.End {
			return true
		}
	}
	return false
}

// inDays counts negative days from the end of the month, -1 being the last.
func (c *clock) inDays(rs []timeinterval.DayOfMonthRange) bool {
	for _, r := range rs {
		begin, end := r.Begin, r.End
		if begin < 0 {
			begin += c.monthLen + 1
		}
		if end < 0 {
			end += c.monthLen + 1
		}
		if c.day >= begin && c.day <= end {
			return true
		}
	}
	return false
}

func (c *clock) inMonths(rs []timeinterval.MonthRange) bool {
	for _, r := range rs {
		if int(c.month) >= r.Begin && int(c.month) <= r.End {
			return true
		}
	}
	return false
}

func (c *clock) inYears(rs []timeinterval.YearRange) bool {
	for _, r := range rs {
		if c.year >= r.Begin && c.year <= r.End {
			return true
		}
	}
	return false
}

func daysIn(year int, m time.Month) int {
	switch m {
	case time.February:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case time.April, time.June, time.September, time.November:
		return 30
	}
	return 31
}

func (d *decoder) hours(root object, a *accounts, known []interval) []hours {
	var out []hours
	byName := map[string]*interval{}
	names := make([]string, len(known))
	for i := range known {
		byName[known[i].name], names[i] = &known[i], known[i].name
	}
	for i, n := range d.list(root.values["approved_hours"], "approved_hours") {
		o := d.object(n, index("approved_hours", i), scopeKeys("within", "except")...)
		h := hours{scope: d.scope(o, a), always: !o.has("within")}
		if !o.has("within") && !o.has("except") && o.line > 0 {
			d.errorf(o.line, "%s needs within or except: names of time_intervals", o.path)
		}
		pick := func(key string) (spans []timeinterval.TimeInterval, picked []string) {
			for _, w := range d.words(o.values[key], o.key(key)) {
				iv := byName[w.text]
				if iv == nil {
					d.errorf(w.line, "%s: %s is no name in time_intervals%s", o.key(key), quote(w.text), Suggestion(w.text, names))
					continue
				}
				spans, picked = append(spans, iv.spans...), append(picked, w.text)
			}
			return spans, picked
		}
		h.within, h.withinNames = pick("within")
		h.except, h.exceptNames = pick("except")
		h.names = describe(h.withinNames, h.exceptNames)
		out = append(out, h)
	}
	return out
}

// describe names the intervals of an entry for a reader.
func describe(within, except []string) string {
	s := strings.Join(within, ", ")
	if s == "" {
		s = "any hour"
	}
	if len(except) > 0 {
		s += " except " + strings.Join(except, ", ")
	}
	return s
}
