package okta

import (
	"fmt"
	"strings"
)

// longest bounds durations, so that they can be added to any time.
const longest = 100 * 365 * 24 * 60 * 60

// units are those of an ISO 8601 duration with a fixed length, largest first; the
// time's stand behind a T.
var units = [...]struct {
	letter  byte
	time    bool
	seconds int64
}{
	{'W', false, 7 * 24 * 60 * 60},
	{'D', false, 24 * 60 * 60},
	{'H', true, 60 * 60},
	{'M', true, 60},
	{'S', true, 1},
}

// seconds reads an ISO 8601 duration such as P1DT2H. Years and months have no
// fixed length, and fractions do not occur: both are errors, as is a duration of
// more than 100 years.
func seconds(iso string) (int64, error) {
	refuse := func(why string) (int64, error) {
		return 0, fmt.Errorf("%.64q %s; use weeks, days, hours, minutes and seconds, as in P1DT2H", iso, why)
	}
	rest, ok := strings.CutPrefix(iso, "P")
	if !ok || rest == "" || strings.HasSuffix(rest, "T") {
		return refuse("is no ISO 8601 duration")
	}
	var sum int64
	next, inTime := 0, false
	for rest != "" {
		if rest[0] == 'T' && !inTime {
			inTime, rest = true, rest[1:]
		}
		digits := 0
		var n int64
		for ; digits < len(rest) && rest[digits]-'0' <= 9; digits++ {
			if n = n*10 + int64(rest[digits]-'0'); n > longest {
				return refuse("is longer than 100 years")
			}
		}
		if digits == 0 || digits == len(rest) {
			return refuse("is no ISO 8601 duration")
		}
		for next < len(units) && (units[next].letter != rest[digits] || units[next].time != inTime) {
			next++
		}
		if next == len(units) {
			return refuse("has no fixed length")
		}
		sum += n * units[next].seconds
		if n > longest/units[next].seconds || sum > longest {
			return refuse("is longer than 100 years")
		}
		next++
		rest = rest[digits+1:]
	}
	return sum, nil
}
