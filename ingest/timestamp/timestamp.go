// Package timestamp reads the times that Okta and CloudTrail events carry.
package timestamp

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Parse reads an event's time: RFC 3339, also with a space in place of the T,
// with any fraction, and without a zone, which then is UTC. CloudTrail writes
// "2024-06-02T19:41:40Z" (CloudTrail record contents), Okta adds milliseconds
// (System Log LogEvent), and exports of log platforms write
// "2024-06-02 19:41:40.000000000". The result is UTC. It is read by hand because
// each call in a trail has two times.
func Parse(b []byte) (time.Time, bool) {
	if len(b) < len("2006-01-02T15:04:05") || b[4] != '-' || b[7] != '-' ||
		(b[10] != 'T' && b[10] != ' ') || b[13] != ':' || b[16] != ':' {
		return time.Time{}, false
	}
	year := two(b, 0)*100 + two(b, 2)
	month, day := two(b, 5), two(b, 8)
	hour, minute, second := two(b, 11), two(b, 14), two(b, 17)
	if year < 0 || two(b, 0) < 0 || two(b, 2) < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 {
		return time.Time{}, false
	}
	nanos, rest, ok := fraction(b[19:])
	if !ok {
		return time.Time{}, false
	}
	shift, ok := zone(rest)
	if !ok {
		return time.Time{}, false
	}
	unix := days(year, month, day)*86400 + int64(hour*3600+minute*60+second) - shift
	return time.Unix(unix, nanos).UTC(), true
}

// two reads two digits; -100 or less when they are none.
func two(b []byte, i int) int {
	tens, units := b[i]-'0', b[i+1]-'0'
	if tens > 9 || units > 9 {
		return -10000
	}
	return int(tens)*10 + int(units)
}

// fraction reads a fraction of a second, if any, in nanoseconds; more than nine
// digits are cut.
func fraction(b []byte) (int64, []byte, bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	var nanos int64
	unit, i := int64(100_000_000), 1
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		nanos += int64(b[i]-'0') * unit
		unit /= 10
	}
	return nanos, b[i:], i > 1
}

// zone reads the rest of a time as an offset from UTC in seconds.
func zone(b []byte) (int64, bool) {
	switch {
	case len(b) == 0, len(b) == 1 && b[0] == 'Z':
		return 0, true
	case len(b) == len("+00:00") && (b[0] == '+' || b[0] == '-') && b[3] == ':':
		hours, minutes := two(b, 1), two(b, 4)
		if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
			return 0, false
		}
		shift := int64(hours*3600 + minutes*60)
		if b[0] == '-' {
			return -shift, true
		}
		return shift, true
	}
	return 0, false
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// days counts the days from 1970-01-01 to a date of the Gregorian calendar. The
// year begins in March, so that the leap day is its last.
func days(year, month, day int) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	y := int64(year)
	return 365*y + y/4 - y/100 + y/400 + int64((153*(month-3)+2)/5+day-1) - 719468
}

// expirations are the forms in which STS has logged the end of credentials.
var expirations = [...]string{"Jan 2, 2006, 3:04:05 PM", "Jan 2, 2006 3:04:05 PM"}

// ParseExpiration reads the end of STS credentials as CloudTrail logs it:
// "Mar 3, 2020 8:25:30 AM" in old records, "Jul 1, 2026, 12:08:19 PM" in new
// ones, UTC, where the space before AM or PM may be a narrow no-break space; or
// like Parse.
func ParseExpiration(s string) (time.Time, bool) {
	if t, ok := Parse([]byte(s)); ok {
		return t, true
	}
	s = strings.NewReplacer("\u202f", " ", "\u00a0", " ").Replace(strings.TrimSpace(s))
	for _, layout := range expirations {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// ParseEpoch reads seconds since 1970, or milliseconds when the number is too
// large for seconds of this millennium.
func ParseEpoch(s string) (time.Time, bool) {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || n <= 0 || n > 1e14 {
		return time.Time{}, false
	}
	if n > 1e11 {
		n /= 1000
	}
	whole, part := math.Modf(n)
	return time.Unix(int64(whole), int64(math.Round(part*1000))*1_000_000).UTC(), true
}
