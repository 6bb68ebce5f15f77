package policy

import (
	"time"

	"github.com/prometheus/alertmanager/timeinterval"
)

// holidays reads lists of dates. Each list is an interval by its name, like those
// of time_intervals, and may be named where those are.
func (d *decoder) holidays(root object, known []interval) []interval {
	taken := map[string]bool{}
	for i := range known {
		taken[known[i].name] = true
	}
	places := map[string]*time.Location{}
	var out []interval
	for i, n := range d.list(root.values["holidays"], "holidays") {
		o := d.object(n, index("holidays", i), "name", "dates", "location")
		iv := interval{name: d.required(o, "name")}
		if iv.name != "" && taken[iv.name] {
			d.errorf(o.at("name"), "%s: %s is the name of an earlier interval", o.key("name"), quote(iv.name))
		}
		taken[iv.name] = true
		if !o.has("dates") && o.line > 0 {
			d.errorf(o.line, "%s is missing", o.key("dates"))
		}
		place := d.location(o, places)
		for _, w := range d.words(o.values["dates"], o.key("dates")) {
			t, err := time.Parse(time.DateOnly, w.text)
			if err != nil {
				d.errorf(w.line, "%s: %s is no date: write 2026-12-25", o.key("dates"), quote(w.text))
				continue
			}
			one := func(v int) timeinterval.InclusiveRange { return timeinterval.InclusiveRange{Begin: v, End: v} }
			iv.dates = append(iv.dates, w.text)
			iv.spans = append(iv.spans, timeinterval.TimeInterval{
				Years:       []timeinterval.YearRange{{InclusiveRange: one(t.Year())}},
				Months:      []timeinterval.MonthRange{{InclusiveRange: one(int(t.Month()))}},
				DaysOfMonth: []timeinterval.DayOfMonthRange{{InclusiveRange: one(t.Day())}},
				Location:    place,
			})
		}
		out = append(out, iv)
	}
	return out
}
