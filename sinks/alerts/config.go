package alerts

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Config says what a receiver is told, and how.
type Config struct {
	// Name is the receiver's: letters, digits, '-' and '_', at most 63. Under it
	// is remembered what it was told, so one that is renamed is told anew.
	Name string
	// Prefix goes before the name of the consumer group, as before those of topics.
	Prefix string
	// Kinds are of which records is read. Default: findings alone.
	Kinds []Kind
	Route Route
	// Alerts that agree in GroupBy are told together; without, all are. The first of
	// a group waits GroupWait for others, 0: none; the next ones until GroupInterval
	// after the last notice of the group.
	GroupBy                  []Label
	GroupWait, GroupInterval time.Duration
	// MaxAlerts is how many alerts a notice has at most. When more wait in a group,
	// all that wait are one digest. Default 100.
	MaxAlerts int
	// Rate is how many notices are begun in a minute; as many at once after a
	// quiet one. Others wait, and gather. 0: as many as there are.
	Rate int
	// MaxAge is how old an event may be to be told by itself. Default 24 h.
	MaxAge time.Duration
	// DigestWait is how long nothing may have been added to a digest of old or
	// rejudged alerts before it is told; after an hour it is in any case. What
	// comes bit by bit, as a backfill does, is thus one digest. Default 1 min.
	DigestWait time.Duration
	// ForgetAfter is how long is remembered what was told of a record that is over,
	// in time of published results. Default 90 days.
	ForgetAfter time.Duration
	// Link is the URL of a page that shows a record, in which {id} stands for the
	// record's id; without {id} that is appended as a further segment of the path.
	// The link of a digest has no id, nor that segment. Empty: no links.
	Link string
	// MaxPending is how many alerts wait at most, beside those of digests. When
	// they do, nothing is read until some are told. Default 5000.
	MaxPending int
	// What a receiver does not take is told again after MinBackoff (default 1 s),
	// then twice as long, up to MaxBackoff (default 1 min), or after what the
	// receiver asks for, if that is longer.
	MinBackoff, MaxBackoff time.Duration
	// Session is how long the consumer group waits for a sign of life. Default 8 s.
	Session time.Duration
	// Now is the clock. Default: that of the machine.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, otherwise time.Duration) {
		if *d == 0 {
			*d = otherwise
		}
	}
	set(&c.MaxAge, 24*time.Hour)
	set(&c.DigestWait, time.Minute)
	set(&c.ForgetAfter, 90*24*time.Hour)
	set(&c.MinBackoff, time.Second)
	set(&c.MaxBackoff, max(time.Minute, c.MinBackoff))
	if len(c.Kinds) == 0 {
		c.Kinds = []Kind{Findings}
	}
	if c.MaxAlerts == 0 {
		c.MaxAlerts = 100
	}
	if c.MaxPending == 0 {
		c.MaxPending = 5000
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Route = c.Route.folded()
	return c
}

// Validate says what is wrong, naming the field. Fields that have a default may be
// empty.
func (c Config) Validate() error {
	c = c.withDefaults()
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,63}$`).MatchString(c.Name) {
		return fmt.Errorf("name: want 1 to 63 letters, digits, '-' and '_' (got %q)", c.Name)
	}
	for i, k := range c.Kinds {
		if k.topic() == "" || slices.Contains(c.Kinds[:i], k) {
			return fmt.Errorf("kinds: want finding, grant or session, each once (got %q)", k)
		}
	}
	for i, l := range c.GroupBy {
		if !l.valid() || slices.Contains(c.GroupBy[:i], l) {
			return fmt.Errorf("group_by: want rule, account, role, person, severity or session, each once (got %q)", l)
		}
	}
	for name, d := range map[string]time.Duration{
		"group_wait": c.GroupWait, "group_interval": c.GroupInterval, "max_age": c.MaxAge,
		"digest_wait": c.DigestWait, "forget_after": c.ForgetAfter, "backoff": c.MinBackoff,
	} {
		if d < 0 {
			return fmt.Errorf("%s: must not be negative (got %s)", name, d)
		}
	}
	switch {
	case c.MaxAlerts < 1 || c.MaxAlerts > 10_000:
		return fmt.Errorf("max_alerts: between 1 and 10000 (got %d)", c.MaxAlerts)
	case c.Rate < 0 || c.Rate > 60_000:
		return fmt.Errorf("rate: between 1 and 60000 notices a minute, or 0 for no bound (got %d)", c.Rate)
	case c.MaxPending < c.MaxAlerts:
		return fmt.Errorf("max_pending: at least max_alerts, %d (got %d)", c.MaxAlerts, c.MaxPending)
	case c.MaxBackoff < c.MinBackoff:
		return fmt.Errorf("backoff: cannot grow from %s to %s", c.MinBackoff, c.MaxBackoff)
	case c.ForgetAfter < c.MaxAge:
		return fmt.Errorf("forget_after: at least max_age, %s: what is forgotten must be too old to be told (got %s)", c.MaxAge, c.ForgetAfter)
	}
	if err := c.Route.validate(); err != nil {
		return fmt.Errorf("route: %w", err)
	}
	return checkLink(c.Link)
}

func checkLink(link string) error {
	if link == "" {
		return nil
	}
	u, err := url.Parse(strings.ReplaceAll(link, idMark, "id"))
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return errors.New("link: it is no URL; write such as https://grafana.example.com/d/jitaudit?var-id={id}")
	case u.User != nil:
		return errors.New("link: it holds a password, and everybody who is told would see it")
	}
	return nil
}

const idMark = "{id}"

// linkTo is the link to a record, or to all for an empty id.
func (c *Config) linkTo(id string) string {
	switch {
	case c.Link == "" || id == "" && !strings.Contains(c.Link, idMark):
		return c.Link
	case strings.Contains(c.Link, idMark):
		return strings.ReplaceAll(c.Link, idMark, url.QueryEscape(id))
	}
	u, err := url.Parse(c.Link)
	if err != nil { // it was checked
		return c.Link
	}
	return u.JoinPath(id).String()
}
