package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Forever is a wait without end.
const Forever time.Duration = math.MaxInt64

// forever is how the file writes it.
const forever = "forever"

// span is the range of a duration, both ends allowed.
type span struct {
	least, most time.Duration
	forever     bool // allowed beside the range
}

func (s span) parse(text string) (time.Duration, error) {
	if s.forever && text == forever {
		return Forever, nil
	}
	v, err := parseDuration(text)
	if err != nil {
		return 0, errors.New("is no duration: write 90s, 10m, 8h or 7d" + s.orForever())
	}
	if v < s.least || v > s.most {
		return 0, fmt.Errorf("is out of range: from %s to %s%s", formatDuration(s.least), formatDuration(s.most), s.orForever())
	}
	return v, nil
}

func (s span) orForever() string {
	if s.forever {
		return ", or " + forever
	}
	return ""
}

func (s span) format(v time.Duration) string {
	if s.forever && v == Forever {
		return forever
	}
	return formatDuration(v)
}

// parseDuration reads Go's syntax, with whole days ("d") in front if wanted.
func parseDuration(s string) (time.Duration, error) {
	head, rest, ok := strings.Cut(s, "d")
	if !ok {
		return time.ParseDuration(s)
	}
	days, err := strconv.ParseUint(head, 10, 15) // up to 89 years
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
	if more < 0 || more >= 366*day {
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

// Since is where a source is read from when nothing was read yet: a time, or a
// length of time before the start.
type Since struct {
	At  time.Time     // UTC; zero: see Ago
	Ago time.Duration // not negative
}

// Time is the instant that it means for a program started at now.
func (s Since) Time(now time.Time) time.Time {
	if !s.At.IsZero() {
		return s.At
	}
	return now.Add(-s.Ago)
}

// String writes it as the file does.
func (s Since) String() string {
	if s.At.IsZero() {
		return formatDuration(s.Ago)
	}
	return s.At.Format(time.RFC3339Nano)
}

// since is a field of a Since that reaches back as far as the source keeps.
func since(key string, to *Since, kept time.Duration) field {
	return scalar(key, to, func(text string) (Since, error) {
		for _, layout := range []string{time.DateOnly, time.RFC3339} {
			if t, err := time.Parse(layout, text); err == nil {
				return Since{At: t.UTC()}, inYears(t)
			}
		}
		v, err := parseDuration(text)
		if err != nil {
			return Since{}, errors.New("is no time: write 30d for days ago, 2026-01-31 or 2026-01-31T00:00:00Z")
		}
		if v < 0 || v > kept {
			return Since{}, fmt.Errorf("is out of range: from 0s to %s, for so long the source keeps its events", formatDuration(kept))
		}
		return Since{Ago: v}, nil
	}, Since.String)
}

// instant is a field of a time.
func instant(key string, to *time.Time) field {
	return scalar(key, to, func(text string) (time.Time, error) {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return time.Time{}, errors.New("is no time: write 2026-01-31T00:00:00Z")
		}
		return t.UTC(), inYears(t)
	}, func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339Nano)
	})
}

// inYears refuses times that RFC 3339 can't write in UTC, or that came before
// there was anything to audit.
func inYears(t time.Time) error {
	if y := t.UTC().Year(); y < 1970 || y > 9999 {
		return errors.New("is out of range: years 1970 to 9999")
	}
	return nil
}
