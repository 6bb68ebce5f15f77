package policy

import (
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/alertmanager/timeinterval"
	"go.yaml.in/yaml/v4"
)

// intervals reads time_intervals in the grammar of Alertmanager.
func (d *decoder) intervals(root object) []interval {
	var out []interval
	seen := map[string]bool{}
	places := map[string]*time.Location{}
	for i, n := range d.list(root.values["time_intervals"], "time_intervals") {
		o := d.object(n, index("time_intervals", i), "name", "time_intervals")
		iv := interval{name: d.required(o, "name")}
		if iv.name != "" && seen[iv.name] {
			d.errorf(o.at("name"), "%s: %s is the name of an earlier interval", o.key("name"), quote(iv.name))
		}
		seen[iv.name] = true
		if !o.has("time_intervals") && o.line > 0 {
			d.errorf(o.line, "%s is missing", o.key("time_intervals"))
		}
		for j, n := range d.list(o.values["time_intervals"], o.key("time_intervals")) {
			iv.spans = append(iv.spans, d.interval(n, index(o.key("time_intervals"), j), places))
		}
		out = append(out, iv)
	}
	return out
}

func (d *decoder) interval(n *yaml.Node, path string, places map[string]*time.Location) timeinterval.TimeInterval {
	o := d.object(n, path, "times", "weekdays", "days_of_month", "months", "years", "location")
	if o.line > 0 && (len(o.values) == 0 || len(o.values) == 1 && o.has("location")) {
		d.errorf(o.line, "%s says no time: it needs times, weekdays, days_of_month, months or years", path)
	}
	return timeinterval.TimeInterval{
		Times:       d.times(o),
		Weekdays:    ranges[timeinterval.WeekdayRange](d, o, "weekdays", "monday, or monday:friday; a week begins on sunday"),
		DaysOfMonth: ranges[timeinterval.DayOfMonthRange](d, o, "days_of_month", "1:5, or -3:-1 for the last three"),
		Months:      d.months(o),
		Years:       ranges[timeinterval.YearRange](d, o, "years", "2026, or 2026:2028"),
		Location:    d.location(o, places),
	}
}

func (d *decoder) times(o object) []timeinterval.TimeRange {
	var out []timeinterval.TimeRange
	for i, n := range d.list(o.values["times"], o.key("times")) {
		t := d.object(n, index(o.key("times"), i), "start_time", "end_time")
		start, end := d.required(t, "start_time"), d.required(t, "end_time")
		if start == "" || end == "" {
			continue
		}
		// The library's own reader of HH:MM is private; its JSON form is not.
		raw, err := json.Marshal(map[string]string{"start_time": start, "end_time": end})
		var r timeinterval.TimeRange
		if err == nil {
			err = r.UnmarshalJSON(raw)
		}
		if err != nil {
			d.errorf(t.at("start_time"), "%s: %s–%s: %s; write 08:00 to 18:00, within one day, 24:00 being its end", t.path, start, end, oneLine(err.Error()))
			continue
		}
		out = append(out, r)
	}
	return out
}

// unmarshaler is a range of timeinterval, which reads itself.
type unmarshaler[T any] interface {
	*T
	UnmarshalYAML(func(any) error) error
}

func ranges[T any, P unmarshaler[T]](d *decoder, o object, key, example string) []T {
	var out []T
	for _, w := range d.words(o.values[key], o.key(key)) {
		var r T
		err := P(&r).UnmarshalYAML(func(v any) error {
			if s, ok := v.(*string); ok {
				*s = w.text
			}
			return nil
		})
		var number *strconv.NumError
		if errors.As(err, &number) {
			err = errors.New("not a whole number")
		}
		if err != nil {
			d.errorf(w.line, "%s: %s: %s; write %s", o.key(key), quote(w.text), oneLine(err.Error()), example)
			continue
		}
		out = append(out, r)
	}
	return out
}

// months adds what the library leaves out: a month has a number of 1 to 12.
func (d *decoder) months(o object) []timeinterval.MonthRange {
	const example = "december, 12, or march:october"
	out := ranges[timeinterval.MonthRange](d, o, "months", example)
	for _, r := range out {
		if r.Begin < 1 || r.End > 12 {
			d.errorf(o.at("months"), "%s: %d:%d is out of range; write %s", o.key("months"), r.Begin, r.End, example)
		}
	}
	return out
}

// location reads a name of the time zone database; UTC when it is left out. One
// name gives one pointer, so that clock knows the same place again.
func (d *decoder) location(o object, places map[string]*time.Location) *timeinterval.Location {
	name := d.string(o.values["location"], o.key("location"))
	if name == "" {
		name = "UTC"
	}
	if l := places[name]; l != nil {
		return &timeinterval.Location{Location: l}
	}
	// "Local" would mean another place on every machine.
	l, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		d.errorf(o.at("location"), "%s: %s is no time zone: write a name such as Europe/Berlin or UTC", o.key("location"), quote(name))
		l = time.UTC
	}
	places[name] = l
	return &timeinterval.Location{Location: l}
}
