package policy

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds are the delays and windows of the join and the rules;
// docs/correlation.md explains each.
type Bounds struct {
	ClockSkew       time.Duration
	AssertionWindow time.Duration
	PortalSession   time.Duration
	OktaSession     time.Duration
	// PropagationDelay is how long an assumption may come before its grant.
	PropagationDelay time.Duration
	GrantLookback    time.Duration
	// GrantDuration is the approved length of a grant whose mapping sets none;
	// 0 means without approved end.
	GrantDuration       time.Duration
	RevocationTolerance time.Duration
	CredentialsOutlive  time.Duration
	MaxSession          time.Duration
	StalledAfter        time.Duration
	// RequestWindow is how long before a grant opens its request may have been
	// made or decided.
	RequestWindow time.Duration
	// StandingAccess is how old a grant without end may become; 0: any age.
	StandingAccess time.Duration
	// BurstWindow is how far apart refusals may lie to be one burst.
	BurstWindow time.Duration
}

const (
	day = 24 * time.Hour
	// none stands for a grant without approved end.
	none = "none"
)

// span is the range of a duration, both ends allowed.
type span struct {
	least, most time.Duration
	none        bool // "none" is allowed and means 0
}

// The ranges that are used outside of bounds too.
func approvedLength() span { return span{time.Minute, 366 * day, true} }
func sessionLength() span  { return span{time.Minute, 90 * day, false} }

// bound is one key of bounds with its place, default and range.
type bound struct {
	key   string
	value *time.Duration
	def   time.Duration
	span
}

// table lists the bounds in the order in which they are printed. grant_lookback may
// be what reach raises it to: 366 days and the most of revocation_tolerance.
func (b *Bounds) table() []bound {
	return []bound{
		{"clock_skew", &b.ClockSkew, 2 * time.Second, span{0, time.Minute, false}},
		{"assertion_window", &b.AssertionWindow, 10 * time.Minute, span{time.Second, day, false}},
		{"portal_session", &b.PortalSession, 8 * time.Hour, span{time.Minute, 90 * day, false}},
		{"okta_session", &b.OktaSession, day, span{time.Minute, 90 * day, false}},
		{"propagation_delay", &b.PropagationDelay, 2 * time.Minute, span{0, time.Hour, false}},
		{"grant_lookback", &b.GrantLookback, day, span{0, 367 * day, false}},
		{"grant_duration", &b.GrantDuration, time.Hour, approvedLength()},
		{"revocation_tolerance", &b.RevocationTolerance, 5 * time.Minute, span{0, day, false}},
		{"credentials_outlive", &b.CredentialsOutlive, time.Hour, span{0, 7 * day, false}},
		{"max_session", &b.MaxSession, 12 * time.Hour, sessionLength()},
		{"stalled_after", &b.StalledAfter, 2 * time.Hour, span{time.Minute, 7 * day, false}},
		{"request_window", &b.RequestWindow, day, span{time.Minute, 90 * day, false}},
		{"standing_access", &b.StandingAccess, 90 * day, span{time.Minute, 3660 * day, true}},
		{"burst_window", &b.BurstWindow, 10 * time.Minute, span{time.Second, day, false}},
	}
}

// bounds fills b from the policy's bounds, defaults where a key is left out.
func (d *decoder) bounds(root object, b *Bounds) {
	table := b.table()
	keys := make([]string, len(table))
	for i, t := range table {
		keys[i] = t.key
	}
	o := d.object(root.values["bounds"], "bounds", keys...)
	for _, t := range table {
		*t.value = d.duration(o, t.key, t.def, t.span)
	}
}

// reachGrants raises GrantLookback to the longest grant by a group or application.
func (b *Bounds) reachGrants(groups []group) {
	for i := range groups {
		b.reach(groups[i].duration)
	}
}

// reach raises GrantLookback to the length of a grant with its tolerance: a grant
// that can contain an assumption must be looked for as far back.
func (b *Bounds) reach(length time.Duration) {
	b.GrantLookback = max(b.GrantLookback, length+b.RevocationTolerance)
}

// duration reads a duration within its range, def when the key is left out.
func (d *decoder) duration(o object, key string, def time.Duration, within span) time.Duration {
	if !o.has(key) {
		return def
	}
	s := d.string(o.values[key], o.key(key))
	if s == "" {
		return def
	}
	if within.none && s == none {
		return 0
	}
	v, err := parseDuration(s)
	if err != nil {
		d.errorf(o.at(key), "%s: %s is no duration: write 90s, 10m, 8h or 7d", o.key(key), quote(s))
		return def
	}
	if v < within.least || v > within.most {
		d.errorf(o.at(key), "%s: %s is out of range: from %s to %s%s", o.key(key), quote(s),
			formatDuration(within.least), formatDuration(within.most), orNone(within))
		return def
	}
	return v
}

func orNone(s span) string {
	if s.none {
		return ", or none"
	}
	return ""
}

// parseDuration reads Go's syntax, with whole days ("d") in front if wanted.
func parseDuration(s string) (time.Duration, error) {
	head, rest, ok := strings.Cut(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	days, err := strconv.ParseUint(head, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("days of %q: %w", s, err)
	}
	if rest == "" {
		return time.Duration(days) * day, nil
	}
	more, err := time.ParseDuration(rest)
	if err != nil {
		return 0, err
	}
	if more < 0 || more > 366*day {
		return 0, fmt.Errorf("%q after the days of %q", rest, s)
	}
	return time.Duration(days)*day + more, nil
}

// formatDuration writes what parseDuration reads, as short as it can.
func formatDuration(v time.Duration) string {
	if v == 0 {
		return "0s"
	}
	var b strings.Builder
	if v >= 2*day {
		fmt.Fprintf(&b, "%dd", v/day)
		v %= day
	}
	if v == 0 {
		return b.String()
	}
	s := v.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return b.String() + s
}

// Burst is how many refusals, within Bounds.BurstWindow of each other, are one
// too many.
func (p *Policy) Burst() int { return p.burst }

const usualBurst = 5

func (d *decoder) refusals(root object) int {
	o := d.object(root.values["refusals"], "refusals", "burst")
	return d.whole(o, "burst", usualBurst, 2, 1000)
}
