package clickhouse

import (
	"strconv"
	"strings"
	"time"
)

// scanActivity reads a call from what json.Marshal makes of schemas.Activity:
// this order of fields, no white space, no escapes, times that a column can
// hold. It gives up on anything else, which encoding/json then reads at a tenth
// of the speed. What it accepts is what the row would be written as again.
func scanActivity(s string) (activityRow, bool) {
	var r activityRow
	c := cursor{rest: s, ok: true}
	c.expect(`{"event_id":"`)
	r.eventID = c.text()
	c.expect(`,"use":"`)
	r.use = c.text()
	c.expect(`,"shard":"`)
	r.shard = c.text()
	c.expect(`,"at":"`)
	r.at = c.instant()
	c.expect(`,"call":{"principal_id":"`)
	r.principalID = c.text()
	if c.accept(`,"access_key_id":"`) {
		r.accessKeyID = c.someText()
	}
	if c.accept(`,"role_arn":"`) {
		r.roleARN = c.someText()
	}
	if c.accept(`,"created_at":"`) {
		r.createdAt = c.instant()
	}
	r.console = c.accept(`,"console":true`)
	r.serviceDriven = c.accept(`,"service_driven":true`)
	c.expect(`,"service":"`)
	r.service = c.text()
	c.expect(`,"action":"`)
	r.action = c.text()
	r.denied = c.accept(`,"denied":true`)
	r.readOnly = c.accept(`,"read_only":true`)
	c.expect(`},"rank":`)
	r.rank = c.number()
	c.expect(`}`)
	return r, c.ok && c.rest == "" && r.eventID != "" && r.use != ""
}

// cursor walks along a text. Once something was not as expected it stands still
// and is no longer ok.
type cursor struct {
	rest string
	ok   bool
}

func (c *cursor) accept(s string) bool {
	rest, found := strings.CutPrefix(c.rest, s)
	if found && c.ok {
		c.rest = rest
		return true
	}
	return false
}

func (c *cursor) expect(s string) {
	if !c.accept(s) {
		c.ok = false
	}
}

// until returns what stands before the next quote, and steps behind that.
func (c *cursor) until() string {
	i := strings.IndexByte(c.rest, '"')
	if i < 0 || !c.ok {
		c.ok = false
		return ""
	}
	s := c.rest[:i]
	c.rest = c.rest[i+1:]
	return s
}

// text is a string that json.Marshal writes as it is.
func (c *cursor) text() string {
	s := c.until()
	for i := range len(s) {
		if b := s[i]; b < ' ' || b >= 0x7f || b == '\\' || b == '<' || b == '>' || b == '&' {
			c.ok = false
			return ""
		}
	}
	return s
}

// someText is text that is left out when it is empty.
func (c *cursor) someText() string {
	s := c.text()
	if s == "" {
		c.ok = false
	}
	return s
}

// instant is a time as time.Time is marshalled, in UTC and whole milliseconds.
func (c *cursor) instant() time.Time {
	s := c.until()
	const seconds = "2006-01-02T15:04:05"
	if len(s) < len(seconds)+1 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[len(s)-1] != 'Z' {
		c.ok = false
		return time.Time{}
	}
	year, month, day := c.digits(s[:4]), c.digits(s[5:7]), c.digits(s[8:10])
	hour, minute, second := c.digits(s[11:13]), c.digits(s[14:16]), c.digits(s[17:19])
	nanos := 0
	if f := s[len(seconds) : len(s)-1]; f != "" {
		// A fraction is written without zeros at its end.
		if len(f) < 2 || len(f) > 4 || f[0] != '.' || f[len(f)-1] == '0' {
			c.ok = false
			return time.Time{}
		}
		nanos = c.digits(f[1:])
		for n := len(f); n < len(".000000000"); n++ {
			nanos *= 10
		}
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if t.Day() != day || int(t.Month()) != month || hour > 23 || minute > 59 || second > 59 || year < firstYear || year > lastYear {
		c.ok = false
	}
	return t
}

func (c *cursor) digits(s string) int {
	n := 0
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			c.ok = false
			return 0
		}
		n = n*10 + int(d)
	}
	return n
}

// number is one without sign, point or zeros at its front.
func (c *cursor) number() uint64 {
	n := 0
	for n < len(c.rest) && c.rest[n]-'0' <= 9 {
		n++
	}
	v, err := strconv.ParseUint(c.rest[:n], 10, 64)
	if err != nil || n > 1 && c.rest[0] == '0' {
		c.ok = false
		return 0
	}
	c.rest = c.rest[n:]
	return v
}
