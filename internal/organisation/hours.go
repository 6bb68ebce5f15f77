package organisation

import (
	"time"
	_ "time/tzdata" // the same zones on every machine
)

// hours are the approved hours of an account, as policy.yaml states them.
type hours struct {
	name     string // of the time interval in the policy
	zone     *time.Location
	from, to int // hours of the day, local; to is excluded
	weekdays bool
	holidays bool // the policy's holidays are excepted
}

// contain reports whether t is an approved time.
func (h *hours) contain(t time.Time) bool {
	if h == nil {
		return true
	}
	l := t.In(h.zone)
	if h.weekdays && (l.Weekday() == time.Saturday || l.Weekday() == time.Sunday) {
		return false
	}
	if h.holidays && l.Month() == time.December && (l.Day() == 25 || l.Day() == 26) {
		return false
	}
	return l.Hour() >= h.from && l.Hour() < h.to
}

// companyDay is a holiday of the company's own: the day after those worked.
func (g *generator) companyDay() time.Time { return g.cfg.Start.AddDate(0, 0, g.cfg.Days) }

// anytime is a role of an account with hours, whose group may work at any hour.
func (g *generator) anytime() *role { return g.accounts[0].roles[2] }

// strict takes a role to which the account's hours apply.
func (s *scene) strict(a *account) *role {
	var all []*role
	for _, x := range s.p.free(a, s.day, s.open) {
		if x != s.g.anytime() {
			all = append(all, x)
		}
	}
	x := pick(s.r, all) // cast left at least two
	s.reserve(x)
	return x
}

// localTime is the given wall-clock time on day n of the history.
func (g *generator) localTime(zone *time.Location, day, hour, minute, second int) time.Time {
	d := g.cfg.Start.AddDate(0, 0, day)
	return time.Date(d.Year(), d.Month(), d.Day(), hour, minute, second, 0, zone).UTC()
}

// changesClock reports whether the zone's clock is changed on day n.
func (g *generator) changesClock(zone *time.Location, day int) bool {
	_, before := g.localTime(zone, day, 0, 0, 0).In(zone).Zone()
	_, after := g.localTime(zone, day, 23, 0, 0).In(zone).Zone()
	return before != after
}

// zone loads a time zone once.
func (g *generator) zone(name string) *time.Location {
	if g.zones[name] == nil {
		l, err := time.LoadLocation(name)
		if err != nil {
			panic("organisation: " + err.Error()) // the zones are compiled in
		}
		g.zones[name] = l
	}
	return g.zones[name]
}
